"""Widgets and moving bars only for people."""

from types import SimpleNamespace

import pytest

from cincgan_tutorial import front_end


@pytest.fixture(autouse=True)
def no_wish(monkeypatch):
    monkeypatch.delenv("CINCGAN_STATIC", raising=False)


def test_nobody_is_looking_outside_a_kernel():
    assert front_end._kernel() is None
    assert front_end.attended() is False


@pytest.mark.parametrize(
    ("allow_stdin", "static", "answer"),
    [(True, None, True), (False, None, False), (True, "1", False), (True, "0", True), (True, "", True)],
)
def test_a_front_end_says_that_it_can_answer_questions(monkeypatch, allow_stdin, static, answer):
    monkeypatch.setattr(front_end, "_kernel", lambda: SimpleNamespace(_allow_stdin=allow_stdin))
    if static is not None:
        monkeypatch.setenv("CINCGAN_STATIC", static)
    assert front_end.attended() is answer


@pytest.mark.parametrize(
    ("kernel", "static", "silent"),
    [(None, "", False), (None, "1", False), (SimpleNamespace(_allow_stdin=False), "", True)],
)
def test_bars_are_silent_on_pages_and_shown_in_a_terminal(monkeypatch, kernel, static, silent):
    monkeypatch.setattr(front_end, "_kernel", lambda: kernel)
    monkeypatch.setenv("CINCGAN_STATIC", static)
    with front_end.progress_bar(10, "test", done=4) as bar:
        assert bool(bar.disable) is silent
        assert (bar.total, bar.n) == (10, 4) or silent
