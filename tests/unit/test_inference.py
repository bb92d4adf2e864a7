"""Tiles equal the whole, for every tile and image size."""

import weakref

import pytest
import torch
from helpers import random_images, shake

from cincgan_tutorial.architectures import Networks, SelfEnsemble
from cincgan_tutorial.inference import super_resolve
from cincgan_tutorial.presets import PRESETS, with_settings


def shaken_upscaler(preset):
    nets = Networks.from_preset(preset).eval()
    shake(nets, 0.02)
    return nets.upscaler()


SMALL = with_settings(PRESETS["smoke"], {"generator.blocks": 1})
UPSCALERS = {
    "smoke": shaken_upscaler(SMALL),
    "not residual": shaken_upscaler(with_settings(SMALL, {"generator.residual": "false", "generator.blocks": 2})),
    "x2": shaken_upscaler(with_settings(SMALL, {"scale": 2})),
}


def clamped_share(images):
    return ((images == 0) | (images == 1)).float().mean().item()


@pytest.mark.parametrize("name", UPSCALERS)
@pytest.mark.parametrize("tile", [1, 11, 16, 23, 40, 100])
def test_tiles_equal_the_whole_everywhere(name, tile):
    x = random_images(1, 5, 6) if tile == 1 else random_images(1, 33, 46)
    whole = super_resolve(UPSCALERS[name], x)
    tiled = super_resolve(UPSCALERS[name], x, tile)
    assert tiled.shape == whole.shape
    assert clamped_share(whole) < 0.5  # else the comparison would show little
    assert (tiled - whole).abs().max() < 1e-5


@pytest.mark.parametrize("size", [(1, 1), (3, 50), (17, 16)])
def test_odd_sizes(size):
    x = random_images(2, *size)
    whole = super_resolve(UPSCALERS["smoke"], x)
    assert whole.shape == (2, 3, 4 * size[0], 4 * size[1])
    assert (super_resolve(UPSCALERS["smoke"], x, 8) - whole).abs().max() < 1e-5


def test_tiles_equal_the_whole_at_lesson_size():
    upscaler = shaken_upscaler(PRESETS["lesson"])
    x = random_images(1, 96, 60)
    whole = super_resolve(upscaler, x)
    assert clamped_share(whole) < 0.5
    assert (super_resolve(upscaler, x, 32) - whole).abs().max() < 1e-5


def test_less_context_would_be_seen(monkeypatch):
    upscaler = UPSCALERS["smoke"]
    x = random_images(1, 41, 58)
    whole = super_resolve(upscaler, x)
    monkeypatch.setattr(type(upscaler), "reach", 2)
    assert (super_resolve(upscaler, x, 16) - whole).abs().max() > 1e-4


def test_the_result_is_an_image_and_needs_no_gradient():
    loud = shaken_upscaler(SMALL)
    with torch.no_grad():
        loud.SR.tail.weight.mul_(100)
    result = super_resolve(loud, random_images(1, 12, 12), 8)
    assert (result.min().item(), result.max().item()) == (0, 1)
    assert not result.requires_grad


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match=r"x: expected values in \[0, 1\]"):
        super_resolve(UPSCALERS["smoke"], random_images(1, 8, 8) * 255)
    with pytest.raises(ValueError, match="tile: expected at least 1"):
        super_resolve(UPSCALERS["smoke"], random_images(1, 8, 8), 0)


def turns(image):
    """The image in its eight ways: turned, and turned after it was mirrored."""
    return [torch.rot90(start, quarters, (-2, -1)) for start in (image, image.flip(-1)) for quarters in range(4)]


@pytest.mark.parametrize("name", UPSCALERS)
def test_a_self_ensemble_is_the_mean_of_eight_views_each_turned_back(name):
    upscaler, x = UPSCALERS[name], random_images(2, 9, 14)
    with torch.no_grad():
        # Turned back by hand: rows and columns change places, then each may be read from its other end.
        views = [upscaler(x.flip(axes)).flip(axes) for axes in ((), (-1,), (-2,), (-2, -1))]
        views += [upscaler(x.mT.flip(axes)).flip(axes).mT for axes in ((), (-1,), (-2,), (-2, -1))]
        assert (SelfEnsemble.of(upscaler)(x) - torch.stack(views).mean(0)).abs().max() < 1e-5


def test_a_self_ensemble_turns_with_its_input_and_one_network_does_not():
    upscaler, x = UPSCALERS["smoke"], random_images(1, 13, 13)
    with torch.no_grad():
        for once, follows in ((upscaler, False), (SelfEnsemble.of(upscaler), True)):
            together = zip(turns(once(x)), map(once, turns(x)), strict=True)
            assert all(torch.allclose(a, b, atol=1e-5) for a, b in together) == follows


def test_a_self_ensemble_keeps_no_view_that_it_has_added(monkeypatch):
    made, alive = [], []
    views = SelfEnsemble.views

    def watched(self, x):
        for view in views(self, x):
            made.append(weakref.ref(view))
            alive.append(sum(one() is not None for one in made))
            yield view

    monkeypatch.setattr(SelfEnsemble, "views", watched)
    with torch.no_grad():
        SelfEnsemble.of(UPSCALERS["smoke"])(random_images(1, 9, 9))
    assert len(alive) == 8
    assert max(alive) <= 3, "the one before, until this one has taken its name, and the first, until there is a sum"


def test_tiles_of_a_self_ensemble_equal_the_whole():
    ensemble, x = SelfEnsemble.of(UPSCALERS["smoke"]), random_images(1, 33, 46)
    assert (super_resolve(ensemble, x, 16) - super_resolve(ensemble, x)).abs().max() < 1e-5
