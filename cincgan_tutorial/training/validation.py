r"""Chapter 6, validation without pairs: numbers that judge G1 on images of which no clean version is at hand.

An ordinary validation set pairs x with its truth. A method that claims to need no pairs may not pick its checkpoint by
one. All that may be looked at are noisy images of X and clean ones of Y, which show other photographs. Each signal
below is a pure function of such images and the networks, and lower is better.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor

from ..architectures import Generator, Networks, local_mean
from ..degradation import blur
from ..images import Images, from_levels
from ..losses import Terms, distance, judged_real, total_variation
from ..presets import Norms, Weights
from ..seeds import torch_generator
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
_LEVELS = 3
_PATCH = 7
_PATCHES = 1024  # of each set and level
_DIRECTIONS = 64
_BINOMIAL = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)


@dataclass(frozen=True)
class Seen:
    """What a signal may look at: noisy images, clean ones of other photographs, and what the networks make of them.

    Attributes:
        x: Noisy LR images, each (1, 3, h, w).
        y: Clean LR images of other photographs.
        y_tilde: G1(x), image by image.
        x_prime: G2(G1(x)).
        kept: G1(y).
        scores: D1(G1(x)).
    """

    x: Sequence[Images]
    y: Sequence[Images]
    y_tilde: Sequence[Images]
    x_prime: Sequence[Images]
    kept: Sequence[Images]
    scores: Sequence[Tensor]


@torch.no_grad()
def look(nets: Networks, x: Sequence[Images], y: Sequence[Images]) -> Seen:
    """Let the networks see the images, one by one."""
    y_tilde = [nets.G1(image).float() for image in x]
    return Seen(
        x=x,
        y=y,
        y_tilde=y_tilde,
        x_prime=[nets.G2(image).float() for image in y_tilde],
        kept=[nets.G1(image).float() for image in y],
        scores=[nets.D1(image).float() for image in y_tilde],
    )


def mean(values: Sequence[Tensor]) -> float:
    """Return the mean of one number per image."""
    return float(torch.stack(list(values)).mean())


def cycle(seen: Seen) -> float:
    """Return the mean absolute difference of G2(G1(x)) and x."""
    return mean([distance(a, b, 1) for a, b in zip(seen.x_prime, seen.x, strict=True)])


def identity(seen: Seen) -> float:
    """Return the mean absolute difference of G1(y) and y."""
    return mean([distance(a, b, 1) for a, b in zip(seen.kept, seen.y, strict=True)])


def judge(seen: Seen) -> float:
    """Return how far D1 is from taking G1(x) for real."""
    return mean([judged_real(scores) for scores in seen.scores])


def total(seen: Seen, weights: Weights, norms: Norms) -> float:
    """Return the total that stage one minimises, on these images."""
    rows = zip(seen.x, seen.y, seen.y_tilde, seen.x_prime, seen.kept, seen.scores, strict=True)
    return mean(
        [
            Terms(
                judged_real(scores),
                distance(x_prime, x, norms.cycle),
                distance(kept, y, norms.identity),
                total_variation(y_tilde, norms.tv),
            ).total(weights)
            for x, y, y_tilde, x_prime, kept, scores in rows
        ]
    )


def unfaithful(seen: Seen) -> float:
    """Return how far G1(x) is from x in the means of 17x17 pixels, where noise averages out: colours, coarse forms."""
    return _unfaithful(seen.x, seen.y_tilde)


def _unfaithful(x: Sequence[Images], y_tilde: Sequence[Images]) -> float:
    return mean([local_mean(a - b, _AROUND).abs().mean() for a, b in zip(y_tilde, x, strict=True)])


def spectrum(seen: Seen) -> float:
    """Return the log-spectral distance of G1(x) and y: do both have as much of every fineness? {eq}`eq-spectrum`.

    They show different photographs, but the mean over dozens of them is alike. Too much power is noise that is left,
    too little is detail that is missing. (Elsewhere the name often means the root of the mean square.)
    """
    side = window_of([*seen.y_tilde, *seen.y])
    return _apart(log_powers(seen.y_tilde, side), log_powers(seen.y, side))


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


def noise_level(images: Images) -> Tensor:
    r"""Return an estimate of the noise of an image, as a standard deviation.

    $$ \hat\sigma = \operatorname{median} |H| / 0.6745 $$

    H are differences across and then down, $((a - b) - (c - d)) / 2$, of neighbours two pixels apart: noise of
    photographs is alike in adjoining pixels. The median looks past edges, which are few (Donoho and Johnstone 1994).
    """
    a, b, c, d = images[..., :-2, :-2], images[..., :-2, 2:], images[..., 2:, :-2], images[..., 2:, 2:]
    return ((a - b - c + d) / 2).abs().flatten(1).median(1).values.mean() / 0.6745


def grain(seen: Seen) -> float:
    """Return the difference of the noise levels of G1(x) and of y, mean over images, without sign."""
    return abs(_grain(seen.y_tilde) - _grain(seen.y))


def _grain(images: Sequence[Images]) -> float:
    return mean([noise_level(image) for image in images])


def residue(grain: float, unfaithful: float) -> float:
    r"""Return $\sqrt{\text{grain}^2 + \text{unfaithful}^2}$: noise that is left, and picture that is lost.

    Both are amplitudes in units of the image range, so their squares can be added as those of independent errors.
    """
    return math.hypot(grain, unfaithful)


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
        unlike_x = _unfaithful(self._x, y_tilde)
        return {"mismatch": mismatch(unlike, unlike_x), "spectrum": unlike, "unfaithful": unlike_x}


def _middle(levels: Tensor) -> Tensor:
    """Return the middle of an image, at most 128 pixels each way: a look should not take longer than the training."""
    top, left = ((side - min(side, _LARGEST)) // 2 for side in levels.shape[-2:])
    return levels[..., top : top + _LARGEST, left : left + _LARGEST]


def spread(items: Sequence[T], count: int) -> list[T]:
    """Return ``count`` of the items, or all where there are fewer, evenly spread over their order."""
    count = min(count, len(items))
    return [items[i * len(items) // count] for i in range(count)]


def pyramid(image: Images, levels: int = _LEVELS) -> list[Images]:
    """Return the Laplacian pyramid of an image: what each halving of the size takes away, finest first."""
    b = image.new_tensor(_BINOMIAL)
    found = []
    for _ in range(levels - 1):
        smaller = blur(image, b[:, None] * b[None, :])[..., ::2, ::2]
        back = F.interpolate(smaller, size=image.shape[-2:], mode="bilinear", align_corners=False)
        found.append(image - back)
        image = smaller
    return [*found, image]


def descriptors(images: Sequence[Images], level: int, generator: torch.Generator) -> Tensor:
    """Return patches of one level of the pyramids, (n, 3 * 7 * 7), as many of each image, places drawn at random."""
    share = -(-_PATCHES // len(images))
    found = []
    for image in images:
        columns = F.unfold(pyramid(image)[level], _PATCH)[0].T
        found.append(columns[torch.randint(len(columns), (share,), generator=generator)])
    return torch.cat(found)[:_PATCHES]


def texture(seen: Seen) -> float:
    """Return the sliced Wasserstein distance between G1(x) and y, mean over the levels of their pyramids.

    As Karras et al. (2018), but not scaled by each set's own deviation, which would remove the noise to be measured.
    """
    found = []
    smallest = min(min(image.shape[-2:]) for image in (*seen.y_tilde, *seen.y))
    for level in range(_LEVELS):
        if smallest >> level < _PATCH:
            break
        a, b = (
            descriptors(images, level, torch_generator(number, level))
            for number, images in enumerate((seen.y_tilde, seen.y))
        )
        found.append(sliced_wasserstein(a, b))
    return mean(found)


def sliced_wasserstein(a: Tensor, b: Tensor, directions: int = _DIRECTIONS, seed: int = 0) -> Tensor:
    r"""Return the sliced Wasserstein distance of two sets of points, (n, d) each.

    $$ \operatorname{mean}_\theta \operatorname{mean}_i \big| \langle a, \theta\rangle_{(i)} -
    \langle b, \theta\rangle_{(i)} \big| $$

    Along a direction the best transport between two sets of equal size pairs them in sorted order (Rabin et al. 2011).
    """
    theta = F.normalize(torch.randn(a.shape[1], directions, generator=torch_generator(seed)), dim=0)
    return ((a @ theta).sort(0).values - (b @ theta).sort(0).values).abs().mean()
