"""The command line as a program of its own: few tests, since each one starts Python and loads torch."""

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from helpers import ROOT, picture, save_picture

from cincgan_tutorial.training import Run
from cincgan_tutorial.weights import load_weights

ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
PROGRAM = [sys.executable, "-m", "cincgan_tutorial"]


def run(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [*PROGRAM, *map(str, arguments)]
    return subprocess.run(command, env=ENVIRONMENT | environment, capture_output=True, text=True, check=False)


def test_an_error_is_one_line_and_the_exit_status_2(folder, tmp_path):
    done = run("train", "--preset", "smok", "--photos", folder, "--run", tmp_path / "run")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: unknown preset 'smok'. Did you mean 'smoke'?")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_training_from_the_shell_records_its_command(folder, tmp_path):
    arguments = ["train", "--preset", "smoke", "--photos", str(folder), "--run", str(tmp_path / "a run")]
    arguments += ["--set", "pretrain.steps=1", "first.steps=0", "joint.steps=0"]
    done = run(*arguments)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"Finished: {tmp_path / 'a run' / 'weights.safetensors'}\n"
    assert "pretrain" in done.stderr, "no progress bar"
    assert load_weights(tmp_path / "a run").facts["command"] == shlex.join(
        ["python", "-m", "cincgan_tutorial", *arguments]
    )


def listen_to_ctrl_c() -> None:
    """Restore what a shell takes from its background programs: there, Ctrl-C is ignored, in a terminal it is not."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize(("asked", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_program_that_is_asked_to_stop_saves_and_says_how_to_go_on(folder, tmp_path, asked, status):
    log = tmp_path / "run" / "log.jsonl"
    arguments = ["train", "--preset", "smoke", "--photos", folder, "--run", tmp_path / "run"]
    arguments += ["--set", "pretrain.steps=1000000", "save_every=1000000"]
    program = subprocess.Popen(
        [*PROGRAM, *map(str, arguments)],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=listen_to_ctrl_c,
    )
    try:
        deadline = time.monotonic() + 120
        while not (log.exists() and log.stat().st_size > 300) and time.monotonic() < deadline:
            assert program.poll() is None, program.communicate()[1]
            time.sleep(0.05)
        program.send_signal(asked)
        _, err = program.communicate(timeout=60)
    finally:
        program.kill()
    assert program.returncode == status
    assert "Traceback" not in err
    assert f"Stopped by {asked.name} at pretrain, step " in err
    assert f"Go on with: python -m cincgan_tutorial resume {tmp_path / 'run'}" in err
    assert not list((tmp_path / "run").glob(".*.part"))
    assert not (tmp_path / "run" / "weights.safetensors").exists()
    # No periodic save came so early: this checkpoint is the one of the moment at which it stopped.
    step = torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)["step"]
    assert step >= Run(tmp_path / "run").log[-1]["step"] > 0
    assert f"step {step} of" in err


@pytest.mark.slow
def test_the_installed_command_is_the_same_program(finished_run, tmp_path):
    command = Path(sys.executable).parent / "cincgan"
    if not command.exists():
        pytest.skip("the package is not installed beside this Python")
    path = save_picture(tmp_path / "a.png", picture(9, 11))
    arguments = ["upscale", path, "--out", tmp_path / "out", "--weights", finished_run.folder]
    done = subprocess.run([command, *arguments], env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "a.png").is_file()
