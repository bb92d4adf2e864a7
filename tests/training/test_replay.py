"""A step that was recorded and is played again is the step: other batches, other rates, the same weights to the bit.

A CUDA graph needs a GPU. On a CPU `make_fx` stands in for it: it records the kernels of one step too, with everything
that Python decided on the way, and plays them without Python. So whatever a graph would freeze is frozen here.
"""

from contextlib import contextmanager, nullcontext
from types import SimpleNamespace

import pytest
import torch
from helpers import assert_same_tensors
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.proxy_tensor import make_fx
from training_helpers import PulledPlug, pull_the_plug_at

from cincgan_tutorial.architectures import Networks
from cincgan_tutorial.degradation import BICUBIC
from cincgan_tutorial.presets import PRESETS, with_settings
from cincgan_tutorial.training import Arithmetic, Run, loop, ranks, replay, steps, train
from cincgan_tutorial.training.replay import EAGER, CudaGraphs, Replay, replay_for
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
        self.state, self.recorded, self.played, self.aside_for = state, 0, 0, 0

    def aside(self):
        self.aside_for += 1
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


def stage_begun(photographs, name, device=CPU, settings=SETTINGS):
    preset = with_settings(PRESETS["smoke"], settings)
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


# What the preset `paper` has and `smoke` has not, and the other way to move G1 in the joint stage.
PAPERS = {"discriminator.batch_norm": True, "norms.cycle": 2, "norms.tv": 2, "ema": 0.0, "clip": 0.0}
GAMES = [
    *((name, {"precision": precision}) for name in STAGES for precision in ("fp32", "bf16")),
    *((name, PAPERS) for name in STAGES),
    ("joint", {"adam_per_cycle": True}),
]


@pytest.mark.parametrize(("name", "changed"), GAMES)
def test_a_replayed_stage_equals_one_done_step_by_step(photographs, name, changed):
    runs = [stage_begun(photographs, name, settings=SETTINGS | {"precision": "fp32"} | changed) for _ in range(2)]
    recorder = Traced(runs[0][0])
    runs[0][0].replay = Replay(recorder)
    warm_up = runs[0][1].stages()[name].warm_up
    losses = [do_steps(*run, warm_up + EAGER + 4) for run in runs]
    assert (recorder.aside_for, recorder.recorded, recorder.played) == (3, 1, 4)
    for ours, theirs in zip(*losses, strict=True):
        assert {key: float(value) for key, value in ours.items()} == {k: float(v) for k, v in theirs.items()}
    for ours, theirs in zip(*(tensors_of(state) for state, _, _ in runs), strict=True):
        assert torch.equal(ours, theirs)
    if changed.get("ema") != 0:
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
    """Breaks as a CUDA graph does: something in the work can't be recorded, and then the end of the recording fails."""

    def record(self, work):
        try:
            raise RuntimeError("operation not permitted when stream is capturing\nmore")
        finally:
            raise RuntimeError("failed due to a previous error during capture")


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
    ("dtype", "world", "wanted", "graphs"),
    [
        (torch.bfloat16, 1, "1", 1),
        (torch.float32, 1, "1", 1),
        (torch.float16, 1, "1", 0),
        (torch.float32, 2, "1", 0),
        (torch.bfloat16, 1, "0", 0),
    ],
)
def test_a_gpu_records_unless_ranks_meet_or_losses_are_scaled(monkeypatch, dtype, world, wanted, graphs):
    made = []
    monkeypatch.setattr(CudaGraphs, "__init__", lambda self, device: made.append(device))
    monkeypatch.setattr(ranks, "world", lambda: world)
    monkeypatch.setenv(replay.SWITCH, wanted)
    replay_for(SimpleNamespace(device=torch.device("cuda"), dtype=dtype))
    assert len(made) == graphs


class FakeCuda:
    """Keeps a diary of what is asked of CUDA's streams and graphs; the recording breaks where it is told to."""

    def __init__(self, monkeypatch, broken=False):
        self.diary, self.current = [], "default"
        own = SimpleNamespace(device="cuda:0", wait_stream=lambda other: self.diary.append("own waits"))
        default = SimpleNamespace(wait_stream=lambda other: self.diary.append("default waits"))

        @contextmanager
        def stream(_):
            before, self.current = self.current, "own"
            try:
                yield
            finally:
                self.current = before

        @contextmanager
        def graph(_, stream):
            assert stream is own
            yield
            if broken:
                self.current = "left behind"  # as torch leaves it
                raise RuntimeError("failed due to a previous error during capture")

        instead = {"Stream": lambda _: own, "current_stream": lambda _: default, "stream": stream, "graph": graph}
        for name, value in instead.items():
            monkeypatch.setattr(torch.cuda, name, value)
        monkeypatch.setattr(torch.cuda, "CUDAGraph", lambda: SimpleNamespace(replay="replayed"))
        monkeypatch.setattr(CudaGraphs, "failed", False)

    def work(self):
        self.diary.append(f"work on {self.current}")


def test_first_steps_take_their_turn_on_the_stream_of_the_recording(monkeypatch):
    cuda = FakeCuda(monkeypatch)
    graphs = CudaGraphs(torch.device("cuda"))
    with graphs.aside():
        cuda.work()
    assert cuda.diary == ["own waits", "work on own", "default waits"]
    assert graphs.record(cuda.work) == "replayed"
    assert cuda.diary[3:] == ["work on own"]
    assert not CudaGraphs.failed


def test_a_recording_that_fails_gives_the_stream_back_and_is_not_tried_again(monkeypatch):
    cuda = FakeCuda(monkeypatch, broken=True)
    with pytest.raises(RuntimeError, match="during capture"):
        CudaGraphs(torch.device("cuda")).record(cuda.work)
    assert cuda.current == "default"
    again = replay_for(SimpleNamespace(device=torch.device("cuda"), dtype=torch.float32))
    assert again._recorder is None


def test_rates_on_a_gpu_are_numbers_of_the_device(monkeypatch):
    made = []
    monkeypatch.setattr(steps, "Adam", lambda parameters, **given: made.append(given))
    on_gpu = SimpleNamespace(parameters=lambda: [SimpleNamespace(device=torch.device("cuda", 0))])
    nets = SimpleNamespace(G1=on_gpu, G2=on_gpu, SR=on_gpu, G3=on_gpu, D1=on_gpu, D2=on_gpu)
    preset = PRESETS["smoke"]
    with FakeTensorMode():
        for name, stage in preset.stages().items():
            steps.make_optimizers(nets, name, stage, preset)
    assert len(made) == 6
    assert all(given["lr"].device.type == "cuda" and given["capturable"] and given["fused"] for given in made)
    assert [given["betas"][0] for given in made] == [0.9, *[preset.beta1] * 5]


def test_every_stage_records_anew(photographs):
    state, preset, patches = stage_begun(photographs, "first")
    old = state.replay
    do_steps(state, preset, patches, preset.first.warm_up + 1)
    loop.enter(state, "joint", preset)
    assert state.replay is not old
    assert all(p.grad is None for p in state.nets.parameters()), "they lie in the memory of what was recorded"


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


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU: make test-gpu")
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("name", STAGES)
def test_a_graph_equals_its_steps_on_a_gpu(photographs, name, precision, monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", True)
    gpu = torch.device("cuda")
    runs = [stage_begun(photographs, name, gpu, SETTINGS | {"precision": precision}) for _ in range(2)]
    runs[1][0].replay = Replay()
    losses = [do_steps(*run, run[1].stages()[name].warm_up + EAGER + 8) for run in runs]
    assert runs[0][0].replay._play is not None
    for ours, theirs in zip(*losses, strict=True):
        for key, value in ours.items():
            torch.testing.assert_close(value.float(), theirs[key].float(), rtol=1e-3, atol=1e-5, msg=key)
    for part in ("nets", "average"):
        ours, theirs = (getattr(state, part).state_dict() for state, _, _ in runs)
        for key, value in ours.items():
            torch.testing.assert_close(value, theirs[key], rtol=1e-3, atol=1e-4, msg=key)
