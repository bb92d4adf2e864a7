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
# Saved after every step, so that much of the time is spent in saving and kills land there too.
SETTINGS = {"pretrain.steps": 60, "first.steps": 60, "joint.steps": 120, "save_every": 1}
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}

# Starting Python and loading torch takes seconds and is nothing that a kill could disturb: one parent does it, and
# every run is a fork of it, which is killed as any process is.
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
    print(os.waitpid(child, 0)[1], flush=True)
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_killed_at_thirty_random_moments(folder, photographs, tmp_path):
    preset = with_settings(PRESETS["smoke"], SETTINGS)
    reference = train(preset, photographs, tmp_path / "reference", command="test")
    run, draw = tmp_path / "run", random.Random(0)
    begin = ["train", "--preset", "smoke", "--photos", str(folder), "--run", str(run)]
    begin += ["--set", *(f"{name}={value}" for name, value in SETTINGS.items())]
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT], env=ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True
    )  # fmt: skip
    kills = in_a_save = 0
    reached = []
    try:
        for _ in range(KILLS):
            command = ["resume", str(run)] if run.exists() else begin
            print("\t".join(command), file=parent.stdin, flush=True)
            child = int(parent.stdout.readline())
            checkpoint = run / "checkpoint.pt"
            before = checkpoint.stat().st_mtime_ns if checkpoint.exists() else 0
            deadline = time.monotonic() + 60
            while not (checkpoint.exists() and checkpoint.stat().st_mtime_ns > before):
                assert time.monotonic() < deadline
                time.sleep(0.002)
            time.sleep(draw.uniform(0, 0.4))
            os.kill(child, signal.SIGKILL)
            assert os.WIFSIGNALED(int(parent.stdout.readline())), "the run ended before it was killed"
            kills += 1
            in_a_save += any(path.name.startswith(".checkpoint") for path in run.glob(".*.part"))
            saved = torch.load(checkpoint, weights_only=True)  # complete, whatever was going on
            reached.append((list(preset.stages()).index(saved["stage"]), saved["step"]))
        print("\t".join(["resume", str(run)]), file=parent.stdin, flush=True)
        parent.stdout.readline()
        assert int(parent.stdout.readline()) == 0
    finally:
        parent.stdin.close()
        parent.kill()
        parent.wait()
    print(f"{kills} kills, {in_a_save} of them in a save; reached {reached}")
    assert reached == sorted(reached)
    assert kills == KILLS
    assert in_a_save >= 3
    assert len({stage for stage, _ in reached}) == 3, reached
    assert not list(run.glob(".*.part"))
    assert_same_run(Run.open(run), reference)
