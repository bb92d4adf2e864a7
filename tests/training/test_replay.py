"""A step that was recorded and is played again is the step: other batches, other rates, the same weights to the bit.

A CUDA graph needs a GPU. On a CPU `make_fx` stands in for it: it records the kernels of one step too, with everything
that Python decided on the way, and plays them without Python. So whatever a graph would freeze is frozen here.
"""

import copy
from contextlib import nullcontext
from types import SimpleNamespace

import pytest
import torch
from helpers import assert_same_tensors
from torch.fx.experimental.proxy_tensor import make_fx
from training_helpers import PulledPlug, pull_the_plug_at

from cincgan_tutorial.architectures import Networks
from cincgan_tutorial.degradation import BICUBIC
from cincgan_tutorial.presets import PRESETS, with_settings
from cincgan_tutorial.training import Arithmetic, Run, loop, ranks, replay, train
from cincgan_tutorial.training.replay import EAGER, Replay, replay_for
from cincgan_tutorial.training.state import restore
from cincgan_tutorial.unpaired import UnpairedPatches

CPU = torch.device("cpu")
STAGES = ("pretrain", "first", "joint")
# Short spans, so that the rate falls and the average's span grows while a recording plays.
SETTINGS = {"ema": 0.9, "clip": 1.0} | {f"{name}.lr_floor": 0.05 for name in STAGES}


def tensors_of(state):
    moments = [value for o in state.optimizers.values() for one in o.state.values() for value in one.values()]
    return [*state.nets.state_dict().values(), *moments]


class Traced:
    """Records by tracing. That does the work once, which a CUDA graph does not: so it is undone."""

    def __init__(self, state):
        self.state, self.recorded, self.played = state, 0, 0

    def aside(self):
        return nullcontext()

    def record(self, work):
        before = [value.clone() for value in tensors_of(self.state)]
        traced = make_fx(work)()
        with torch.no_grad():
            for value, old in zip(tensors_of(self.state), before, strict=True):
                value.copy_(old)
        self.recorded += 1

        def play():
            self.played += 1
            traced()

        return play


def stage_begun(photographs, name, device=CPU, precision="fp32", settings=SETTINGS):
    preset = with_settings(PRESETS["smoke"], settings | {"precision": precision})
    patches = UnpairedPatches(photographs, BICUBIC, preset.patch).to(device)
    nets = Networks.from_preset(preset).to(device)
    state = loop.State(name, 0, nets, Arithmetic(preset.precision, device))
    loop.enter(state, name, preset)
    if device == CPU:
        for optimizer in state.optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = torch.tensor(group["lr"])  # as on a GPU
    return state, preset, patches


def do_steps(state, preset, patches, count):
    name = state.stage
    stage = preset.stages()[name]
    losses = []
    for _ in range(count):
        losses.append(loop.train_step(state, name, stage, preset, patches.batch(state.step, stage.batch)))
        state.step += 1
    return losses


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("name", STAGES)
def test_a_replayed_stage_equals_one_done_step_by_step(photographs, name, precision):
    runs = [stage_begun(photographs, name, precision=precision) for _ in range(2)]
    recorder = Traced(runs[0][0])
    runs[0][0].replay = Replay(recorder)
    warm_up = runs[0][1].stages()[name].warm_up
    losses = [do_steps(*run, warm_up + EAGER + 4) for run in runs]
    assert (recorder.recorded, recorder.played) == (1, 4)
    for ours, theirs in zip(*losses, strict=True):
        assert {key: float(value) for key, value in ours.items()} == {k: float(v) for k, v in theirs.items()}
    for ours, theirs in zip(*(tensors_of(state) for state, _, _ in runs), strict=True):
        assert torch.equal(ours, theirs)
    assert_same_tensors(runs[0][0].average.state_dict(), runs[1][0].average.state_dict())


def test_what_stands_in_python_is_frozen(photographs):
    """The other tests would see a rate that is no tensor: it stays what it was when the step was recorded."""
    state, preset, patches = stage_begun(photographs, "first")
    twin = stage_begun(photographs, "first")[0]
    for optimizer in state.optimizers.values():
        for group in optimizer.param_groups:
            group["lr"] = float(group["lr"])
    state.replay = Replay(Traced(state))
    for one in (state, twin):
        do_steps(one, preset, patches, preset.first.warm_up + EAGER + 4)
    ours, theirs = state.nets.state_dict(), twin.nets.state_dict()
    assert any(not torch.equal(ours[key], theirs[key]) for key in ours)


def test_losses_of_a_replayed_step_stay_what_they_were(photographs):
    """A log line reads them steps later, when others stand in the place they came from."""
    state, preset, patches = stage_begun(photographs, "pretrain")
    state.replay = Replay(Traced(state))
    do_steps(state, preset, patches, EAGER)
    (first,) = do_steps(state, preset, patches, 1)
    at_once = float(first["SR"])
    do_steps(state, preset, patches, 2)
    assert float(first["SR"]) == at_once


class Broken(Traced):
    def record(self, work):
        raise RuntimeError("operation not permitted when stream is capturing\nmore")


def test_where_nothing_can_be_recorded_training_goes_on(photographs):
    runs = [stage_begun(photographs, "first") for _ in range(2)]
    runs[0][0].replay = Replay(Broken(runs[0][0]))
    count = runs[0][1].first.warm_up + EAGER + 2
    with pytest.warns(UserWarning, match=r"not permitted when stream is capturing\). Training goes on") as warned:
        do_steps(*runs[0], count)
    assert len(warned) == 1
    do_steps(*runs[1], count)
    assert_same_tensors(runs[0][0].nets.state_dict(), runs[1][0].nets.state_dict())


def test_a_cpu_records_nothing(photographs):
    state, preset, patches = stage_begun(photographs, "first")
    assert isinstance(replay_for(state.arithmetic), Replay)
    do_steps(state, preset, patches, EAGER + 3)
    assert state.replay._play is None


@pytest.mark.parametrize(
    ("dtype", "world", "graphs"), [(torch.bfloat16, 1, 1), (torch.float16, 1, 0), (torch.float32, 2, 0)]
)
def test_a_gpu_records_unless_ranks_meet_or_losses_are_scaled(monkeypatch, dtype, world, graphs):
    made = []
    monkeypatch.setattr(replay, "CudaGraphs", made.append)
    monkeypatch.setattr(ranks, "world", lambda: world)
    replay_for(SimpleNamespace(device=torch.device("cuda"), dtype=dtype))
    assert len(made) == graphs


def test_every_stage_records_anew(photographs):
    state, preset, _ = stage_begun(photographs, "first")
    old = state.replay
    loop.enter(state, "joint", preset)
    assert state.replay is not old


@pytest.mark.parametrize("settings", ["float", "tensor"])
def test_a_checkpoint_goes_on_with_the_rates_of_its_machine(photographs, settings, smoke, tmp_path, monkeypatch):
    """On a GPU a rate is a tensor; a run that is carried home from one goes on with numbers."""
    with monkeypatch.context() as patch:
        pull_the_plug_at(patch, 9)
        with pytest.raises(PulledPlug):
            train(smoke, photographs, tmp_path / "run", command="test")
    run = Run.open(tmp_path / "run")
    saved = torch.load(run.checkpoint_path, weights_only=True)
    for optimizer in saved["optimizers"].values():
        for group in optimizer["param_groups"]:
            group |= {"lr": torch.tensor(9.0), "capturable": True} if settings == "tensor" else {"lr": 9.0}
    torch.save(saved, run.checkpoint_path)
    state = restore(run, smoke, CPU, photographs, False)
    groups = [group for optimizer in state.optimizers.values() for group in optimizer.param_groups]
    assert {(type(group["lr"]), group["capturable"]) for group in groups} == {(float, False)}
    assert max(group["lr"] for group in groups) < 0.1


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("name", STAGES)
def test_a_graph_equals_its_steps_on_a_gpu(photographs, name):
    gpu = torch.device("cuda")
    runs = [stage_begun(photographs, name, gpu) for _ in range(2)]
    runs[1][0].replay = Replay()
    for run in runs:
        do_steps(*run, runs[0][1].stages()[name].warm_up + EAGER + 8)
    assert runs[0][0].replay._play is not None
    ours, theirs = (copy.deepcopy(state.nets.state_dict()) for state, _, _ in runs)
    for key, value in ours.items():
        # Sums are added in another order from run to run.
        torch.testing.assert_close(value, theirs[key], rtol=1e-3, atol=1e-4, msg=key)
