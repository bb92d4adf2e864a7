"""Memory that a step frees is kept for the next one."""

import os
import subprocess
import sys

import pytest
import torch
from helpers import needs_glibc

from cincgan_tutorial.baselines import Material, edsr, train_system
from cincgan_tutorial.experiments.pace import seconds_of_yardstick
from cincgan_tutorial.presets import PRESETS
from cincgan_tutorial.training import precision, train
from cincgan_tutorial.training.memory import keep_freed_memory

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


def megabytes_of_a_step(**told: str) -> tuple[int, int]:
    """What a step asks the system for in a new process, before freed memory is kept and after."""
    command = [sys.executable, "-c", WORK]
    done = subprocess.run(command, env=os.environ | told, capture_output=True, text=True, check=True)
    before, kept, after = done.stdout.split()
    assert kept == "True"
    return int(before), int(after)


@needs_glibc
def test_freed_memory_is_used_again_without_asking_the_system():
    """Told to, glibc gives back every tensor, until it is told to keep them."""
    before, after = megabytes_of_a_step(MALLOC_MMAP_THRESHOLD_="100000")
    assert before > 4
    assert after == 0


@needs_glibc
def test_the_top_of_the_heap_is_kept_too():
    """Left alone, it gives back what lies at the top; whether the tensors do is chance, hence more than once."""
    assert [megabytes_of_a_step()[1] for _ in range(4)] == [0] * 4


def _unknown(name):
    raise ValueError("unrecognized configuration name")


@pytest.mark.parametrize("answer", [_unknown, lambda name: None], ids=["unknown", "none"])
def test_another_c_library_is_left_alone(monkeypatch, answer):
    monkeypatch.setattr(os, "confstr", answer, raising=False)
    monkeypatch.setattr("ctypes.CDLL", None)
    assert keep_freed_memory() is False


@pytest.mark.parametrize("what", ["train", "train_system", "pace"])
def test_whatever_trains_keeps_it_and_tries_out_kernels(photographs, tmp_path, monkeypatch, what):
    asked, smoke = [], PRESETS["smoke"]
    monkeypatch.setattr(precision, "keep_freed_memory", lambda: asked.append(True))
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", False)
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    material = Material(smoke, photographs, torch.device("cpu"))
    {
        "train": lambda: train(smoke, photographs, tmp_path / "run"),
        "train_system": lambda: train_system(edsr(smoke), material, {"clean pairs": 1}, tmp_path / "run"),
        "pace": lambda: seconds_of_yardstick(material),
    }[what]()
    assert asked == [True]
    assert torch.backends.cudnn.benchmark
    assert not torch.backends.cudnn.allow_tf32
