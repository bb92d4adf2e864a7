"""The host never waits for the device but to write a log line: no step reads a number that the device computes."""

from collections import Counter

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from cincgan_tutorial.architectures import Networks
from cincgan_tutorial.degradation import BICUBIC
from cincgan_tutorial.presets import PRESETS, with_settings
from cincgan_tutorial.training import Arithmetic, loop
from cincgan_tutorial.training.replay import EAGER
from cincgan_tutorial.unpaired import UnpairedPatches

CPU = torch.device("cpu")
STAGES = ("pretrain", "first", "joint")


class Reads(TorchDispatchMode):
    """Counts every reading of a tensor's number, by `item`, `float`, `bool` or an index, by type."""

    def __init__(self):
        super().__init__()
        self.count = Counter()

    def __torch_dispatch__(self, function, types, arguments=(), keywords=None):
        if function is torch.ops.aten._local_scalar_dense.default:
            self.count[arguments[0].dtype] += 1
        return function(*arguments, **(keywords or {}))


def stage_at_work(precision, photographs, name, device):
    """A function that does the next step of a stage as the loop does it: warm-up first, then the games."""
    preset = with_settings(PRESETS["smoke"], {"precision": precision, "ema": 0.9, "clip": 1.0})
    stage = preset.stages()[name]
    patches = UnpairedPatches(photographs, BICUBIC, preset.patch).to(device)
    nets = Networks.from_preset(preset).to(device)
    state = loop.State(name, 0, nets, Arithmetic(preset.precision, device))
    loop.enter(state, name, preset)

    def step():
        losses = loop.train_step(state, name, stage, preset, patches.batch(state.step, stage.batch))
        state.step += 1
        return losses

    return step, stage.warm_up


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
@pytest.mark.parametrize("name", STAGES)
def test_no_step_reads_a_number(photographs, name, precision):
    step, warm_up = stage_at_work(precision, photographs, name, CPU)
    step()  # the first also starts the average
    with Reads() as reads:
        for _ in range(warm_up + 3):
            step()
    # One integer a step: the average's own counter, which lives on the host.
    assert reads.count == {torch.int64: warm_up + 3}


def test_a_reading_would_be_noticed(photographs):
    step, _ = stage_at_work("fp32", photographs, "pretrain", CPU)
    losses = step()
    with Reads() as reads:
        float(losses["SR"])
    assert reads.count[torch.float32] == 1


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
@pytest.mark.parametrize("name", STAGES)
def test_no_step_waits_for_the_gpu(photographs, name, precision):
    step, warm_up = stage_at_work(precision, photographs, name, torch.device("cuda"))
    for _ in range(warm_up + EAGER + 2):  # the first set things up: memory, kernels, moments, the recording
        step()
    torch.cuda.set_sync_debug_mode("error")
    try:
        for _ in range(3):
            losses = step()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert all(torch.isfinite(value) for value in losses.values())
