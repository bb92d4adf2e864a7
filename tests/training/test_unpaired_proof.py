"""The proof that training is unpaired: no call ever sees a degraded photograph together with its own original.

Every photograph has a colour of its own, far from the others, so that any patch of it tells which one it was cut from
even after blur and noise. All functions that the loop calls are watched; the one exception is the bicubic pair (y, z).
"""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from helpers import picture

from cincgan_tutorial.degradation import SYNTHETIC_MILD, bicubic_downsample
from cincgan_tutorial.training import loop, train
from cincgan_tutorial.unpaired import Levels, Photograph, Photographs, UnpairedPatches, as_levels, degrade

COLOURS = torch.tensor(list(itertools.product((60, 190), repeat=3))) / 255
X_NAMES, YZ_NAMES = {0, 1, 2}, {3, 4, 5, 6}


def coloured(number):
    """A photograph of one colour with some texture on it."""
    texture = (picture(80, 92, number).astype(float) - 128) / 8
    texture -= texture.mean((0, 1))
    pixels = np.clip(COLOURS[number].numpy() * 255 + texture, 0, 255).round().astype(np.uint8)
    return Photograph(f"colour {number}", pixels)


def identify(images):
    """Number of the photograph that each patch was cut from."""
    distances = torch.cdist(images.mean((2, 3)), COLOURS)
    nearest = distances.sort(1).values
    assert (nearest[:, 0] < 0.15).all(), "a patch that belongs to no photograph"
    assert (nearest[:, 1] > 2 * nearest[:, 0]).all(), "a patch that could belong to two"
    return distances.argmin(1).tolist()


class Watch:
    """Records and judges every batch that training hands to one of its functions."""

    def __init__(self):
        self.calls = {}
        self.seen = {"x": set(), "y": set(), "z": set()}

    def judge(self, function, **domains):
        self.calls[function] = self.calls.get(function, 0) + 1
        ids = {domain: identify(images) for domain, images in domains.items() if images is not None}
        for domain, numbers in ids.items():
            self.seen[domain] |= set(numbers)
        degraded, clean = set(ids.get("x", [])), set(ids.get("y", [])) | set(ids.get("z", []))
        assert not degraded & clean, f"{function}: photographs {degraded & clean} are there degraded and clean"
        if "y" in ids and "z" in ids:
            assert ids["y"] == ids["z"], f"{function}: y and z are not pairs"
            inner = (..., slice(3, -3), slice(3, -3))
            assert (bicubic_downsample(domains["z"])[inner] - domains["y"][inner]).abs().max() <= 0.51 / 255


@pytest.fixture
def watched(monkeypatch):
    """The loop, with a watch on each function that it hands patches to."""
    watch = Watch()

    def put(name, domains_of):
        real = getattr(loop, name)

        def function(*arguments):
            watch.judge(name, **domains_of(*arguments))
            return real(*arguments)

        monkeypatch.setattr(loop, name, function)

    put("train_step", lambda state, name, stage, preset, batch, *_: dict(zip("xyz", batch, strict=True)))
    put("pretrain_step", lambda nets, optimizers, y, z, *_: {"y": y, "z": z})
    put("cycle_one_step", lambda nets, optimizers, x, y, *_: {"x": x, "y": y})
    put("cycle_two_step", lambda nets, optimizers, x, y, z, *_: {"x": x, "y": y, "z": z})
    put("joint_step", lambda nets, optimizers, x, y, z, *_: {"x": x, "y": y, "z": z})
    put("warm_up_step", lambda nets, optimizers, name, x, y, z, *_: {"x": x, "y": y, "z": z})
    return watch


@pytest.fixture(scope="module")
def split():
    return Photographs("colours", tuple(map(coloured, sorted(X_NAMES))), tuple(map(coloured, sorted(YZ_NAMES))))


@pytest.fixture(scope="module")
def real(split):
    """The same scenes, but X are LR images already, as a camera took them."""
    x = tuple(Photograph(p.name, degrade(p, SYNTHETIC_MILD).permute(1, 2, 0).numpy().copy()) for p in split.x)
    return Photographs("real", x, split.yz, x_is_lr=True)


@pytest.mark.parametrize(("kind", "apart"), [("split", False), ("split", True), ("real", False)])
def test_no_training_call_sees_a_degraded_photograph_with_its_original(watched, smoke, request, tmp_path, kind, apart):
    train(replace(smoke, adam_per_cycle=apart), request.getfixturevalue(kind), tmp_path / "run")
    expected = {"train_step": 20, "pretrain_step": 6, "cycle_one_step": 6, "warm_up_step": 2 + 2}
    expected |= {"cycle_one_step": 6 + 4, "cycle_two_step": 4} if apart else {"joint_step": 4}
    assert watched.calls == expected
    assert watched.seen == {"x": X_NAMES, "y": YZ_NAMES, "z": YZ_NAMES}


def test_the_loop_hands_patches_to_no_function_that_is_not_watched():
    steps = {name for name in vars(loop) if name.endswith("_step")}
    assert steps == {"train_step", "pretrain_step", "cycle_one_step", "cycle_two_step", "joint_step", "warm_up_step"}


def test_the_watch_would_notice_a_real_photograph_with_its_original(watched, smoke, split, real, tmp_path):
    leaky = Photographs("leaky", real.x, split.yz + split.x[:1], x_is_lr=True)  # no hash can tell: x is smaller
    with pytest.raises(AssertionError, match="degraded and clean"):
        train(smoke, leaky, tmp_path / "run")


class CleanLeak(UnpairedPatches):
    """Puts an original of X among Y and Z, past the check of `Photographs`."""

    def __init__(self, photographs, *arguments, **options):
        super().__init__(photographs, *arguments, **options)
        original = photographs.x[0].cropped(4).image
        self.Z = Levels([*self.Z, as_levels(original)])
        self.Y = Levels([*self.Y, as_levels(bicubic_downsample(original))])


class DegradedLeak(UnpairedPatches):
    """Degrades a photograph of the clean half too."""

    def __init__(self, photographs, degradation, *arguments, **options):
        super().__init__(photographs, degradation, *arguments, **options)
        self.X = Levels([*self.X, degrade(photographs.yz[0], degradation)])


class Unaligned(UnpairedPatches):
    """Cuts y and z at different places."""

    def pairs(self, step, size, stage=0):
        y, z = super().pairs(step, size, stage)
        return y, z.roll(1, 0)


@pytest.mark.parametrize("leaky", [CleanLeak, DegradedLeak, Unaligned])
def test_the_watch_would_notice(watched, smoke, split, tmp_path, monkeypatch, leaky):
    monkeypatch.setattr(loop, "UnpairedPatches", leaky)
    with pytest.raises(AssertionError, match=r"degraded and clean|y and z are not pairs"):
        train(smoke, split, tmp_path / "run")
