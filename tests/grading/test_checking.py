"""`check` in the reader's own process: limits of time and memory, and no library function by any name."""

import contextlib
import functools
import signal
import sys
import threading
import time
import warnings

import pytest
import torch
import toy_catalogue
from toy_catalogue import LAYER, RIGHT

import cincgan_tutorial
from cincgan_tutorial import losses
from cincgan_tutorial.grading import EXERCISES, check
from cincgan_tutorial.grading.apart.guard import Refusal, guarded
from cincgan_tutorial.grading.limits import TooLong, limited

NAMES = ("cincgan_tutorial.losses.total_variation",)


@pytest.fixture(autouse=True)
def catalogue(monkeypatch):
    for name, exercise in toy_catalogue.EXERCISES.items():
        monkeypatch.setitem(EXERCISES, name, exercise)


def right(image):
    return (image[..., 1:, :] - image[..., :-1, :]).abs().mean()


def wraps(image):
    return losses.total_variation(image)


def imports(image):
    from cincgan_tutorial.losses import distance

    return distance(image, image, 1)


def imports_unseen(image):
    name = "cincgan_tutorial" + ".losses"
    return functools.reduce(getattr, name.split(".")[1:], sys.modules["cincgan_tutorial"]).distance(image, image, 1)


def helper(image):
    return cincgan_tutorial.total_variation(image)


def by_a_helper(image):
    return helper(image)


def complains(image):
    warnings.warn("it is dark", stacklevel=1)
    return right(image)


def endless(image):
    while True:
        pass


def swallows(image):
    while True:
        try:
            return endless(image)
        except Exception:
            pass


def swallows_once(image):
    try:
        endless(image)
    except BaseException:
        endless(image)


def huge(image):
    return torch.zeros(10**13)


def test_right_answers_pass():
    space = {}
    exec(RIGHT + LAYER, space)
    assert check("roughness", right).passed
    assert check("roughness", space["roughness"]).passed
    assert check("Scale", space["Scale"]).passed


def test_a_warning_is_no_failure_to_tools_that_watch_stderr(capsys, monkeypatch):
    # What Python does outside pytest.
    monkeypatch.setattr(warnings, "showwarning", lambda message, *where: print(message, file=sys.stderr))
    assert check("roughness", complains).passed
    said = capsys.readouterr()
    assert said.err == ""
    assert "it is dark" in said.out


@pytest.mark.parametrize(
    "answer",
    [
        losses.total_variation, functools.partial(losses.total_variation, norm=1), wraps, imports, by_a_helper,
        imports_unseen, functools.lru_cache(losses.distance),
    ],
    ids=["itself", "partial", "wraps", "imports", "by_a_helper", "unseen", "cached"],
)  # fmt: skip
def test_the_librarys_own_function_is_refused(answer):
    report = check("roughness", answer)
    assert not report.passed
    assert "library" in report.refused or "sys" in report.refused


def test_a_subclass_of_the_librarys_network_is_refused():
    class Scale(cincgan_tutorial.Generator):
        pass

    assert "library's own Generator" in check("Scale", Scale).refused


def test_the_guard_finds_a_call_whatever_name_it_goes_by():
    hidden = [losses.total_variation]
    with pytest.raises(Refusal, match="library's own total_variation"), guarded(NAMES):
        hidden[0](torch.ones(1, 3, 4, 4))
    assert sys.getprofile() is None
    assert hidden[0](torch.ones(1, 3, 4, 4)).item() == 0


def test_the_guard_remembers_a_call_that_was_swallowed():
    def swallow():
        with guarded(NAMES), contextlib.suppress(BaseException):
            losses.total_variation(torch.ones(1, 3, 4, 4))

    with pytest.raises(Refusal):
        swallow()


def test_the_guard_leaves_other_imports_alone():
    with guarded(NAMES):
        import json.tool  # noqa: F401
    with pytest.raises(Refusal, match="imports cincgan_tutorial"), guarded(NAMES):
        import cincgan_tutorial.losses  # noqa: F401


@pytest.mark.parametrize("answer", [endless, swallows, swallows_once])
def test_an_endless_answer_ends_in_a_message(answer):
    report = check("roughness", answer, seconds=0.3)
    assert "took too long" in report.refused
    if hasattr(signal, "setitimer"):
        assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


# Hypothesis has a hook of its own for the collector: an exception that arrives just there is said and thrown away.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_in_another_thread_too():
    reports = []
    thread = threading.Thread(target=lambda: reports.append(check("roughness", endless, seconds=0.3)))
    thread.start()
    thread.join(120)
    assert "took too long" in reports[0].refused


def test_a_huge_allocation_ends_in_a_message():
    assert "more memory than there is" in check("roughness", huge).refused


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps this limit")
def test_the_limit_of_memory_holds_and_goes():
    with pytest.raises(MemoryError), limited(memory=64 * 2**20):
        bytearray(512 * 2**20)
    assert len(bytearray(512 * 2**20)) > 0


def test_a_block_that_ends_in_time_is_left_alone():
    before = signal.getsignal(signal.SIGALRM) if hasattr(signal, "SIGALRM") else None
    with limited(60):
        pass
    if before is not None:
        assert signal.getsignal(signal.SIGALRM) is before
    with pytest.raises(TooLong), limited(0.05):
        time.sleep(60)
