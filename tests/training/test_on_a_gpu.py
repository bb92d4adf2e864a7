"""What only a GPU can show: `make test-gpu`. `test_no_waiting` and `test_replay` have more."""

import pytest
import torch
from helpers import random_images, shake
from torch.nn import functional as F
from training_helpers import PulledPlug, pull_the_plug_at

from cincgan_tutorial.architectures import Networks
from cincgan_tutorial.baselines import CycleGAN, DualGAN, Material, load_system, train_system
from cincgan_tutorial.degradation import SYNTHETIC_MILD
from cincgan_tutorial.experiments.evaluate import cleaning_scores, evaluate
from cincgan_tutorial.grading import check
from cincgan_tutorial.inference import super_resolve
from cincgan_tutorial.presets import PRESETS, with_settings
from cincgan_tutorial.training import resume, train, training_device
from cincgan_tutorial.training.precision import full_32_bits
from cincgan_tutorial.weights import Trained, load_weights

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU: make test-gpu"),
]


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16", "auto"])
def test_a_training_is_interrupted_and_goes_on(photographs, precision, tmp_path, monkeypatch):
    preset = with_settings(PRESETS["smoke"], {"precision": precision})
    with monkeypatch.context() as patch:
        pull_the_plug_at(patch, 11)
        with pytest.raises(PulledPlug):
            train(preset, photographs, tmp_path / "run")
    trained = load_weights(resume(tmp_path / "run").folder)
    assert all(torch.isfinite(value).all() for value in trained.nets.state_dict().values())
    if training_device().type == "cuda":
        assert trained.facts["device"] == torch.cuda.get_device_name()


@pytest.mark.parametrize("make", [CycleGAN, DualGAN])
def test_other_games_are_trained_in_half_precision_and_read_again(make, smoke, photographs, tmp_path):
    half = with_settings(smoke, {"precision": "fp16"})
    system = make(half)
    steps = {phase.name: 3 for phase in system.phases}
    run = train_system(system, Material(half, photographs, training_device()), steps, tmp_path / "run")
    load_system(make(half), run.weights_path)
    assert system.upscale(random_images(1, 16, 16)).isfinite().all()


def untrained(smoke):
    """The same networks on the host and on the device."""
    nets, before = Networks.from_preset(smoke).eval(), Networks.from_preset(smoke).upscaler().eval()
    shake(nets, 0.02)
    facts = {"x_photographs": {}, "yz_photographs": {}}
    on_host = Trained(nets, before, smoke, facts)
    other = Networks.from_preset(smoke).eval()
    other.load_state_dict(nets.state_dict())
    return on_host, Trained(other, Networks.from_preset(smoke).upscaler().eval(), smoke, facts).to(training_device())


@pytest.mark.parametrize("tile", [None, 11])
def test_a_photograph_is_enlarged_as_on_the_host(smoke, tile):
    full_32_bits()
    on_host, there = (trained.nets.upscaler() for trained in untrained(smoke))
    x = random_images(1, 33, 46)
    enlarged = super_resolve(there, x, tile)
    assert enlarged.device == x.device
    assert (enlarged - super_resolve(on_host, x, tile)).abs().max() < 1e-4


def test_scores_are_those_of_the_host(smoke, bundled):
    full_32_bits()
    photographs = bundled.held_out[:1]
    rows, cleaned = zip(
        *(
            (evaluate(trained, photographs, SYNTHETIC_MILD.without_shift()), cleaning_scores(trained, photographs))
            for trained in untrained(smoke)
        ),
        strict=True,
    )
    for ours, theirs in zip(*rows, strict=True):
        assert ours.mean_psnr == pytest.approx(theirs.mean_psnr, abs=1e-3)
    for name, score in cleaned[0]["G1(x)"].items():
        assert cleaned[1]["G1(x)"][name] == pytest.approx(score, abs=1e-3)


def test_convolutions_of_32_bits_are_of_32_bits():
    full_32_bits()
    x, kernels = random_images(2, 24, 24).to(training_device()), torch.rand(8, 3, 5, 5, device=training_device())
    apart = (F.conv2d(x, kernels).double() - F.conv2d(x.double(), kernels.double())).abs().max()
    assert apart < 2e-5, "with factors of 19 bits it would be a hundred times as much"


def test_an_answer_is_checked_with_tensors_there():
    def variation(images):
        return sum((images.diff(dim=dim) ** 2).mean() for dim in (-1, -2))

    assert check("total_variation", variation, training_device().type).passed
