"""Limits of time and memory for an answer that runs in the reader's own process.

Where they can't be kept they say so: a call into torch's C++ is not interrupted before it returns, and an answer that
catches every exception, bare ``except`` in an endless loop, is stopped by the kernel's own interrupt only. A submission
that is marked has a process of its own, which is simply ended.
"""

from __future__ import annotations

import contextlib
import ctypes
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

import torch

from .apart.guard import Refusal

SECONDS = 30.0
MEMORY = 4 * 2**30
_AGAIN = 0.5


class TooLong(Refusal):
    """A law took too long."""

    def __init__(self) -> None:
        super().__init__("It was stopped: one law took too long. Is there a loop that never ends?")


@contextlib.contextmanager
def limited(seconds: float = SECONDS, memory: int = MEMORY) -> Iterator[None]:
    """Stop a block after so many seconds, and refuse it so many bytes more than are in use.

    Raises:
        TooLong: The time is over.
    """
    timer = _by_signal if _can_signal() else _by_thread
    with _less_memory(memory), timer(seconds):
        yield


def _can_signal() -> bool:
    return hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()


@contextlib.contextmanager
def _by_signal(seconds: float) -> Iterator[None]:
    def stop(number: int, frame: object) -> None:
        raise TooLong

    before = signal.signal(signal.SIGALRM, stop)
    # Again and again, for an answer that catches the first.
    signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def _by_thread(seconds: float) -> Iterator[None]:
    """On Windows, and outside the main thread: another thread puts the exception between two lines of this one."""
    raise_in: Callable[..., Any] = ctypes.pythonapi.PyThreadState_SetAsyncExc
    this, done, lock = threading.get_ident(), threading.Event(), threading.Lock()

    def stop() -> None:
        wait = seconds
        while not done.wait(wait):
            with lock:
                if not done.is_set():
                    raise_in(ctypes.c_ulong(this), ctypes.py_object(TooLong))
            wait = _AGAIN

    watch = threading.Thread(target=stop, daemon=True)
    watch.start()
    try:
        yield
    finally:
        with lock:
            done.set()
        watch.join()


@contextlib.contextmanager
def _less_memory(memory: int) -> Iterator[None]:
    """Lower this process's own limit for a while: on Linux, and not beside CUDA, which reserves addresses freely."""
    try:
        import resource

        with open("/proc/self/statm", encoding="ascii") as file:
            used = int(file.read().split()[0]) * resource.getpagesize()
    except (ImportError, OSError):
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    lower = used + memory
    if torch.cuda.is_initialized() or (soft != resource.RLIM_INFINITY and soft < lower):
        yield
        return
    resource.setrlimit(resource.RLIMIT_AS, (lower, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
