"""kill -9 at random moments: a run goes on from its last complete checkpoint and ends with the undisturbed bits."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest
import torch
from helpers import ROOT
from training_helpers import assert_same_run

from cincgan_tutorial.presets import PRESETS, with_settings
from cincgan_tutorial.training import Run, train

KILLS = 30
IN_A_SAVE = 3  # at least so many of them
PATIENCE = 900  # seconds
# Saved after every step, so that much of the time is spent in saving and kills land there too.
SETTINGS = {"pretrain.steps": 60, "first.steps": 60, "joint.steps": 120, "save_every": 1}
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}

# Starting Python and loading torch takes seconds and is nothing that a kill could disturb: one parent does it, and
# every run is a fork of it, which is killed as any process is. A run that has ended stays known to the system until the
# parent is asked for its status, so a kill that comes too late hits nothing else.
PARENT = """
import os, sys
import torch
torch.set_num_threads(1)
from cincgan_tutorial import cli
for line in sys.stdin:
    child = os.fork()
    if not child:
        os.dup2(2, 1)  # stdout is for the two numbers
        os._exit(cli.main(line.rstrip("\\n").split("\\t")))
    print(child, flush=True)
    sys.stdin.readline()
    print(os.waitpid(child, 0)[1], flush=True)
"""


@pytest.fixture
def parent():
    process = subprocess.Popen(
        [sys.executable, "-c", PARENT], env=ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True
    )  # fmt: skip
    yield process
    process.stdin.close()
    process.kill()
    process.wait()


def start(parent, command: list[str]) -> int:
    print("\t".join(command), file=parent.stdin, flush=True)
    return int(parent.stdout.readline())


def status(parent) -> int:
    print("status", file=parent.stdin, flush=True)
    return int(parent.stdout.readline())


def killed(parent, command: list[str], run: Run, delay: float) -> bool:
    """Start a run, kill it some seconds after its first new checkpoint, and say whether that was before its end."""
    before = run.checkpoint_path.stat().st_mtime_ns if run.checkpoint_path.exists() else 0
    child, deadline = start(parent, command), time.monotonic() + PATIENCE
    while not (run.finished or (run.checkpoint_path.exists() and run.checkpoint_path.stat().st_mtime_ns > before)):
        assert time.monotonic() < deadline
        time.sleep(0.002)
    time.sleep(delay)
    os.kill(child, signal.SIGKILL)
    how = status(parent)
    assert os.WIFSIGNALED(how) or os.WEXITSTATUS(how) == 0
    return os.WIFSIGNALED(how)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_killed_at_thirty_random_moments(folder, photographs, tmp_path, parent):
    """A run that ends before its next kill is compared too, and another begins: a fast machine fails nothing."""
    preset = with_settings(PRESETS["smoke"], SETTINGS)
    reference = train(preset, photographs, tmp_path / "reference", command="test")
    settings = ["--set", *(f"{name}={value}" for name, value in SETTINGS.items())]
    draw, stages, deadline = random.Random(0), list(preset.stages()), time.monotonic() + PATIENCE
    kills = in_a_save = runs = 0
    seen: set[str] = set()

    def enough() -> bool:
        return kills >= KILLS and in_a_save >= IN_A_SAVE and len(seen) == len(stages)

    while not enough():
        assert time.monotonic() < deadline, (kills, in_a_save, seen)
        runs += 1
        run, reached = Run(tmp_path / f"run-{runs}"), (0, 0)
        command = ["train", "--preset", "smoke", "--photos", str(folder), "--run", str(run.folder), *settings]
        while not enough() and killed(parent, command, run, draw.uniform(0, 0.4)):
            command = ["resume", str(run.folder)]
            kills += 1
            in_a_save += any(run.folder.glob(".checkpoint*.part"))
            saved = torch.load(run.checkpoint_path, weights_only=True)  # complete, whatever was going on
            seen.add(saved["stage"])
            assert (stages.index(saved["stage"]), saved["step"]) >= reached
            reached = (stages.index(saved["stage"]), saved["step"])
        start(parent, ["resume", str(run.folder)])
        assert status(parent) == 0
        assert not list(run.folder.glob(".*.part"))
        assert_same_run(Run.open(run.folder), reference)
    print(f"{kills} kills in {runs} run(s), {in_a_save} of them in a save")
