"""kill -9 at random moments: a study goes on and ends with the JSON that an undisturbed one has, times aside."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

import pytest
from helpers import ROOT, write_photographs

ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "CINCGAN_STATIC": "1"}
KILLS, PATIENCE = 12, 1500
RESULT = ("results", "smoke-table")


def timeless(value):
    if isinstance(value, dict):
        return {k: timeless(v) for k, v in value.items() if k not in ("seconds", "date", "command")}
    return [timeless(one) for one in value] if isinstance(value, list) else value


def contents(folder):
    return {path.name: timeless(json.loads(path.read_text(encoding="utf-8"))) for path in folder.glob("*.json")}


@pytest.mark.slow
def test_a_study_killed_at_random_moments_ends_with_the_same_json(tmp_path):
    """What a step takes is measured once, by the undisturbed study, and handed to the other as it would find it."""
    write_photographs(tmp_path / "train")
    write_photographs(tmp_path / "unseen", count=2, first_seed=100)

    def command(folder):
        return [
            sys.executable, "-m", "cincgan_tutorial", "study", "table", "--preset", "smoke", "--seeds", "0",
            "--budget", "0.5", "--photos", str(tmp_path / "train"), "--held-out", str(tmp_path / "unseen"),
            "--runs", str(folder / "runs"), "--results", str(folder / "results"),
        ]  # fmt: skip

    def start(folder):
        return subprocess.Popen(
            command(folder), env=ENVIRONMENT, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert start(whole).wait(PATIENCE) == 0
    paces = killed / "runs" / "comparison-smoke" / "pace.json"
    paces.parent.mkdir(parents=True)
    shutil.copy(whole / "runs" / "comparison-smoke" / "pace.json", paces)

    draw, deadline, kills = random.Random(0), time.monotonic() + PATIENCE, 0
    while kills < KILLS and not killed.joinpath(*RESULT).exists():
        assert time.monotonic() < deadline
        before = sum(1 for _ in killed.rglob("*"))
        process = start(killed)
        # Not a fixed time from its start, most of which is loading: some moments after it has written something.
        while process.poll() is None and sum(1 for _ in killed.rglob("*")) == before:
            time.sleep(0.01)
        time.sleep(draw.uniform(0, 0.5))
        process.send_signal(signal.SIGKILL)
        kills += process.wait() == -signal.SIGKILL
    assert kills > 2
    assert start(killed).wait(PATIENCE) == 0
    assert contents(killed.joinpath(*RESULT)) == contents(whole.joinpath(*RESULT))
