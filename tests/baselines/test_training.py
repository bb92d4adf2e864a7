"""One loop for every system: each learns, what is interrupted goes on to the bit, and what is wrong is said."""

import contextlib
import dataclasses
import json

import pytest
import torch
from helpers import OneDevice, assert_same_tensors, only_readings_take_time

from cincgan_tutorial.baselines import (
    SRGAN,
    CycleGAN,
    DualGAN,
    FSRCNNSystem,
    Material,
    RegisteredPairs,
    edsr,
    edsr_plus,
    load_system,
    loop,
    on_pairs,
    srgan_plus,
    srresnet,
    train_system,
)
from cincgan_tutorial.baselines.cycle_gan import ImagePool
from cincgan_tutorial.presets import with_settings
from cincgan_tutorial.training import Arithmetic, Stopped

CPU = torch.device("cpu")
SYSTEMS = [FSRCNNSystem, edsr, srresnet, SRGAN, edsr_plus, srgan_plus, on_pairs, CycleGAN, DualGAN]
# A system, and after how many of its steps, four to a phase, the plug is pulled: before the first checkpoint, between
# two phases, behind a checkpoint in the middle of a phase.
INTERRUPTED = [(edsr_plus, 1), (edsr_plus, 4), (edsr_plus, 7), (srgan_plus, 11), (CycleGAN, 3), (DualGAN, 3)]


class PulledPlug(Exception):  # noqa: N818 - no error, an event
    """Stands for whatever ends a program."""


@pytest.fixture(autouse=True)
def _no_vgg(monkeypatch, tmp_path):
    monkeypatch.delenv("CINCGAN_VGG19", raising=False)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setenv("CINCGAN_STATIC", "1")


@pytest.fixture
def material(smoke, photographs):
    return Material(smoke, photographs, CPU)


def steps_for(system, count):
    return {phase.name: count for phase in system.phases}


def objective(system, material):
    """What the last phase of a system minimises, on patches that it was not trained on."""
    phase = system.phases[-1]
    batches = [material.batch(phase, 10_000 + number) for number in range(4)]
    system.begin(phase, Arithmetic("fp32", CPU))
    state = {name: value.clone() for name, value in system.state_dict().items()}
    found = []
    for batch in batches:
        system.load_state_dict(state)
        losses = system.step(batch)
        weights = {"distance": 1, "content": 1, "gan": 1e-3 if "content" in losses else 0, "cycle": 1, "identity": 0.5}
        found.append(sum(weights.get(name, 0) * value.item() for name, value in losses.items()))
    system.load_state_dict(state)
    return sum(found) / len(found)


@pytest.mark.parametrize("make", SYSTEMS)
def test_every_system_improves_its_own_objective(make, smoke, material, tmp_path):
    """Seeds are fixed: this is the same training at every call. For the two games it is how well the cycles close."""
    before = objective(make(smoke), material)
    system = make(smoke)
    count = 30 if len(system.phases) < 3 and make not in (CycleGAN, DualGAN) else 12
    run = train_system(system, material, steps_for(system, count), tmp_path / "run")
    assert objective(system, material) < 0.97 * before
    assert [line["stage"] for line in run.log] == [phase.name for phase in system.phases for _ in range(count // 2)]
    assert all(isinstance(value, (int, float, str)) for line in run.log for value in line.values())


@pytest.mark.parametrize("make", SYSTEMS)
def test_every_system_takes_steps_in_half_precision(make, smoke, photographs, tmp_path):
    """As on a T4, where losses are scaled and the scaler keeps books of every step."""
    half = with_settings(smoke, {"precision": "fp16"})
    system = make(half)
    run = train_system(system, Material(half, photographs, CPU), steps_for(system, 2), tmp_path / "run")
    assert run.finished
    assert all(torch.isfinite(value).all() for value in system.state_dict().values())


def test_seconds_are_taken_after_the_wait_for_the_device(smoke, material, tmp_path, monkeypatch):
    only_readings_take_time(monkeypatch)
    run = train_system(edsr(smoke), material, {"clean pairs": 6}, tmp_path / "run")
    assert [line["seconds"] for line in run.log] == [10.0, 20.0, 30.0]


@pytest.mark.parametrize("make", SYSTEMS)
def test_all_of_a_step_of_every_system_lies_on_its_device_and_no_number_is_read(make, smoke, monkeypatch):
    """On the device ``meta``, where an error is made of what would be an error on a GPU, or make the host wait."""
    system, meta = make(smoke), torch.device("meta")
    arithmetic = Arithmetic("fp32", CPU)
    monkeypatch.setattr(arithmetic, "forward", contextlib.nullcontext)
    system.to(meta)
    for pool in (module for module in system.modules() if isinstance(module, ImagePool)):
        pool._shown = 0  # what it reads once, when it begins or is resumed
    for phase in system.phases:
        system.begin(phase, arithmetic)
        for optimizer in system.optimizers.values():
            for group in optimizer.param_groups:
                group["fused"] = False  # not made for meta
        sides = (16, 64) if "pairs" in phase.data else (16, 16, 64)
        batch = tuple(torch.empty(phase.batch, 3, side, side, device=meta) for side in sides)
        with OneDevice():
            for _ in range(2):
                losses = system.step(batch)
                assert {value.device for value in losses.values()} == {meta}


@pytest.mark.parametrize(("make", "after"), INTERRUPTED)
def test_an_interrupted_training_ends_with_the_same_bits(make, after, smoke, material, tmp_path, monkeypatch):
    undisturbed, disturbed = make(smoke), make(smoke)
    steps = steps_for(undisturbed, 4)
    reference = train_system(undisturbed, material, steps, tmp_path / "reference")
    real, left = type(disturbed).step, iter(range(after))

    def pulled(system, batch):
        if next(left, None) is None:
            raise PulledPlug
        return real(system, batch)

    with monkeypatch.context() as patched:
        patched.setattr(type(disturbed), "step", pulled)
        with pytest.raises(PulledPlug):
            train_system(disturbed, material, steps, tmp_path / "run")
    (tmp_path / "run" / ".left.part").write_text("by a kill")
    again = make(smoke)
    run = train_system(again, material, steps, tmp_path / "run")
    assert_same_tensors(again.state_dict(), undisturbed.state_dict())
    without_time = [[{k: v for k, v in line.items() if k != "seconds"} for line in r.log] for r in (run, reference)]
    assert without_time[0] == without_time[1]
    assert not list(run.folder.glob(".*.part"))


def test_a_checkpoint_that_cannot_be_written_says_to_start_again_and_nothing_is_lost(
    smoke, material, tmp_path, monkeypatch
):
    """`resume` is for runs of CinCGAN. Torch says that a write failed by a RuntimeError."""
    undisturbed, disturbed = edsr(smoke), edsr(smoke)
    steps = {"clean pairs": 7}
    train_system(undisturbed, material, steps, tmp_path / "reference")

    def full(*_):
        raise RuntimeError("unexpected pos 64 vs 0")

    with monkeypatch.context() as patched:
        patched.setattr(torch, "save", full)
        with pytest.raises(
            OSError, match=r"(?s)unexpected pos.*checkpoint\.pt.*no checkpoint yet.*same command again$"
        ):
            train_system(disturbed, material, steps, tmp_path / "run")
    again = edsr(smoke)
    train_system(again, material, steps, tmp_path / "run")
    assert_same_tensors(again.state_dict(), undisturbed.state_dict())


def test_ctrl_c_saves_and_a_second_call_goes_on(smoke, material, tmp_path, monkeypatch):
    undisturbed, disturbed = edsr(smoke), edsr(smoke)
    steps = {"clean pairs": 7}
    train_system(undisturbed, material, steps, tmp_path / "reference")
    with monkeypatch.context() as patched:
        patched.setattr(loop.StopRequest, "here", lambda self, step, every, device: step == 5)
        patched.setattr(loop, "Stopped", lambda asked, where: Stopped(2, where))
        with pytest.raises(Stopped, match="EDSR-1x8: clean pairs, step 5 of 7"):
            train_system(disturbed, material, steps, tmp_path / "run")
    saved = torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)
    assert (saved["phase"], saved["step"]) == (0, 5)
    again = edsr(smoke)
    train_system(again, material, steps, tmp_path / "run")
    assert_same_tensors(again.state_dict(), undisturbed.state_dict())


def test_a_finished_run_is_not_touched_and_is_loaded(smoke, material, tmp_path):
    system = edsr_plus(smoke)
    steps = {"clean pairs": 2, "registered pairs": 3}
    run = train_system(system, material, steps, tmp_path / "run")
    before = {path.name: path.stat().st_mtime_ns for path in run.folder.iterdir()}
    fresh = edsr_plus(smoke)
    train_system(fresh, material, steps, tmp_path / "run")
    assert {path.name: path.stat().st_mtime_ns for path in run.folder.iterdir()} == before
    facts = load_system(fresh, run.weights_path)
    assert_same_tensors(fresh.state_dict(), system.state_dict())
    assert facts["steps"] == steps
    assert facts["system"] == "EDSR-1x8+"
    assert set(facts["seconds"]) == set(steps)
    assert facts["parameters"] == {"used": system.parameters_used, "trained": system.parameters_trained}
    assert facts["x_photographs"] == {p.name: p.sha256 for p in material.photographs.x}
    config = json.loads(run.config_path.read_text(encoding="utf-8"))
    assert config["facts"]["steps"] == steps


def test_another_run_in_the_folder_is_refused(smoke, photographs, material, tmp_path):
    train_system(edsr(smoke), material, {"clean pairs": 2}, tmp_path / "run")
    with pytest.raises(ValueError, match=r"steps.clean pairs is 2 there and 3 here"):
        train_system(edsr(smoke), material, {"clean pairs": 3}, tmp_path / "run")
    with pytest.raises(ValueError, match="system is 'EDSR-1x8' there and 'SRResNet-1x8' here"):
        train_system(srresnet(smoke), material, {"clean pairs": 2}, tmp_path / "run")
    other = dataclasses.replace(smoke, seed=1)
    with pytest.raises(ValueError, match="seed is 0 there and 1 here"):
        train_system(edsr(other), Material(other, photographs, CPU), {"clean pairs": 2}, tmp_path / "run")


def test_steps_are_given_for_every_phase(smoke, material, tmp_path):
    with pytest.raises(ValueError, match=r"steps: expected \['clean pairs', 'registered pairs'\], got \['clean"):
        train_system(edsr_plus(smoke), material, {"clean pairs": 2}, tmp_path / "run")


def test_a_loss_that_is_not_finite_ends_the_run_before_a_checkpoint(smoke, material, tmp_path):
    system = edsr(smoke)
    with torch.no_grad():
        system.network.tail.bias.fill_(float("inf"))
    with pytest.raises(ValueError, match="clean pairs, step 1: the loss 'distance' is not finite any more"):
        train_system(system, material, {"clean pairs": 5}, tmp_path / "run")
    assert not (tmp_path / "run" / "checkpoint.pt").exists()
    assert not (tmp_path / "run" / "weights.safetensors").exists()


@pytest.mark.parametrize("make", [edsr, CycleGAN])
def test_no_checkpoint_holds_a_weight_that_is_not_finite(make, smoke, photographs, tmp_path, monkeypatch):
    """Whichever of its tensors: here the last of a network, spoilt after the last loss before the checkpoint."""
    preset = with_settings(smoke, {"log_every": 3, "save_every": 3})
    system, material = make(preset), Material(preset, photographs, CPU)
    last = "network" if make is edsr else "F"
    monkeypatch.setattr(loop, "_log", lambda *_: list(getattr(system, last).parameters())[-1].data.fill_(float("nan")))
    with pytest.raises(ValueError, match=f"a number in the weights of {last} is not finite any more"):
        train_system(system, material, steps_for(system, 5), tmp_path / "run")
    assert not (tmp_path / "run" / "checkpoint.pt").exists()


def test_weights_of_another_system_or_size_are_not_loaded(smoke, material, tmp_path):
    run = train_system(edsr(smoke), material, {"clean pairs": 1}, tmp_path / "run")
    with pytest.raises(ValueError, match=r"holds .*EDSR-1x8.*, expected .*SRResNet-1x8"):
        load_system(srresnet(smoke), run.weights_path)
    (tmp_path / "damaged").write_bytes(b"no safetensors")
    with pytest.raises(ValueError, match="damaged: not a readable safetensors file"):
        load_system(edsr(smoke), tmp_path / "damaged")


def test_what_is_trained_on_pairs_is_used_as_it_was_trained(smoke):
    """Whatever the preset says of colours: no loss asks this G1 for those of x, so it must not put them back."""
    system = on_pairs(with_settings(smoke, {"generator.local_mean": 9}))
    upscaler = system.upscaler()
    with torch.no_grad():
        upscaler.G1.tail[-1].bias += 0.2
        x = torch.rand(1, 3, 12, 12)
        assert torch.equal(upscaler.train()(x), upscaler.eval()(x))


def test_patches_are_those_of_the_unpaired_road_and_of_the_bound(smoke, photographs, material):
    """Equal steps show equal patches to all systems: what differs is what they do with them."""
    (clean,), (registered,) = edsr(smoke).phases, on_pairs(smoke).phases
    x, y, z = material.unpaired.batch(3, clean.batch)
    for ours, theirs in zip(material.batch(clean, 3), (y, z), strict=True):
        assert torch.equal(ours, theirs)
    for ours, theirs in zip(material.batch(CycleGAN(smoke).phases[0], 3), material.unpaired.batch(3, 1), strict=True):
        assert torch.equal(ours, theirs)
    pairs = RegisteredPairs(photographs.x + photographs.yz, smoke).batch(3, registered.batch)
    for ours, theirs in zip(material.batch(registered, 3), pairs, strict=True):
        assert torch.equal(ours, theirs)
    assert not torch.equal(pairs[0], x)
