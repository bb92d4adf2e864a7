"""A look beforehand: what is wrong with a set of photographs is found, and nothing is found where nothing is wrong."""

import numpy as np
import pytest
import torch
from helpers import picture

from cincgan_tutorial.degradation import Degradation, bicubic_downsample, blur, gaussian_kernel
from cincgan_tutorial.images import from_pixels, to_pixels
from cincgan_tutorial.survey import blur_of, measure, survey
from cincgan_tutorial.unpaired import Photograph

SIDE = 160
NOISY = Degradation("a phone", blur_sigma=(1.0, 2.0), noise_std_8bit=10)


def scene(seed):
    """A picture with edges at all scales, (1, 3, SIDE, SIDE), reduced from twice the size: as sharp as can be."""
    rng = np.random.default_rng(seed)
    pixels = picture(2 * SIDE, 2 * SIDE, seed)
    for _ in range(40):
        top, left, height, width = rng.integers(0, 2 * SIDE, 4)
        pixels[top : top + height // 2, left : left + width // 2] = rng.integers(30, 226, 3)
    return bicubic_downsample(from_pixels(pixels)[None], 2).clamp(0, 1)


def photograph(image, name):
    return Photograph(name, to_pixels(image[0]))


def hr_set(count=12, change=lambda image: image):
    return [photograph(change(scene(seed)), f"hr{seed}.png") for seed in range(count)]


def lr_set(count=12, degradation=NOISY, change=lambda image: image, first=100):
    generator = torch.Generator().manual_seed(0)
    scenes = [scene(first + seed) for seed in range(count)]
    return [photograph(change(degradation(image, generator)), f"lr{i}.png") for i, image in enumerate(scenes)]


def texts(lr, hr, patch=16):
    return [finding.text for finding in survey(lr, hr, patch).findings]


@pytest.fixture(scope="module")
def good():
    return lr_set(), hr_set()


def test_nothing_is_said_of_a_good_set(good):
    found = survey(*good, patch=16)
    assert found.findings == ()
    assert not found.stops
    assert "Nothing speaks against" in str(found)


def test_the_table_shows_what_was_measured(good):
    found = survey(*good, patch=16)
    lines = {line[:26].strip(): line[26:].split() for line in str(found).splitlines()}
    assert lines["photographs"] == ["12", "12"]
    assert lines["width x height, as files"] == ["40x40", "160x160"]
    assert [float(text) for text in lines["noise, levels of 255"]] == pytest.approx(
        [found.x.noise_8bit.mean(), found.y.noise_8bit.mean()], abs=0.05
    )
    assert found.x.noise_8bit.mean() > found.y.noise_8bit.mean() + 4
    assert len(lines["mean red, green, blue"]) == 6


def test_noise_and_blur_are_estimated():
    flat = torch.full((1, 3, 80, 80), 0.5)
    noise = torch.randn(flat.shape, generator=torch.Generator().manual_seed(0))
    for std in (2, 10):
        assert measure([flat + noise * std / 255]).noise_8bit[0] == pytest.approx(std, rel=0.1)
    sharp = scene(1)
    values = [blur_of(blur(sharp, gaussian_kernel((sigma, sigma)))) for sigma in (0.5, 1.0, 2.0)]
    assert 0 < blur_of(sharp) < values[0] < values[1] < values[2] < 1
    assert measure([flat]).colour[0].tolist() == [0.5, 0.5, 0.5]


def test_photographs_smaller_than_a_patch_stop(good):
    lr, hr = good
    found = survey([*lr, Photograph("tiny.png", picture(15, 60))], hr, patch=16)
    assert found.stops
    assert found.findings[0].text.startswith(
        "1 LR photograph(s) smaller than a patch of 16 pixels, the first is tiny.png (60x15)"
    )
    assert "will not work: 1 LR" in str(found)
    (text,) = texts(lr, [*hr, Photograph("small.png", picture(63, 90))])
    assert text.startswith("1 HR photograph(s) smaller than a patch of 64 pixels, the first is small.png (90x63)")


@pytest.mark.parametrize("size", [(1, 1), (2, 9), (3, 3)])
def test_no_photograph_is_too_small_to_be_looked_at(good, size):
    lr, hr = good
    assert survey([Photograph("dot.png", picture(*size))], [Photograph("spot.png", picture(*size, 1))]).stops
    assert survey(lr, [*hr, Photograph("spot.png", picture(*size, 1))]).stops


def test_a_photograph_in_both_stops(good):
    lr, hr = good
    copy = Photograph("a copy.png", hr[3].pixels)
    found = survey([*lr, copy], hr, patch=16)
    assert found.stops
    assert found.findings[0].text.startswith(
        "1 photograph(s) in both folders, the first is a copy.png (LR) and hr3.png"
    )


def test_the_same_scene_in_both_at_another_size_is_noticed(good):
    lr, hr = good
    generator = torch.Generator().manual_seed(0)
    paired = photograph(NOISY(hr[5].image, generator), "paired.png")
    (text,) = texts([*lr, paired], hr)
    assert text.startswith("1 photograph(s) seem to show one scene in both folders, the first is paired.png (LR)")
    assert "hr5.png (HR)" in text


def test_pictures_of_one_colour_are_no_scene(good):
    plain = [Photograph(f"{level}.png", np.full((64, 64, 3), level, np.uint8)) for level in (100, 150)]
    assert not any("one scene" in text for text in texts([*good[0], plain[0]], [*good[1], plain[1]]))


def test_few_photographs_are_pointed_out(good):
    lr, hr = good
    first, second = texts(lr[:3], hr[:9])
    assert first.startswith("only 3 LR photograph(s)")
    assert second.startswith("only 9 HR photograph(s)")


def test_exchanged_folders_are_noticed(good):
    lr, hr = good
    found = texts(hr, [Photograph(p.name, np.repeat(np.repeat(p.pixels, 2, 0), 2, 1)) for p in lr])
    assert any("Are the folders exchanged?" in text for text in found)


def test_noisier_hr_photographs_are_noticed(good):
    generator = torch.Generator().manual_seed(1)

    def noisy(image):
        return (image + torch.randn(image.shape, generator=generator) * 60 / 255).clamp(0, 1)

    (text,) = texts(lr_set(degradation=Degradation("clean")), hr_set(change=noisy))
    assert "HR photographs, reduced, are noisier" in text


def test_lr_sharper_than_hr_is_noticed(good):
    blurred = hr_set(change=lambda image: blur(image, gaussian_kernel((6.0, 6.0), size=37)))
    for lr in (good[0], lr_set(degradation=Degradation("clean"))):
        assert any("LR photographs are sharper" in text for text in texts(lr, blurred))


def test_noise_does_not_count_as_sharpness():
    """Very noisy LR photographs, as blurred as HR ones: their measure alone would say that they are sharper."""
    noisy = lr_set(degradation=Degradation("night", blur_sigma=(5.0, 5.1), noise_std_8bit=40))
    soft = hr_set(change=lambda image: blur(image, gaussian_kernel((5.0, 5.0), size=31)))
    found = survey(noisy, soft, patch=16)
    assert found.x.blur.mean() < found.y.blur.mean() - 0.06
    assert not any("sharper" in finding.text for finding in found.findings)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda image: image * 0.5, "brightness"),
        (lambda image: image * torch.tensor([1.0, 0.7, 0.7]).view(3, 1, 1), "red against green"),
        (lambda image: image * torch.tensor([0.9, 0.9, 0.5]).view(3, 1, 1), "blue against green"),
    ],
)
def test_other_colours_are_noticed(good, change, what):
    found = texts(lr_set(change=change), good[1])
    assert any(text.startswith(f"the colours differ ({what}") for text in found)


def test_an_empty_set_is_refused(good):
    with pytest.raises(ValueError, match="expected LR and HR photographs, got 0 and 12"):
        survey([], good[1])
