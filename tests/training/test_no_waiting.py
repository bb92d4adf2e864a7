"""The host never waits for the device but to write a log line: no step reads a number that the device computes."""

import io
import warnings
from collections import Counter
from types import SimpleNamespace
from unittest.mock import Mock

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from cincgan_tutorial.architectures import Networks
from cincgan_tutorial.degradation import BICUBIC
from cincgan_tutorial.presets import PRESETS, with_settings
from cincgan_tutorial.training import Arithmetic, loop
from cincgan_tutorial.training.alarms import Alarms
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

    def write_line(losses):
        alarms = Alarms(name)
        alarms.note(state.step, losses)
        x, *_ = patches.batch(state.step, stage.batch)
        loop._write_line(io.StringIO(), state, alarms, Mock(), x, preset, lambda: 0.0)

    return SimpleNamespace(step=step, warm_up=stage.warm_up, write_line=write_line)


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
@pytest.mark.parametrize("name", STAGES)
def test_no_step_reads_a_number(photographs, name, precision):
    work = stage_at_work(precision, photographs, name, CPU)
    work.step()  # the first also starts the average
    with Reads() as reads:
        for _ in range(work.warm_up + 3):
            work.step()
    # One integer a step: the average's own counter, which lives on the host.
    assert reads.count == {torch.int64: work.warm_up + 3}


@pytest.mark.parametrize("name", STAGES)
def test_a_line_of_the_log_is_read_at_once(photographs, name, monkeypatch):
    """All its numbers, losses and looks of the output alike, come in one list."""
    lists, as_it_was = [], torch.Tensor.tolist
    monkeypatch.setattr(torch.Tensor, "tolist", lambda numbers: lists.append(len(numbers)) or as_it_was(numbers))
    work = stage_at_work("fp32", photographs, name, CPU)
    for _ in range(work.warm_up + 1):
        losses = work.step()
    with Reads() as reads:
        work.write_line(losses)
    assert reads.count == {}
    looks = {"pretrain": 0, "first": 2, "joint": 4}[name]
    assert lists == [len(losses) + looks]


def test_a_reading_would_be_noticed(photographs):
    losses = stage_at_work("fp32", photographs, "pretrain", CPU).step()
    with Reads() as reads:
        float(losses["SR"])
    assert reads.count[torch.float32] == 1


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU: make test-gpu")
@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
@pytest.mark.parametrize("name", STAGES)
def test_no_step_waits_for_the_gpu(photographs, name, precision):
    work = stage_at_work(precision, photographs, name, torch.device("cuda"))
    for _ in range(work.warm_up + EAGER + 2):  # the first set things up: memory, kernels, moments, the recording
        work.step()
    torch.cuda.set_sync_debug_mode("error")
    try:
        for _ in range(3):
            losses = work.step()
        torch.cuda.set_sync_debug_mode("default")
        work.write_line(losses)  # the first sends the matrices of bicubic interpolation to the device
        torch.cuda.set_sync_debug_mode("warn")
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            work.write_line(losses)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    waits = [warning for warning in said if "synchroniz" in str(warning.message)]
    assert len(waits) == 1, "a line of the log waits once"
    assert all(torch.isfinite(value) for value in losses.values())
