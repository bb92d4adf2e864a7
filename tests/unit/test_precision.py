"""Arithmetic: what "auto" becomes, and what a step may move."""

import pytest
import torch
from helpers import LETTERS, random_images
from torch import nn
from torch.optim import SGD

from cincgan_tutorial.architectures import Networks
from cincgan_tutorial.training import Arithmetic, joint_step, make_optimizers, settle

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


@pytest.mark.parametrize(
    ("capability", "answer"), [((7, 0), "fp16"), ((7, 5), "fp16"), ((8, 0), "bf16"), ((9, 0), "bf16")]
)
def test_auto_on_a_gpu_goes_by_its_capability(monkeypatch, capability, answer):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device=None: capability)
    assert settle("auto", CUDA) == answer


@pytest.mark.parametrize(("has", "answer"), [(True, "bf16"), (False, "fp32")])
def test_auto_on_a_cpu_goes_by_its_instructions(monkeypatch, has, answer):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: has, raising=False)
    assert settle("auto", CPU) == answer


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_a_stated_precision_is_kept(precision):
    assert settle(precision, CPU) == precision
    assert settle(precision, CUDA) == precision


@pytest.mark.parametrize(("precision", "scaled"), [("fp32", False), ("bf16", False), ("fp16", True)])
def test_only_half_precision_scales_its_loss(precision, scaled):
    assert Arithmetic(precision, CPU).scaler.is_enabled() is scaled


@pytest.mark.parametrize(("precision", "dtype"), [("fp32", torch.float32), ("bf16", torch.bfloat16)])
def test_forward_passes_run_in_the_chosen_type(precision, dtype):
    with Arithmetic(precision, CPU).forward():
        assert nn.Conv2d(3, 3, 3)(torch.rand(1, 3, 8, 8)).dtype == dtype


def test_minimise_moves_the_optimizers_parameters_and_touches_no_other():
    first, second = nn.Linear(3, 3), nn.Linear(3, 1)
    frozen = [p.detach().clone() for p in second.parameters()]
    start = first.weight.detach().clone()
    loss = second(first(torch.ones(2, 3))).square().mean() + 1
    Arithmetic("fp32", CPU).minimise(loss, SGD(first.parameters(), lr=0.1))
    assert not torch.equal(first.weight, start)
    assert all(p.grad is None for p in second.parameters())
    assert all(torch.equal(p, old) for p, old in zip(second.parameters(), frozen, strict=True))


def test_minimise_goes_downhill_and_forgets_the_last_gradient():
    weight = nn.Parameter(torch.tensor([3.0]))
    optimizer = SGD([weight], lr=0.25)
    for expected in (1.5, 0.75):
        Arithmetic("fp32", CPU).minimise(weight.square().sum(), optimizer)
        assert weight.item() == expected


@pytest.mark.parametrize(("clip", "expected"), [(0.0, 80.0), (1.0, 1.0), (500.0, 80.0)])
def test_clipping_limits_the_length_of_the_gradient(clip, expected):
    weight = nn.Parameter(torch.zeros(4))
    loss = (40 * weight).sum()  # gradient 40 in each of four directions: length 80
    Arithmetic("fp32", CPU).minimise(loss, SGD([weight], lr=1.0), clip)
    assert weight.norm().item() == pytest.approx(expected, rel=1e-4)


def test_steps_run_in_bf16_and_keep_weights_in_float32(smoke):
    x, y, z = random_images(2, 16, 16, 1), random_images(2, 16, 16, 2), random_images(2, 64, 64, 3)
    losses = {}
    for precision in ("fp32", "bf16"):
        nets, arithmetic = Networks.from_preset(smoke), Arithmetic(precision, CPU)
        optimizers = make_optimizers(nets, "joint", smoke.joint, smoke)
        weights = smoke.joint.cycle_one, smoke.joint.cycle_two
        losses[precision] = joint_step(nets, optimizers, x, y, z, weights, smoke.norms, arithmetic, smoke.clip)
        assert {p.dtype for letter in LETTERS for p in getattr(nets, letter).parameters()} == {torch.float32}
        assert all(torch.isfinite(p).all() for p in nets.parameters())
    for name, value in losses["fp32"].items():
        assert losses["bf16"][name].dtype == torch.float32
        assert losses["bf16"][name].item() == pytest.approx(value.item(), rel=0.1, abs=0.02), name
    assert any(losses["bf16"][name].item() != losses["fp32"][name].item() for name in losses["fp32"])
