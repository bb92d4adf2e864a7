"""The benchmark's plain loop does what the library does, and the benchmark runs to its end."""

import json
import os
import platform
import subprocess
import sys

import pytest
import torch
from helpers import ROOT, needs_glibc, random_images, shake
from torch import nn
from torch.optim import SGD
from torch.utils.flop_counter import FlopCounterMode

from cincgan_tutorial.architectures import EDSR, Networks, edsr, linear
from cincgan_tutorial.challenge import challenge_psnr
from cincgan_tutorial.presets import PRESETS

BENCHMARKS = ROOT / "benchmarks"
SIDES = (16, 16, 64)


@pytest.mark.parametrize("stage", ["pretrain", "first", "joint"])
def test_the_plain_loop_takes_the_same_steps(stage, monkeypatch):
    """In float64 and by plain gradient descent, where a difference can only be one of mathematics."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    monkeypatch.setattr(torch.Tensor, "float", torch.Tensor.double)
    monkeypatch.setattr("torch.cpu._is_amx_tile_supported", lambda: False)
    monkeypatch.setattr(linear, "_WIDE", 1)
    at_once = []
    monkeypatch.setattr(edsr, "enlarge_at_once", lambda *given: at_once.append(1) or linear.enlarge_at_once(*given))
    from ours import OurLoop
    from plain import PlainEDSR, PlainLoop

    loops = [Loop(PRESETS["smoke"], stage, torch.device("cpu")) for Loop in (OurLoop, PlainLoop)]
    for kind, plain in {nn.Conv2d: nn.Conv2d, nn.Sequential: nn.Sequential, EDSR: PlainEDSR}.items():
        assert {type(module) for module in loops[1].nets.modules() if isinstance(module, kind)} == {plain}
    for loop in loops:
        shake(loop.nets.double(), 0.03)
        (loop.average if hasattr(loop, "average") else loop.state.average).double()
        for name, optimizer in loop.optimizers.items():
            loop.optimizers[name] = SGD(optimizer.param_groups[0]["params"], lr=0.02)
    monkeypatch.setattr("cincgan_tutorial.training.loop.set_rates", lambda *_: None)
    for step in range(3):
        batch = [random_images(2, side, side, 3 * step + n).double() for n, side in enumerate(SIDES)]
        ours, plain = (loop.step(*batch) for loop in loops)
        assert ours.keys() == plain.keys()
        for name in ours:
            torch.testing.assert_close(ours[name], plain[name], atol=1e-12, rtol=0)
    for a, b in zip(*(loop.nets.parameters() for loop in loops), strict=True):
        torch.testing.assert_close(a, b, atol=1e-12, rtol=0)
    assert len(at_once) == {"pretrain": 3, "first": 0, "joint": 3}[stage], "only ours, in every step with SR"


def forward_passes(preset):
    """The operations of one forward pass of each judge, on a batch of fakes."""
    found, side = {}, preset.patch
    nets = Networks.from_preset(preset)
    for name, stage in (("D1", preset.first), ("D2", preset.joint)):
        size = side if name == "D1" else side * preset.scale
        with FlopCounterMode(display=False) as counter:
            getattr(nets, name)(torch.zeros(stage.batch, 3, size, size))
        found[name] = counter.get_total_flops()
    return found


@pytest.mark.parametrize("stage", ["pretrain", "first", "joint"])
def test_what_a_plain_step_computes_more_is_one_pass_of_each_judge(stage, monkeypatch):
    """As PyTorch convolves; the ways with fewer operations have a count of their own, see `test_convolution`."""
    monkeypatch.setattr("torch.cpu._is_amx_tile_supported", lambda: True)
    monkeypatch.syspath_prepend(BENCHMARKS)
    from ours import OurLoop, operations
    from plain import PlainLoop
    from sizes import batch_of, sized

    preset, of_D = sized("smoke"), forward_passes(PRESETS["smoke"])
    ours, plain = (
        operations(Loop(preset, stage, torch.device("cpu")).step, batch_of(preset, stage))
        for Loop in (OurLoop, PlainLoop)
    )
    judged_twice = {"pretrain": 0, "first": of_D["D1"], "joint": of_D["D1"] + of_D["D2"]}[stage]
    # SR takes G1(x) and y in one call, so in the joint stage the way back reaches y too, through SR's first layer.
    assert plain - ours == pytest.approx(judged_twice, rel=0.02 if stage == "joint" else 1e-9)


@pytest.mark.slow
def test_the_benchmark_runs_and_writes_every_key(tmp_path):
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(BENCHMARKS / "bench.py"), "--quick", "--results", str(tmp_path)]
    printed = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    assert "Peak memory" in printed
    result = json.loads((tmp_path / "bench" / "result.json").read_text(encoding="utf-8"))
    assert result["provenance"]["command"].startswith("python benchmarks/bench.py --quick")
    data = result["data"]
    assert min(data["products"]["fp32"].values()) > 1e8
    assert data["matrix_peak"] == {name: max(products.values()) for name, products in data["products"].items()}
    assert data["seconds"] > 0
    assert (
        [row["stage"] for row in data["rows"]]
        == [row["stage"] for row in data["memory"]]
        == [
            "pretrain",
            "first",
            "joint",
        ]
    )
    of_D = forward_passes(PRESETS["smoke"])
    for row in data["rows"]:
        assert row["ratio"] == pytest.approx(row["plain_seconds"] / row["seconds"])
        assert sum(row["shares"].values()) == pytest.approx(1)
        assert all(-0.01 < share < 1 for share in row["shares"].values()), row["shares"]
        assert row["flop"] > 1e6
        judged_twice = {"pretrain": 0, "first": of_D["D1"], "joint": of_D["D1"] + of_D["D2"]}[row["stage"]]
        # Tap by tap a judge's last layer answers at the edges too, so a little less is saved than without, see above.
        assert row["plain_flop"] - row["flop"] == pytest.approx(judged_twice, rel=0.05)
        assert 0 < row["share_of_peak"] < 1
        assert row["days_for_400000_steps_extrapolated"] == pytest.approx(row["seconds"] * 400_000 / 86_400)
        assert row["sampler_ratio"] > 0
    assert data["scoring"]["ratio"] == pytest.approx(data["scoring"]["plain_seconds"] / data["scoring"]["seconds"])
    cache = data["decoding"]
    assert cache["ratio"] == pytest.approx(cache["decoded_seconds"] / cache["seconds"])
    assert min(cache.values()) > 0
    freed = data["apart"]["freed_memory"]
    stages = ["pretrain", "first", "joint"] if platform.libc_ver()[0] == "glibc" else []
    assert [row["stage"] for row in freed] == stages
    for row in freed:
        assert row["ratio"] == pytest.approx(row["given_back_seconds"] / row["kept_seconds"])
        # Networks this small are given a handful of pages either way, and how many is chance.
        assert {"given_back_pages", "kept_pages"} <= set(row)
    convolutions = data["apart"]["convolutions"]
    assert list(convolutions) == [
        "layer 3, 16 to 16 channels",
        "layer 4, 16 to 16 channels",
        "layer 5, 16 to 1 channels",
    ]
    ends = data["apart"]["end_of_SR"]
    assert list(ends) == ["smoke"]
    for one in (data["apart"]["upsampling"], *ends.values(), *convolutions.values()):
        assert one["ratio"] == pytest.approx(one["plain_seconds"] / one["seconds"])
    assert all(row["peak_MB"] > row["program_MB"] > 50 for row in data["memory"])


@pytest.mark.slow
@needs_glibc
def test_a_step_of_lesson_asks_for_few_pages_where_freed_memory_is_kept(monkeypatch):
    """Usually thousands where it is given back, and some dozens where it is kept."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    from apart import freed_memory

    found = freed_memory("lesson", "first", 1)
    assert found["given_back_pages"] > 8 * found["kept_pages"]
    assert found["given_back_pages"] > 200


def test_the_plain_loop_of_the_challenge_gives_the_same_score(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    from scoring import SIZE, pictures, plain_challenge

    assert SIZE == (1356, 2040)
    result, reference = (image[..., :203, :226] for image in pictures())
    assert plain_challenge(result, reference, 9) == challenge_psnr(result, reference, 9)


def test_the_memory_of_a_process_does_not_count_that_of_its_parent(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    from memory import peak

    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    ballast = torch.ones(300_000_000)  # 1.2 GB
    assert peak("smoke", "pretrain")["peak_MB"] < 1000 < ballast.nbytes / 1024**2
