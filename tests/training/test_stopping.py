"""Ctrl-C and SIGTERM: a run stops between two steps, with a checkpoint of that moment; asked twice it stops at once."""

import os
import signal
import threading

import pytest
import torch
from training_helpers import assert_same_run

from cincgan_tutorial.training import Run, Stopped, loop, resume, train
from cincgan_tutorial.training.stopping import StopRequest

SIGNALS = [signal.SIGINT, signal.SIGTERM]


def send(number):
    os.kill(os.getpid(), number)


def signal_in_step(monkeypatch, at, *numbers):
    """In the middle of training step `at`, counted over all stages, these signals arrive."""
    real, count = loop.set_rates, iter(range(10**6))

    def set_rates(*arguments):
        if next(count) == at:
            for number in numbers:
                send(number)
        real(*arguments)

    monkeypatch.setattr(loop, "set_rates", set_rates)


@pytest.fixture(autouse=True)
def _as_in_a_terminal():
    """Signals do what they do in a terminal, whatever the tests were started from, and do so again afterwards."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    yield
    assert signal.getsignal(signal.SIGINT) == signal.default_int_handler
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    for number, handler in before.items():
        signal.signal(number, handler)


# Smoke: steps 0-5 pre-train, 6-13 are stage one, 14-19 joint; save_every is 3, so 1 and 10 lie between two saves.
@pytest.mark.parametrize(
    ("number", "at", "stage", "step"),
    [(signal.SIGINT, 1, "pretrain", 2), (signal.SIGTERM, 10, "first", 5), (signal.SIGINT, 15, "joint", 2)],
)
def test_the_step_is_finished_and_saved(
    smoke, photographs, finished_run, tmp_path, monkeypatch, capfd, number, at, stage, step
):
    with monkeypatch.context() as patch:
        signal_in_step(patch, at, number)
        with pytest.raises(Stopped, match=f"{number.name} at {stage}, step {step} of") as stopped:
            train(smoke, photographs, tmp_path / "run", command="test")
    assert stopped.value.asked == number
    assert "Stopping after this step" in capfd.readouterr().err
    run = Run.open(tmp_path / "run")
    saved = torch.load(run.checkpoint_path, weights_only=True)
    assert (saved["stage"], saved["step"]) == (stage, step)
    assert saved["seconds"][stage] > 0
    assert_same_run(resume(run.folder), finished_run)


def test_asked_in_the_last_step_of_a_stage_the_next_one_does_not_begin(
    smoke, photographs, finished_run, tmp_path, monkeypatch
):
    with monkeypatch.context() as patch:
        signal_in_step(patch, 5, signal.SIGINT)
        with pytest.raises(Stopped, match="first, step 0 of 8"):
            train(smoke, photographs, tmp_path / "run", command="test")
    assert_same_run(resume(tmp_path / "run"), finished_run)


def test_asked_in_the_very_last_step_the_run_is_finished(smoke, photographs, finished_run, tmp_path, monkeypatch):
    signal_in_step(monkeypatch, 19, signal.SIGINT)
    assert_same_run(train(smoke, photographs, tmp_path / "run", command="test"), finished_run)


def test_asked_twice_it_stops_in_the_middle_and_the_last_checkpoint_counts(
    smoke, photographs, finished_run, tmp_path, monkeypatch
):
    with monkeypatch.context() as patch:
        signal_in_step(patch, 10, signal.SIGINT, signal.SIGINT)
        with pytest.raises(KeyboardInterrupt) as interrupted:
            train(smoke, photographs, tmp_path / "run", command="test")
    assert not isinstance(interrupted.value, Stopped)
    saved = torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)
    assert (saved["stage"], saved["step"]) == ("first", 3)
    assert_same_run(resume(tmp_path / "run"), finished_run)


def test_stopped_again_and_again(smoke, photographs, finished_run, tmp_path, monkeypatch):
    """Each time one step further: a run that is stopped early every time still gets on."""
    for number in range(4):
        with monkeypatch.context() as patch:
            signal_in_step(patch, 0, signal.SIGTERM)
            with pytest.raises(Stopped):
                resume(tmp_path / "run") if number else train(smoke, photographs, tmp_path / "run", command="test")
    assert torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)["step"] == 4
    assert_same_run(resume(tmp_path / "run"), finished_run)


def test_of_several_ranks_none_is_hurried(monkeypatch):
    monkeypatch.setattr("cincgan_tutorial.training.stopping.world", lambda: 2)
    with StopRequest() as stop:
        for number in (signal.SIGINT, signal.SIGINT, signal.SIGTERM):
            send(number)
        assert stop.asked == signal.SIGTERM


def test_handlers_of_others_stay():
    seen = []
    signal.signal(signal.SIGTERM, lambda number, _: seen.append(number))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with StopRequest() as stop:
            send(signal.SIGTERM)
            send(signal.SIGINT)
        assert (stop.asked, seen) == (0, [signal.SIGTERM])
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def test_outside_the_main_thread_a_run_is_trained_without_handlers(smoke, photographs, finished_run, tmp_path):
    runs = []
    thread = threading.Thread(
        target=lambda: runs.append(train(smoke, photographs, tmp_path / "run", command="test")), daemon=True
    )
    thread.start()
    thread.join(timeout=120)
    assert_same_run(runs[0], finished_run)


def test_a_signal_that_comes_while_ranks_agree_is_not_lost(monkeypatch):
    def largest(number, device):
        if number == 0:
            send(signal.SIGTERM)
        return number  # what the ranks agree on was sent before the signal came

    monkeypatch.setattr("cincgan_tutorial.training.stopping.largest", largest)
    with StopRequest() as stop:
        assert not stop.here(20, 20, torch.device("cpu"))
        assert stop.here(40, 20, torch.device("cpu"))
        assert stop.asked == signal.SIGTERM
