"""A look at one's own photographs before training: what will go wrong, while it can still be mended.

X are LR photographs as a camera took them, Z are HR photographs of other scenes, y is z reduced. Nothing says what lies
between X and y; but D1 learns whatever tells them apart, and G1 to remove it. That should be noise and blur, and not
the colours, the scenes or the folder they are in.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from skimage.measure import blur_effect

from .degradation import bicubic_downsample
from .images import Images, crop_to_multiple, from_pixels
from .perceptual import photo_noise_level
from .seeds import torch_generator
from .unpaired import Photograph

# What is measured of a photograph is measured in its middle, squares of this many LR pixels.
_MIDDLE = 512
_SMALLEST = 8
# Fewer photographs than this are learned by heart sooner than their noise is.
FEW = 10
# Differences of the means of two sets that matter: brightness and colour of 1, blur of 0 to 1.
_COLOUR, _BLUR = 0.08, 0.05
# And that are no accident: so many standard errors.
_ERRORS = 2.0
# Correlation of two small grey copies above which they show one scene.
_SAME_SCENE, _COPY = 0.98, 8


@dataclass(frozen=True)
class Measured:
    """Numbers of one set, photograph by photograph.

    Attributes:
        noise_8bit: Standard deviation of the noise in levels of 255, (n,); fine texture counts as noise.
        blur: Crété's measure, 0 sharp to 1 blurred, (n,). This and the noise are 0 for images too small to measure.
        colour: Mean red, green and blue, (n, 3) in [0, 1].
    """

    noise_8bit: np.ndarray
    blur: np.ndarray
    colour: np.ndarray


@dataclass(frozen=True)
class Finding:
    """Something that will go wrong: training can't begin (``stops``), or its result will suffer."""

    stops: bool
    text: str


@dataclass(frozen=True)
class Survey:
    """What was found: sizes and measures of the LR photographs x and of the reduced HR photographs y."""

    sizes: tuple[str, str]
    counts: tuple[int, int]
    x: Measured
    y: Measured
    findings: tuple[Finding, ...]

    @property
    def stops(self) -> bool:
        """Whether training can't begin with these photographs."""
        return any(finding.stops for finding in self.findings)

    def __str__(self) -> str:
        """Return a table and one line for each finding."""
        lines = [f"{'':24}{'LR (x)':24}HR, reduced (y)"]
        for name, x, y in (
            ("photographs", str(self.counts[0]), str(self.counts[1])),
            ("width x height, as files", *self.sizes),
            ("noise, levels of 255", f"{self.x.noise_8bit.mean():.1f}", f"{self.y.noise_8bit.mean():.1f}"),
            ("blur, 0 to 1", f"{self.x.blur.mean():.2f}", f"{self.y.blur.mean():.2f}"),
            ("mean red, green, blue", _three(self.x.colour), _three(self.y.colour)),
        ):
            lines.append(f"{name:26}{x:22}  {y}")
        lines += [f"{'will not work' if finding.stops else 'warning'}: {finding.text}" for finding in self.findings]
        return "\n".join(lines if self.findings else [*lines, "Nothing speaks against training with them."])


def _three(colour: np.ndarray) -> str:
    return " ".join(f"{value:.2f}" for value in colour.mean(axis=0))


def survey(lr: Sequence[Photograph], hr: Sequence[Photograph], patch: int = 32, scale: int = 4) -> Survey:
    """Measure LR and HR photographs and say what will go wrong with them.

    Args:
        lr: Photographs as they came, to be enlarged.
        hr: Photographs of the wanted quality, of other scenes.
        patch: Side of an LR patch of the training.
        scale: How much larger the result will be.

    Raises:
        ValueError: One of the sets is empty.
    """
    if not lr or not hr:
        raise ValueError(f"expected LR and HR photographs, got {len(lr)} and {len(hr)}.")
    x_images = [_middle(photograph, 1) for photograph in lr]
    y_images = [_reduced(_middle(photograph, scale), scale) for photograph in hr]
    x, y = measure(x_images), measure(y_images)
    findings = (
        *_too_small(lr, patch, "LR"),
        *_too_small(hr, patch * scale, "HR"),
        *_in_both(lr, hr),
        *_counts(lr, hr),
        *_exchanged(lr, hr),
        *_noise(x, y),
        *_sharper(x, _as_noisy(y_images, y, x)),
        *_colours(x, y),
    )
    return Survey((_sizes(lr), _sizes(hr)), (len(lr), len(hr)), x, y, findings)


def measure(images: Iterable[Images]) -> Measured:
    """Measure images, each (1, 3, h, w) in [0, 1]."""
    rows = [
        (photo_noise_level(image), blur_of(image), image.mean(dim=(0, 2, 3)).numpy())
        if min(image.shape[-2:]) >= _SMALLEST
        else (0.0, 0.0, image.mean(dim=(0, 2, 3)).numpy())
        for image in images
    ]
    noise, blur, colour = (np.array(column) for column in zip(*rows, strict=True))
    return Measured(noise, blur, colour)


def blur_of(image: Images) -> float:
    """Return how blurred an image is, 0 to 1: how little it changes when it is blurred once more (Crété et al. 2007).

    Computed by scikit-image. Noise counts as sharpness.
    """
    return float(blur_effect(image[0].mean(dim=0).double().numpy()))


def _middle(photograph: Photograph, scale: int) -> Images:
    side = _MIDDLE * scale
    top, left = (max(0, (size - side) // 2) for size in photograph.pixels.shape[:2])
    return from_pixels(photograph.pixels[top : top + side, left : left + side])[None]


def _reduced(image: Images, scale: int) -> Images:
    if min(image.shape[-2:]) < scale:
        return image
    return bicubic_downsample(crop_to_multiple(image, scale), scale).clamp(0, 1)


def _as_noisy(images: Sequence[Images], own: Measured, other: Measured) -> Measured:
    """Measure images once more with as much noise in them as the other set has: else noise counts as sharpness."""
    generator = torch_generator(0)
    missing = math.sqrt(max(0.0, other.noise_8bit.mean() ** 2 - own.noise_8bit.mean() ** 2)) / 255
    return measure([image + missing * torch.randn(image.shape, generator=generator) for image in images])


def _sizes(photographs: Sequence[Photograph]) -> str:
    sizes = sorted({photograph.pixels.shape[1::-1] for photograph in photographs}, key=math.prod)
    first, last = ("x".join(map(str, size)) for size in (sizes[0], sizes[-1]))
    return first if len(sizes) == 1 else f"{first} to {last}"


def _too_small(photographs: Sequence[Photograph], side: int, kind: str) -> Iterable[Finding]:
    small = [photograph for photograph in photographs if min(photograph.pixels.shape[:2]) < side]
    if small:
        height, width = small[0].pixels.shape[:2]
        yield Finding(
            True,
            f"{len(small)} {kind} photograph(s) smaller than a patch of {side} pixels, the first is {small[0].name}"
            f" ({width}x{height}). Leave them out, or train with smaller patches (--set patch=16).",
        )


def _in_both(lr: Sequence[Photograph], hr: Sequence[Photograph]) -> Iterable[Finding]:
    names = {photograph.sha256: photograph.name for photograph in hr}
    both = [photograph for photograph in lr if photograph.sha256 in names]
    if both:
        yield Finding(
            True,
            f"{len(both)} photograph(s) in both folders, the first is {both[0].name} (LR) and {names[both[0].sha256]}"
            " (HR). Remove them from one.",
        )
    correlation = _copies(lr) @ _copies(hr).T
    same = [(lr[i].name, hr[j].name) for i, j in np.argwhere(correlation > _SAME_SCENE) if lr[i].sha256 != hr[j].sha256]
    if same:
        yield Finding(
            False,
            f"{len(same)} photograph(s) seem to show one scene in both folders, the first is {same[0][0]} (LR) and"
            f" {same[0][1]} (HR). Training works, but it is unpaired no longer: scores on such scenes mean nothing.",
        )


def _copies(photographs: Sequence[Photograph]) -> np.ndarray:
    """Return small grey copies as vectors of length 1 and mean 0, (n, m); of one colour only: zeros."""
    copies = []
    for photograph in photographs:
        small = Image.fromarray(photograph.pixels).convert("L").resize((_COPY, _COPY), Image.Resampling.BOX)
        vector = np.asarray(small, dtype=np.float64).ravel()
        vector -= vector.mean()
        length = np.linalg.norm(vector)
        copies.append(vector / length if length > 1 else np.zeros_like(vector))
    return np.stack(copies)


def _counts(lr: Sequence[Photograph], hr: Sequence[Photograph]) -> Iterable[Finding]:
    for photographs, kind in ((lr, "LR"), (hr, "HR")):
        if len(photographs) < FEW:
            yield Finding(
                False,
                f"only {len(photographs)} {kind} photograph(s): the networks will know these and little else. Some"
                " dozens are better.",
            )


def _exchanged(lr: Sequence[Photograph], hr: Sequence[Photograph]) -> Iterable[Finding]:
    areas = [np.median([math.prod(photograph.pixels.shape[:2]) for photograph in side]) for side in (lr, hr)]
    if areas[0] > areas[1]:
        yield Finding(
            False,
            f"the LR photographs are larger ({areas[0] / 1e6:.2g} megapixels) than the HR ones"
            f" ({areas[1] / 1e6:.2g}). Are the folders exchanged? If not: they will be enlarged from that size.",
        )


def _noise(x: Measured, y: Measured) -> Iterable[Finding]:
    difference, error = _difference(y.noise_8bit, x.noise_8bit)
    if difference > max(1.0, _ERRORS * error):
        yield Finding(
            False,
            f"the HR photographs, reduced, are noisier ({y.noise_8bit.mean():.1f} levels) than the LR ones"
            f" ({x.noise_8bit.mean():.1f}): G1 would learn to add noise. Take cleaner HR photographs.",
        )


def _sharper(x: Measured, y_as_noisy: Measured) -> Iterable[Finding]:
    difference, error = _difference(y_as_noisy.blur, x.blur)
    if difference > max(_BLUR, _ERRORS * error):
        yield Finding(
            False,
            f"the LR photographs are sharper (blur {x.blur.mean():.2f}) than the HR ones, reduced and as noisy"
            f" ({y_as_noisy.blur.mean():.2f}): G1 would learn to blur. Take sharper HR photographs, or reduce these"
            " first.",
        )


def _colours(x: Measured, y: Measured) -> Iterable[Finding]:
    for what, a, b in (
        ("brightness", x.colour.mean(axis=1), y.colour.mean(axis=1)),
        ("red against green", x.colour[:, 0] - x.colour[:, 1], y.colour[:, 0] - y.colour[:, 1]),
        ("blue against green", x.colour[:, 2] - x.colour[:, 1], y.colour[:, 2] - y.colour[:, 1]),
    ):
        difference, error = _difference(a, b)
        if abs(difference) > max(_COLOUR, _ERRORS * error):
            yield Finding(
                False,
                f"the colours differ ({what}: LR {a.mean():+.2f}, HR {b.mean():+.2f}): D1 will see it, and G1 change"
                " it. Mix the scenes, or give identity more weight.",
            )


def _difference(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    """Return mean(a) - mean(b) and its standard error."""
    error = math.sqrt(sum(part.var(ddof=1) / len(part) if len(part) > 1 else 0.0 for part in (a, b)))
    return float(a.mean() - b.mean()), error
