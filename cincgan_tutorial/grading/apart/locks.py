"""What the process of a submission may not do: the doors that can be locked from inside, on any system.

The audit hook can't be taken off again by Python code. Landlock and the limits are the kernel's, on Linux only (the
limits of time and files on macOS too). The hook does not hold against a program that attacks the interpreter itself,
and nothing here keeps files from being read: that takes a container.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
import sys
import tempfile
from collections.abc import Callable
from typing import Any

from .guard import Refusal

_FILE_BYTES = 64 * 2**20
_NETWORK = ("socket.__new__", "socket.connect", "socket.bind", "socket.getaddrinfo", "socket.gethostbyname")
_PROGRAMS = (
    "subprocess.Popen",
    "os.system",
    "os.exec",
    "os.fork",
    "os.forkpty",
    "os.posix_spawn",
    "os.spawn",
    "pty.spawn",
)
_WRITES = {
    "os.remove": 1, "os.rmdir": 1, "os.rename": 2, "os.mkdir": 1, "os.chmod": 1, "os.chown": 1, "os.link": 2,
    "os.symlink": 2, "os.truncate": 1, "os.utime": 1, "shutil.rmtree": 1, "shutil.move": 2,
}  # fmt: skip
# Landlock's system calls, and its rights to write, delete, make, rename and truncate; to bind and connect TCP.
_CREATE, _ADD, _RESTRICT = 444, 445, 446
_WRITING = (1 << 1) | sum(1 << bit for bit in range(4, 14))
_TRUNCATE, _TCP = 1 << 14, 0b11


def lock(folder: str, memory: int, seconds: int) -> list[str]:
    """Lock what can be locked and return its names.

    Args:
        folder: The only folder that may be written to.
        memory: Bytes more than what is used now.
        seconds: Of the processor.
    """
    locked = [*_limits(memory, seconds)]
    if _landlock(folder):
        locked.append("landlock")
    sys.addaudithook(_hook(os.path.realpath(folder)))
    return [*locked, "audit"]


def _limits(memory: int, seconds: int) -> list[str]:
    try:
        import resource
    except ImportError:  # Windows has none
        return []
    wanted = {"RLIMIT_CPU": seconds, "RLIMIT_FSIZE": _FILE_BYTES, "RLIMIT_CORE": 0}
    with contextlib.suppress(OSError), open("/proc/self/statm", encoding="ascii") as file:
        wanted["RLIMIT_AS"] = int(file.read().split()[0]) * resource.getpagesize() + memory
    done = []
    for name, value in wanted.items():
        hard = resource.getrlimit(getattr(resource, name))[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(getattr(resource, name), (value, value))
            done.append(name)
    return done


def _landlock(folder: str) -> bool:
    """Let this process write to one folder and to the null device only, and open no TCP connection."""
    if sys.platform != "linux":
        return False
    call = ctypes.CDLL(None, use_errno=True).syscall
    version = call(_CREATE, None, ctypes.c_size_t(0), 1)
    if version < 1:
        return False
    files = _WRITING | (_TRUNCATE if version >= 3 else 0)
    rules = struct.pack("<QQ", files, _TCP) if version >= 4 else struct.pack("<Q", files)
    ruleset = call(_CREATE, rules, ctypes.c_size_t(len(rules)), 0)
    if ruleset < 0:
        return False
    for path, rights in ((folder, files), (os.devnull, (1 << 1) | (files & _TRUNCATE))):
        opened = os.open(path, os.O_PATH)
        if call(_ADD, ruleset, 1, struct.pack("<Qi", rights, opened), 0) < 0:
            return False
        os.close(opened)
    pr_set_no_new_privs = 38
    ctypes.CDLL(None).prctl(pr_set_no_new_privs, 1, 0, 0, 0)
    done: int = call(_RESTRICT, ruleset, 0)
    os.close(ruleset)
    return done == 0


def _hook(folder: str) -> Callable[[str, tuple[Any, ...]], None]:
    def outside(path: Any) -> bool:
        if isinstance(path, int) or path is None:
            return False
        place = os.path.realpath(os.fsdecode(path))
        return place != folder and not place.startswith(folder + os.sep) and place != os.devnull

    def hook(event: str, details: tuple[Any, ...]) -> None:
        if event in _NETWORK:
            raise Refusal("It opens a network connection.")
        if event in _PROGRAMS:
            raise Refusal("It starts another program.")
        if event in ("ctypes.dlopen", "ctypes.dlsym", "os.kill", "signal.pthread_kill"):
            raise Refusal(f"It reaches below Python ({event}).")
        if event in _WRITES and any(outside(path) for path in details[: _WRITES[event]]):
            raise Refusal("It writes or deletes outside its own folder.")
        if event == "open" and _writes(details) and outside(details[0]):
            raise Refusal("It writes outside its own folder.")

    tempfile.tempdir = folder
    return hook


def _writes(details: tuple[Any, ...]) -> bool:
    _, mode, flags = details
    if isinstance(mode, str):
        return bool(set(mode) & set("wax+"))
    return bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND))
