"""Memory that a step frees is kept for the next one."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from cincgan_tutorial.presets import PRESETS
from cincgan_tutorial.training import loop, train
from cincgan_tutorial.training.memory import keep_freed_memory

_HUGE = Path("/sys/kernel/mm/transparent_hugepage/enabled")
ALWAYS_HUGE = _HUGE.is_file() and "[always]" in _HUGE.read_text()
# Many tensors that come and go together, as in a step.
WORK = """
import resource, torch
from cincgan_tutorial.training.memory import keep_freed_memory

def pages_of_a_step():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    tensors = [torch.ones(250_000) for _ in range(20)]  # 20 MB
    del tensors
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

def settled():
    return [pages_of_a_step() for _ in range(6)][-1]

before = settled()
print(before * resource.getpagesize() >> 20, keep_freed_memory(), settled() * resource.getpagesize() >> 20)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the setting is glibc's")
@pytest.mark.skipif(ALWAYS_HUGE, reason="pages are as large as all of the work's memory")
def test_freed_memory_is_used_again_without_asking_the_system():
    # Whether glibc by itself gives memory back depends on what lies above it. Told to, it gives back every tensor.
    environment = os.environ | {"MALLOC_MMAP_THRESHOLD_": "100000"}
    done = subprocess.run([sys.executable, "-c", WORK], env=environment, capture_output=True, text=True, check=True)
    before, kept, after = done.stdout.split()
    assert kept == "True"
    assert int(before) > 4, "megabytes that a step asks for"
    assert int(after) == 0


def _unknown(name):
    raise ValueError("unrecognized configuration name")


@pytest.mark.parametrize("answer", [_unknown, lambda name: None], ids=["unknown", "none"])
def test_another_c_library_is_left_alone(monkeypatch, answer):
    monkeypatch.setattr(os, "confstr", answer, raising=False)
    monkeypatch.setattr("ctypes.CDLL", None)
    assert keep_freed_memory() is False


def test_training_keeps_it(photographs, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(loop, "keep_freed_memory", lambda: asked.append(True))
    train(PRESETS["smoke"], photographs, tmp_path / "run")
    assert asked == [True]
