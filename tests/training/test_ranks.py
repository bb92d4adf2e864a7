"""Several ranks: two processes do what one does with the whole batch; what one loses, all notice.

Judged by the files that the ranks wrote: some gloo programs abort at the end of the interpreter, their work done.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from helpers import ROOT
from shared_work import ONE_STAGE, SETTINGS, answer, overflow_on_one_rank, preset_of
from training_helpers import PulledPlug, log_without_time, pull_the_plug_at

from cincgan_tutorial import cli
from cincgan_tutorial.presets import with_settings
from cincgan_tutorial.provenance import program as typed
from cincgan_tutorial.training import Run, ranks, resume, train
from cincgan_tutorial.weights import load_weights

HERE = Path(__file__).parent
LAUNCHER = [sys.executable, "-m", "torch.distributed.run"]
TORCHRUN = [*LAUNCHER, "--standalone", "--nproc-per-node", "2"]
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join([str(ROOT), str(HERE.parent)])}
PROGRAM = ["-m", "--", "cincgan_tutorial"]

pytestmark = pytest.mark.skipif(not dist.is_gloo_available(), reason="this PyTorch has no gloo")


def started(*arguments):
    command = [*TORCHRUN, *map(str, arguments)]
    return subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(scope="module")
def alone_and_together(folder, tmp_path_factory):
    """Folders with the answers to every question, by one process and by two ranks."""
    alone, together = (tmp_path_factory.mktemp(name) for name in ("alone", "together"))
    for question in SETTINGS:
        answer(question, folder, alone)
    done = started(HERE / "shared_work.py", folder, together)
    assert (together / "overflow1.json").is_file(), done.stderr
    return alone, together


def largest_difference(folders, question, letters=("G1", "G2", "SR", "G3", "D1", "D2")):
    one, two = (
        [p.detach().double() for letter in letters for p in getattr(trained.nets, letter).parameters()]
        for trained in (load_weights(folder / question) for folder in folders)
    )
    return max(float((a - b).abs().max()) for a, b in zip(one, two, strict=True))


@pytest.mark.parametrize("stage", list(ONE_STAGE))
def test_two_ranks_equal_one_with_the_same_global_batch(alone_and_together, stage):
    """20 steps in fp32, without BatchNorm; measured 2e-8 to 1.2e-7, the last bit of the largest weights."""
    assert largest_difference(alone_and_together, stage) < 1e-6
    one, two = (Run.open(folder / stage) for folder in alone_and_together)
    assert len(one.log) == len(two.log) > 1
    for ours, theirs in zip(log_without_time(two), log_without_time(one), strict=True):
        assert ours.pop("stage") == theirs.pop("stage") == stage
        assert ours == pytest.approx(theirs, rel=1e-3, abs=1e-6)


@pytest.mark.slow
def test_two_hosts_with_a_rank_each_do_what_two_ranks_of_one_host_do(alone_and_together, folder, tmp_path):
    """On both hosts the rank counts as the first there: only its place in the world tells the two apart."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    place = ["--nnodes", "2", "--nproc-per-node", "1", "--master-addr", "127.0.0.1", "--master-port", port]
    hosts = [
        subprocess.Popen(
            [*map(str, [*LAUNCHER, *place, "--node-rank", host, HERE / "shared_work.py", folder, tmp_path])],
            env=ENVIRONMENT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for host in range(2)
    ]
    try:
        said = [host.communicate(timeout=120)[1] for host in hosts]
    finally:
        for host in hosts:
            host.terminate()  # and it ends its rank; killed, it could not
    assert (tmp_path / "overflow1.json").is_file(), said
    for question in SETTINGS:
        assert largest_difference((alone_and_together[1], tmp_path), question) == 0
        assert load_weights(tmp_path / question).facts["ranks"] == 2


def test_the_comparison_would_notice_half_the_batch(alone_and_together, photographs, tmp_path):
    """What a rank would make of its slice alone, were nothing averaged."""
    half = {f"{name}.batch": 2 for name in ONE_STAGE}
    train(with_settings(preset_of("first"), half), photographs, tmp_path / "first", command="test")
    assert largest_difference((alone_and_together[0], tmp_path), "first", ("D1",)) > 1e-4


def test_batch_norm_makes_the_number_of_ranks_a_setting(alone_and_together):
    """Statistics of 2 patches instead of 4: after 20 steps D1 differs by 1.5e-3, ten thousand times the rounding."""
    assert 1e-4 < largest_difference(alone_and_together, "batch_norm", ("D1",)) < 1e-1


def test_an_overflow_on_one_rank_is_left_out_by_all(alone_and_together):
    _, together = alone_and_together
    first, second = (json.loads((together / f"overflow{rank}.json").read_text()) for rank in (0, 1))
    assert first == second
    weights, scales = first["weights"], first["scales"]
    # The gradients are 1 and 2, their mean is 1.5, the rate is 0.1.
    assert weights == pytest.approx([0.85, 0.85, 0.70])
    assert scales == [65536, 32768, 32768]
    # A process alone does the same with its own gradient, 1.
    assert overflow_on_one_rank()["weights"] == pytest.approx([0.9, 0.9, 0.8])


def test_only_the_first_rank_writes_and_says_how_many_there_were(alone_and_together):
    alone, together = alone_and_together
    for question in SETTINGS:
        assert {path.name for path in (together / question).iterdir()} == {
            "config.json", "log.jsonl", "checkpoint.pt", "weights.safetensors"
        }  # fmt: skip
    assert load_weights(together / "first").facts["ranks"] == 2
    assert load_weights(alone / "first").facts["ranks"] == 1
    assert torch.load(together / "first" / "checkpoint.pt", weights_only=True)["ranks"] == 2


def test_without_torchrun_nothing_is_joined(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "8")  # alone, as some clusters set it
    assert (ranks.launched(), ranks.rank(), ranks.world()) == (1, 0, 1)
    assert typed() == ["python", "-m", "cincgan_tutorial"]
    with ranks.joined():
        assert not dist.is_initialized()
    assert ranks.share(7, 16) == (7, 16)


@pytest.fixture
def third_of_four(monkeypatch):
    """This process believes that it is rank 2 of 4; nothing may be exchanged."""
    for name, value in {"RANK": 2, "WORLD_SIZE": 4, "LOCAL_RANK": 2, "LOCAL_WORLD_SIZE": 4}.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.setenv("MASTER_ADDR", "localhost")
    monkeypatch.setenv("MASTER_PORT", "1")
    monkeypatch.setattr(ranks, "world", lambda: 4)


@pytest.mark.usefixtures("third_of_four")
def test_the_slices_of_all_ranks_are_the_batch(monkeypatch):
    samples = []
    for number in range(4):
        monkeypatch.setenv("RANK", str(number))
        step, size = ranks.share(5, 16)
        samples += range(step * size, (step + 1) * size)
    assert samples == list(range(5 * 16, 6 * 16))


@pytest.mark.usefixtures("third_of_four")
def test_a_batch_that_can_not_be_cut_is_refused_before_anything_is_made(smoke, photographs, tmp_path):
    with pytest.raises(ValueError, match=r"pretrain\.batch: 2 patches can't be cut into 4 .*--set pretrain\.batch=4"):
        train(smoke, photographs, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.usefixtures("third_of_four")
def test_commands_that_share_nothing_are_refused(capsys):
    assert cli.main(["upscale", "a.png", "--out", "b"]) == 2
    assert capsys.readouterr().err.startswith("rank 2: error: only train and resume share their work")
    assert typed() == ["torchrun", "--nproc-per-node", "4", "-m", "--", "cincgan_tutorial"]


def test_a_run_goes_on_with_as_many_ranks_as_it_had(smoke, photographs, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        pull_the_plug_at(patch, 4)
        with pytest.raises(PulledPlug):
            train(smoke, photographs, tmp_path / "run", command="test")
    path = tmp_path / "run" / "checkpoint.pt"
    state = torch.load(path, weights_only=True)
    torch.save(state | {"ranks": 3}, path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"was saved with 3 rank\(s\), and here are 1.*--ranks-may-differ"):
        resume(tmp_path / "run")
    assert path.read_bytes() == before
    assert cli.main(["resume", str(tmp_path / "run"), "--ranks-may-differ"]) == 0
    assert Run.open(tmp_path / "run").finished


@pytest.mark.slow
def test_a_run_of_one_rank_goes_on_with_two_when_told_to(smoke, photographs, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        pull_the_plug_at(patch, 9)
        with pytest.raises(PulledPlug):
            train(smoke, photographs, tmp_path / "run", command="test")
    checkpoint = tmp_path / "run" / "checkpoint.pt"
    before = checkpoint.read_bytes()
    refused = started(*PROGRAM, "resume", tmp_path / "run")
    assert refused.returncode != 0
    assert "was saved with 1 rank(s), and here are 2" in refused.stderr
    assert checkpoint.read_bytes() == before
    told = started(*PROGRAM, "resume", tmp_path / "run", "--ranks-may-differ")
    assert Run.open(tmp_path / "run").finished, told.stderr
    assert told.stdout.count("Finished: ") == 1
    assert torch.load(checkpoint, weights_only=True)["ranks"] == 2


def process_of_rank(parent, number):
    """The process id of a rank that torchrun started."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    for child in children:
        if f"\0RANK={number}\0".encode() in b"\0" + Path(f"/proc/{child}/environ").read_bytes():
            return int(child)
    raise LookupError(f"no rank {number} among {children}")


def begin(folder, run):
    """Start two ranks on a run of some seconds and return when it has logged and saved something."""
    settings = ["pretrain.steps=300", "first.steps=1", "joint.steps=1", "save_every=5"]
    arguments = [*PROGRAM, "train", "--preset", "smoke", "--photos", folder, "--run", run, "--set", *settings]
    program = subprocess.Popen(
        [*TORCHRUN, *map(str, arguments)], env=ENVIRONMENT, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 90
    while not (run / "checkpoint.pt").exists() and time.monotonic() < deadline:
        assert program.poll() is None, program.communicate()[1]
        time.sleep(0.05)
    return program


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc to tell the ranks apart")
@pytest.mark.parametrize("lost", [0, 1])
def test_a_rank_that_dies_ends_the_run_and_the_checkpoint_is_usable(folder, tmp_path, lost):
    run = tmp_path / "run"
    program = begin(folder, run)
    try:
        os.kill(process_of_rank(program.pid, lost), signal.SIGKILL)
        _, err = program.communicate(timeout=90)
    finally:
        program.kill()
    assert program.returncode != 0
    assert f"rank {1 - lost} of 2 lost another rank while " in err, err
    assert "Go on from the last checkpoint with: torchrun --nproc-per-node 2 -m -- cincgan_tutorial resume" in err
    saved = torch.load(run / "checkpoint.pt", weights_only=True)
    assert (saved["stage"], saved["ranks"], saved["step"] % 5) == ("pretrain", 2, 0)
    with pytest.raises(ValueError, match="ranks-may-differ"):
        resume(run)
    assert resume(run, ranks_may_differ=True).finished


@pytest.mark.slow
def test_asked_to_stop_the_ranks_agree_on_where(folder, tmp_path):
    run = tmp_path / "run"
    program = begin(folder, run)
    try:
        program.send_signal(signal.SIGTERM)
        _, err = program.communicate(timeout=90)
    finally:
        program.kill()
    assert program.returncode != 0
    saved = torch.load(run / "checkpoint.pt", weights_only=True)
    assert f"Stopped by SIGTERM at pretrain, step {saved['step']} of 300" in err
    assert saved["step"] % 2 == 0  # smoke logs every second step
    assert "torchrun --nproc-per-node 2 -m -- cincgan_tutorial resume" in err
