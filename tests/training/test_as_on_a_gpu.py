"""What a GPU would meet, as far as a machine without one can tell.

Tensors on the device ``meta`` have shapes and no numbers. Reading a number of theirs, for which a GPU would make the
host wait, is an error; mixing them with those of the host is one under `helpers.OneDevice`.
"""

from contextlib import nullcontext
from itertools import count
from types import SimpleNamespace

import pytest
import torch
from helpers import OneDevice, only_readings_take_time, random_images
from torch import nn

from cincgan_tutorial.architectures import Networks
from cincgan_tutorial.degradation import SYNTHETIC_MILD
from cincgan_tutorial.experiments import pace
from cincgan_tutorial.experiments.evaluate import cleaning_scores
from cincgan_tutorial.experiments.systems import denoised, systems
from cincgan_tutorial.grading import checking
from cincgan_tutorial.inference import applied, super_resolve
from cincgan_tutorial.presets import PRESETS, with_settings
from cincgan_tutorial.training import Arithmetic, loop, ranks, steps, train
from cincgan_tutorial.training.alarms import Alarms, appearance
from cincgan_tutorial.training.replay import EAGER
from cincgan_tutorial.unpaired import UnpairedPatches
from cincgan_tutorial.weights import Trained

CPU, META = torch.device("cpu"), torch.device("meta")
STAGES = ("pretrain", "first", "joint")


@pytest.fixture
def unfused(monkeypatch):
    """Adam as it is where there is no call for all weights at once: there is none on ``meta``."""
    real = steps.Adam
    monkeypatch.setattr(steps, "Adam", lambda parameters, **given: real(parameters, **{**given, "fused": False}))


class Elementary(Arithmetic):
    """32 bits on ``meta``, for which there is no autocast."""

    def forward(self):
        return nullcontext()


def elsewhere(nets: nn.Module) -> nn.Module:
    return nets.to(META).to(memory_format=torch.channels_last)


@pytest.mark.parametrize("name", STAGES)
@pytest.mark.parametrize("settings", [{}, {"discriminator.batch_norm": True, "adam_per_cycle": True, "clip": 1.0}])
def test_all_of_a_step_lies_on_its_device_and_no_number_is_read(name, settings, unfused):
    preset = with_settings(PRESETS["smoke"], {"precision": "fp32"} | settings)
    stage, nets = preset.stages()[name], elsewhere(Networks.from_preset(preset))
    state = loop.State(name, 0, nets, Elementary("fp32", META))
    loop.enter(state, name, preset)
    sides = (preset.patch, preset.patch, preset.patch * preset.scale)
    batch = tuple(torch.empty(stage.batch, 3, side, side, device=META) for side in sides)
    with OneDevice():
        for state.step in range(stage.warm_up + 2):
            losses = loop.train_step(state, name, stage, preset, batch)
        looks = appearance(loop.published(state), batch[0], preset.scale, name == "joint", state.arithmetic)
    assert {value.device for value in (losses | looks).values()} == {META}
    if name == "joint":
        with pytest.raises(RuntimeError, match="meta"):
            losses["D1"].item()


def test_a_batch_is_cut_where_the_photographs_are(photographs):
    patches = UnpairedPatches(photographs, SYNTHETIC_MILD, 16).to(META)
    with OneDevice():
        assert {images.device for images in patches.batch(3, 4, 1)} == {META}


def test_two_devices_would_be_noticed():
    with OneDevice(), pytest.raises(AssertionError, match=r"\['cpu', 'meta'\]"):
        torch.ones(2, 2) @ torch.ones(2, 2, device=META)


def test_a_checkpoint_is_looked_through_where_it_is():
    """One reading of each part, not one of each tensor: only then something is brought to the host."""
    with pytest.raises(RuntimeError, match="item"):
        Alarms("first").check({"G1": [torch.ones(3, device=META), torch.ones((), device=META)]})


class Elsewhere(nn.Module):
    """A network whose weights are on ``meta``, with an answer of numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(1, device=META))

    def forward(self, x):
        self.given = x.device
        return torch.ones(x.shape)


def test_a_network_is_applied_where_it_is_and_its_answer_comes_back():
    network = Elsewhere()
    answer = applied(network, torch.zeros(1, 3, 4, 4))
    assert (network.given, answer.device) == (META, CPU)
    answer = applied(nn.Identity(), torch.zeros(1, 3, 4, 4))
    assert answer.device == CPU, "a network without weights is where the images are"


@pytest.mark.parametrize("name", ["SR alone", "G1 then SR", "CinCGAN", "denoised", "tiles", "cleaning"])
def test_every_system_takes_the_image_to_its_networks(name, smoke, bundled):
    nets, before = Networks.from_preset(smoke).eval(), Networks.from_preset(smoke).upscaler().eval()
    trained = Trained(nets, before, smoke, {"x_photographs": {}, "yz_photographs": {}})
    assert trained.to(META) is trained
    all_of_them = {
        **systems(trained),
        "denoised": next(iter(denoised(trained, "nlm", [5.0]).values())),
        "tiles": lambda x: super_resolve(trained.nets.upscaler(), x, 8),
        "cleaning": lambda x: cleaning_scores(trained, bundled.held_out[:1]),
    }
    # All is done there, and only what comes back has no numbers.
    with pytest.raises(NotImplementedError, match="out of meta"):
        all_of_them[name](random_images(1, 16, 16))


def test_a_recording_is_made_before_the_steps_that_count(monkeypatch):
    """On a GPU the first step beyond `EAGER` is recorded and takes seconds, of the yardstick as of what is measured."""
    clock, done = [0.0], {"yardstick": count(), "one": count()}

    def work(which, seconds):
        # The first call of each is step 0.
        clock[0] += 100.0 if next(done[which]) <= EAGER else seconds

    monkeypatch.setattr(pace, "_yardstick", lambda material: lambda: work("yardstick", 0.125))
    monkeypatch.setattr(pace, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    measured = pace._yardsticks(lambda step: work("one", 1.0), SimpleNamespace(device=CPU))
    assert measured == pytest.approx(8)
    assert next(done["one"]) == EAGER + 2 + 4, "the four seconds begin behind the warm-up"
    done["yardstick"] = count()
    assert pace.seconds_of_yardstick(SimpleNamespace(device=CPU)) == 0.125


def test_seconds_are_taken_after_the_wait_for_the_device(smoke, photographs, tmp_path, monkeypatch):
    only_readings_take_time(monkeypatch)
    run = train(smoke, photographs, tmp_path / "run")
    lines = [line for line in run.log if line["stage"] == "pretrain" and "SR" in line]
    assert [line["seconds"] for line in lines] == [10.0 * number for number in range(1, len(lines) + 1)]


def test_an_error_of_rank_0_reaches_all(monkeypatch):
    sent = []
    monkeypatch.setattr(ranks, "world", lambda: 2)
    monkeypatch.setattr(ranks.dist, "broadcast_object_list", lambda outcome, src: sent.append(outcome[1]))

    def short_of_memory():
        raise torch.OutOfMemoryError("CUDA out of memory.")

    with pytest.raises(torch.OutOfMemoryError):
        ranks.first_does(short_of_memory)
    assert isinstance(sent[0], torch.OutOfMemoryError)


def test_cuda_is_there_before_memory_is_limited(monkeypatch):
    order = []
    monkeypatch.setattr(torch.cuda, "init", lambda: order.append("CUDA"))
    monkeypatch.setattr(checking, "try_all", lambda *rest: order.append("laws"))
    for device in ("cpu", "cuda"):
        checking.check("total_variation", lambda images: images.sum(), device)
    assert order == ["laws", "CUDA", "laws"]
