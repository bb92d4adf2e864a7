r"""Chapter 6, validation without pairs: the signals that were tried for it, beside the one that `training` uses.

Each is a function of noisy images of X, of clean ones of Y that show other photographs, and of the networks. Lower is
better.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ..architectures import Networks
from ..degradation import blur
from ..images import Images
from ..losses import Terms, distance, judged_real, total_variation
from ..perceptual import photo_noise_level
from ..presets import Norms, Preset, Weights
from ..seeds import torch_generator
from ..training import validation

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
    """Let the networks see the images, one by one, their colours as free as in training."""
    nets = copy.deepcopy(nets)
    nets.G1.local_mean = nets.G2.local_mean = 0
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


def grain(seen: Seen) -> float:
    """Return the difference of the noise levels of G1(x) and of y, mean over images, without sign."""
    return abs(_grain(seen.y_tilde) - _grain(seen.y))


def _grain(images: Sequence[Images]) -> float:
    return sum(photo_noise_level(image) for image in images) / len(images) / 255


def residue(grain: float, unfaithful: float) -> float:
    r"""Return $\sqrt{\text{grain}^2 + \text{unfaithful}^2}$: noise that is left, and picture that is lost.

    Both are amplitudes in units of the image range, so their squares can be added as those of independent errors.
    """
    return math.hypot(grain, unfaithful)


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


def signals_of(seen: Seen, preset: Preset) -> dict[str, float]:
    """Return every candidate on what was seen; lower should be better."""
    unlike, moved = validation.spectrum(seen.y_tilde, seen.y), validation.unfaithful(seen.x, seen.y_tilde)
    grains, textures = grain(seen), texture(seen)
    weights = preset.first.cycle_one
    if weights is None:
        raise ValueError("first needs cycle_one.")
    return {
        "mismatch": validation.mismatch(unlike, moved),
        "spectrum": unlike,
        "unfaithful": moved,
        "grain": grains,
        "residue": residue(grains, moved),
        "texture": textures,
        "texture + unfaithful": textures + moved,
        "cycle": cycle(seen),
        "identity": identity(seen),
        "judge": judge(seen),
        "total": total(seen, weights, preset.norms),
    }
