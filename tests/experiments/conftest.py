"""For the tests of experiments, figures and widgets: trained networks that may be shown, and photographs to show."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
import torch
from helpers import picture, shake

from cincgan_tutorial.architectures import Networks
from cincgan_tutorial.presets import PRESETS, Preset
from cincgan_tutorial.unpaired import Photograph
from cincgan_tutorial.weights import Trained

FACTS = {
    "command": "python -m cincgan_tutorial train --run <here>",
    "commit": "0123456789abcdef",
    "device": "a CPU, 2 threads",
    "date": "2026-02-03T04:05:06+00:00",
    "versions": {},
    "source": "some photographs",
    "seed": 0,
    "seconds": {"pretrain": 1.0, "first": 2.0, "joint": 3.0},
    "x_photographs": {"x0": "aa"},
    "yz_photographs": {"z0": "bb", "z1": "cc"},
}


@pytest.fixture(autouse=True)
def _apart(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No bars, one thread, and no figure that stays open."""
    monkeypatch.setenv("CINCGAN_STATIC", "1")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # on tiny pictures several threads only wait for each other
    yield
    torch.set_num_threads(threads)
    assert plt.get_fignums() == []


@pytest.fixture(scope="session")
def small_lesson() -> Preset:
    """The sizes and lengths of smoke under a name that may be shown."""
    return dataclasses.replace(PRESETS["smoke"], name="lesson")


@pytest.fixture
def trained(small_lesson: Preset) -> Trained:
    """Networks in which nothing is zero, with other weights before the joint stage than after it."""
    nets, before = Networks.from_preset(small_lesson), Networks.from_preset(small_lesson)
    shake(nets, 0.02, seed=1)
    shake(before, 0.02, seed=2)
    return Trained(nets.eval(), before.upscaler().eval(), small_lesson, dict(FACTS))


@pytest.fixture
def smoke_trained(trained: Trained) -> Trained:
    return dataclasses.replace(trained, preset=PRESETS["smoke"])


@pytest.fixture(scope="session")
def held_out() -> list[Photograph]:
    """Two photographs, of different sizes that are no multiples of 4."""
    return [Photograph("one", picture(61, 78, 201)), Photograph("two", picture(70, 66, 202))]


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder outside any checkout."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder
