r"""Chapter 6, validation without pairs: numbers that judge G1 on images of which no clean version is at hand.

An ordinary validation set pairs x with its truth. A method that claims to need no pairs may not pick its checkpoint by
one. All that may be looked at are noisy images of X and clean ones of Y, which show other photographs. The signal
below is a function of such images and of G1, and lower is better. What else was tried: ``experiments.candidates``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

import torch
from torch import Tensor

from ..architectures import Generator, local_mean
from ..images import Images, from_levels
from .precision import Arithmetic

T = TypeVar("T")

# How many images of X and of Y are looked at. The spectra of few differ by what the photographs show.
IMAGES = 32
# The longest waves that the spectrum has, in pixels: longer ones tell photographs apart, not their noise.
COARSEST = 16

_WINDOW = 32  # pixels, of the spectrum
_LARGEST = 128  # pixels each way, of an image that the loop looks at
_AROUND = 17  # pixels whose mean has next to no noise left
_CAST = 10 / 255  # a cast that counts as much as powers that are all wrong by a factor of e


def unfaithful(x: Sequence[Images], y_tilde: Sequence[Images]) -> float:
    """Return how far G1(x) is from x in the means of 17x17 pixels, where noise averages out: colours, coarse forms."""
    moved = [local_mean(a - b, _AROUND).abs().mean() for a, b in zip(y_tilde, x, strict=True)]
    return float(torch.stack(moved).mean())


def spectrum(y_tilde: Sequence[Images], y: Sequence[Images]) -> float:
    """Return the log-spectral distance of G1(x) and y: do both have as much of every fineness? {eq}`eq-spectrum`.

    They show different photographs, but the mean over dozens of them is alike. Too much power is noise that is left,
    too little is detail that is missing. (Elsewhere the name often means the root of the mean square.)
    """
    side = window_of([*y_tilde, *y])
    return _apart(log_powers(y_tilde, side), log_powers(y, side))


def _apart(a: Tensor, b: Tensor) -> float:
    return float((a - b).abs().mean())


def window_of(images: Iterable[Images]) -> int:
    """Return the side of the windows that fit into all images: 32 pixels where they do."""
    return min(_WINDOW, *(side for image in images for side in image.shape[-2:]))


def first_ring(side: int) -> int:
    """Return how many waves to a window of ``side`` pixels the coarsest have that the spectrum knows."""
    return -(-side // COARSEST)


def log_powers(images: Sequence[Images], side: int) -> Tensor:
    """Return the logarithm of the `powers` of images, mean over images: (3, rings)."""
    return torch.stack([powers(image, side).log() for image in images]).mean(0)


def powers(image: Images, side: int) -> Tensor:
    """Return the power of each colour in each ring of frequencies: (3, rings).

    Ring r, from `first_ring` on, holds all waves of which about r go into a
    window. The power is a mean over windows of ``side`` pixels that overlap by
    half, each less its mean and tapered to its edge by Hann's rule (Welch
    1967). What is left over at the right and lower edge enters none. No power
    is less than that of rounding to 8 bits.
    """
    taper = torch.hann_window(side, periodic=False)
    taper = taper[:, None] * taper
    waves = torch.fft.fftfreq(side, 1 / side)
    ring = (waves[:, None] ** 2 + waves**2).sqrt().round().long().flatten()
    rows = image.cpu().unfold(2, side, side // 2)
    windows = rows.unfold(3, side, side // 2).flatten(2, 3)[0]
    windows = (windows - windows.mean((2, 3), keepdim=True)) * taper
    power = torch.fft.fft2(windows).abs().square().mean(1).flatten(1)
    size = torch.bincount(ring)
    by_ring = power.new_zeros(3, len(size)).index_add(1, ring, power) / size
    rounding = float(taper.square().sum()) / 255**2 / 12
    return by_ring[:, first_ring(side) :].clamp(min=rounding)


def mismatch(spectrum: float, unfaithful: float) -> float:
    """Return what G1(x) lacks of a clean version of x, told without one.

    It should look like Y, and show x. Each alone is fooled: any picture of Y
    has the right spectrum, and an untouched x is faithful.
    """
    return spectrum + unfaithful / _CAST


class Validation:
    """The signal that picks the checkpoint of stage one: `mismatch` on a fixed set of whole images.

    Args:
        X: Noisy LR images, 8-bit levels (3, h, w), of which some are used, evenly spread; of a large one its middle.
        Y: Clean LR images of other photographs, likewise.
        count: How many of each.
    """

    def __init__(self, X: Iterable[Tensor], Y: Iterable[Tensor], count: int = IMAGES) -> None:
        self._x, y = (
            [from_levels(_middle(levels)[None].cpu()) for levels in spread(list(given), count)] for given in (X, Y)
        )
        self._side = window_of([*self._x, *y])
        self._powers_of_y = log_powers(y, self._side)

    @torch.no_grad()
    def __call__(self, G1: Generator, arithmetic: Arithmetic) -> dict[str, float]:
        """Return the signal and its two parts."""
        with arithmetic.forward():
            y_tilde = [G1(image.to(arithmetic.device)).float().cpu() for image in self._x]
        unlike = _apart(log_powers(y_tilde, self._side), self._powers_of_y)
        moved = unfaithful(self._x, y_tilde)
        return {"mismatch": mismatch(unlike, moved), "spectrum": unlike, "unfaithful": moved}


def _middle(levels: Tensor) -> Tensor:
    """Return the middle of an image, at most 128 pixels each way: a look should not take longer than the training."""
    top, left = ((side - min(side, _LARGEST)) // 2 for side in levels.shape[-2:])
    return levels[..., top : top + _LARGEST, left : left + _LARGEST]


def spread(items: Sequence[T], count: int) -> list[T]:
    """Return ``count`` of the items, or all where there are fewer, evenly spread over their order."""
    count = min(count, len(items))
    return [items[i * len(items) // count] for i in range(count)]
