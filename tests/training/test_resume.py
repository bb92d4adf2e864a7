"""A run that was interrupted and resumed equals, to the bit, the run that was not."""

import json
import os
import shutil
import signal
import subprocess
import sys
import warnings

import pytest
import torch
from helpers import ROOT
from training_helpers import PulledPlug, assert_same_run, pull_the_plug_at

from cincgan_tutorial.presets import with_settings
from cincgan_tutorial.training import Run, loop, resume, train
from cincgan_tutorial.training.state import restore


# Smoke: 6 steps of pre-training, 2 + 6 of stage one, 2 + 4 of the joint stage; saved every 3 steps and at each end.
@pytest.mark.parametrize("step", [0, 2, 3, 4, 6, 7, 8, 11, 13, 14, 15, 16, 19])
def test_interrupted_at_a_step_and_resumed(smoke, photographs, finished_run, tmp_path, monkeypatch, step):
    with monkeypatch.context() as patch:
        pull_the_plug_at(patch, step)
        with pytest.raises(PulledPlug):
            train(smoke, photographs, tmp_path / "run", command="test")
    interrupted = Run.open(tmp_path / "run")
    assert not interrupted.finished
    assert interrupted.checkpoint_path.is_file() == (step >= smoke.save_every)
    assert_same_run(resume(tmp_path / "run"), finished_run)


def test_interrupted_again_and_again(smoke, photographs, finished_run, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        pull_the_plug_at(patch, 4)
        with pytest.raises(PulledPlug):
            train(smoke, photographs, tmp_path / "run", command="test")
    for steps in (1, 2, 5, 4, 6):  # the first two come no further: not one checkpoint lies between
        with monkeypatch.context() as patch:
            pull_the_plug_at(patch, steps)
            with pytest.raises(PulledPlug):
                resume(tmp_path / "run")
    assert_same_run(resume(tmp_path / "run"), finished_run)


def test_with_batch_norm_and_without_an_average(smoke, photographs, tmp_path, monkeypatch):
    preset = with_settings(smoke, {"discriminator.batch_norm": "true", "ema": "0", "first.halve_every": "2"})
    reference = train(preset, photographs, tmp_path / "reference")
    for step in (10, 17):
        with monkeypatch.context() as patch:
            pull_the_plug_at(patch, step)
            with pytest.raises(PulledPlug):
                train(preset, photographs, tmp_path / f"run{step}")
        assert_same_run(resume(tmp_path / f"run{step}"), reference)


def test_interrupted_between_the_last_step_and_the_weights(smoke, photographs, finished_run, tmp_path, monkeypatch):
    def stop(*_):
        raise PulledPlug

    with monkeypatch.context() as patch:
        patch.setattr(loop, "save_weights", stop)
        with pytest.raises(PulledPlug):
            train(smoke, photographs, tmp_path / "run", command="test")
    assert_same_run(resume(tmp_path / "run"), finished_run)


def test_two_undisturbed_runs_are_equal_and_another_seed_is_not(smoke, photographs, finished_run, tmp_path):
    assert_same_run(train(smoke, photographs, tmp_path / "again"), finished_run)
    other = train(with_settings(smoke, {"seed": 1}), photographs, tmp_path / "other")
    with pytest.raises(AssertionError):
        assert_same_run(other, finished_run)


KILLED = """
import os, signal, sys
from cincgan_tutorial.presets import PRESETS
from cincgan_tutorial.training import checkpoint, loop, train
from cincgan_tutorial.unpaired import folder_of_photographs

folder, run, where, when = sys.argv[1:]
count = iter(range(1000))

def die():
    os.kill(os.getpid(), signal.SIGKILL)

if where == "step":
    real = loop.train_step
    def step(*arguments):
        return die() if next(count) == int(when) else real(*arguments)
    loop.train_step = step
else:
    real = checkpoint.torch.save
    def save(state, path):
        real(state, path)
        if next(count) == int(when):
            os.truncate(path, path.stat().st_size // 2)
            die()
    checkpoint.torch.save = save
train(PRESETS["smoke"], folder_of_photographs(folder), run, command="test")
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system cannot kill")
@pytest.mark.parametrize(("where", "when"), [("step", 12), ("saving", 2)])
def test_killed_without_warning(folder, finished_run, tmp_path, where, when):
    command = [sys.executable, "-c", KILLED, str(folder), str(tmp_path / "run"), where, str(when)]
    environment = os.environ | {"CINCGAN_STATIC": "1", "OMP_NUM_THREADS": str(torch.get_num_threads())}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert not Run.open(tmp_path / "run").finished
    assert_same_run(resume(tmp_path / "run"), finished_run)


def test_a_log_line_cut_short_is_written_again(smoke, photographs, finished_run, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        pull_the_plug_at(patch, 9)
        with pytest.raises(PulledPlug):
            train(smoke, photographs, tmp_path / "run", command="test")
    log = tmp_path / "run" / "log.jsonl"
    log.write_text(log.read_text() + '{"stage": "first", "st')
    assert_same_run(resume(tmp_path / "run"), finished_run)


def test_the_log_has_one_line_for_every_logged_step(finished_run, smoke):
    expected = [
        (name, step) for name, stage in smoke.stages().items() for step in range(2, stage.steps + stage.warm_up + 1, 2)
    ]
    assert [(line["stage"], line["step"]) for line in finished_run.log] == expected
    lines = finished_run.log_path.read_text().splitlines()
    assert [json.loads(line) for line in lines] == finished_run.log
    assert set(finished_run.log[0]) == {"stage", "step", "seconds", "SR"}
    assert set(finished_run.log[3]) == {"stage", "step", "seconds", "D1"}
    assert {"LR gan", "LR cycle", "HR identity", "HR tv", "D1", "D2"} <= set(finished_run.log[-1])


def test_a_finished_run_is_returned_as_it_is(finished_run, monkeypatch):
    before = {path.name: path.read_bytes() for path in finished_run.folder.iterdir()}
    pull_the_plug_at(monkeypatch, 0)
    assert resume(finished_run.folder) == finished_run
    assert {path.name: path.read_bytes() for path in finished_run.folder.iterdir()} == before
    assert set(before) == {"config.json", "log.jsonl", "checkpoint.pt", "weights.safetensors"}


def test_a_finished_run_needs_no_photographs(finished_run, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(finished_run.folder, copy)
    config = json.loads((copy / "config.json").read_text())
    config["photographs"]["path"] = str(tmp_path / "gone")
    (copy / "config.json").write_text(json.dumps(config))
    assert resume(copy).finished


def test_a_moved_run_goes_on(smoke, photographs, finished_run, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        pull_the_plug_at(patch, 9)
        with pytest.raises(PulledPlug):
            train(smoke, photographs, tmp_path / "run", command="test")
    (tmp_path / "run").rename(tmp_path / "elsewhere")
    assert_same_run(resume(tmp_path / "elsewhere"), finished_run)


@pytest.mark.parametrize(
    ("changed", "warned"),
    [
        ({}, False),
        ({"device": None}, False),
        ({"device": "a T4"}, True),
        ({"threads": 99}, True),
        ({"versions": {}}, True),
    ],
)
def test_a_run_that_goes_on_elsewhere_says_that_bits_may_differ(
    photographs, changed, warned, smoke, tmp_path, monkeypatch
):
    """By another device, other versions or threads; checkpoints of before the device was kept say nothing of it."""
    with monkeypatch.context() as patch:
        pull_the_plug_at(patch, 9)
        with pytest.raises(PulledPlug):
            train(smoke, photographs, tmp_path / "run", command="test")
    run = Run.open(tmp_path / "run")
    saved = torch.load(run.checkpoint_path, weights_only=True) | changed
    if saved["device"] is None:
        del saved["device"]
    torch.save(saved, run.checkpoint_path)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        restore(run, smoke, torch.device("cpu"), photographs, False)
    assert bool([one for one in said if "device or number of threads" in str(one.message)]) is warned
