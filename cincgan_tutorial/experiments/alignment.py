"""What a shift of the input does to the score of a result, protocol by protocol."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence

from ..degradation import SYNTHETIC_MILD, Degradation, bicubic_upsample
from ..images import Images, crop_to_multiple, from_pixels
from ..protocols import scored
from ..seeds import torch_generator
from ..unpaired import Photograph
from .paper import TABLE_1, UNALIGNED_BICUBIC
from .systems import System


def bicubic(x: Images) -> Images:
    """Enlarge x by interpolation, x4: a system that needs no training."""
    return bicubic_upsample(x).clamp(0, 1)


def scores_by_shift(
    photograph: Photograph,
    shifts: Iterable[int] = range(11),
    protocols: Sequence[str] = ("rgb", "best-shift", "challenge"),
    system: System = bicubic,
    degradation: Degradation = SYNTHETIC_MILD,
    scale: int = 4,
    seed: int = 0,
) -> dict[str, dict[int, float]]:
    """Return the score of a system's result for each shift of its input: by protocol, then by shift.

    The camera looks s pixels further to the left, so that everything in x lies s HR pixels further to the right than in
    z. Blur and noise are drawn anew from the same seed for every shift; nothing but the shift differs.

    Args:
        photograph: Where z is cut from, as far from its sides as the largest shift.
        shifts: How far the picture is moved to the right, in HR pixels; negative ones to the left.
        protocols: Names of `protocols.PROTOCOLS`.
        system: What enlarges x.
        degradation: What makes x, without the shift of its own.
        scale: Of the reduction.
        seed: Of blur and noise.

    Raises:
        ValueError: What is left of the photograph is too small for a protocol.
    """
    shifts = list(shifts)
    margin = max(abs(shift) for shift in shifts)
    whole = from_pixels(photograph.pixels)[None]
    z = crop_to_multiple(whole[..., margin : whole.shape[-1] - margin], scale)
    scores: dict[str, dict[int, float]] = {name: {} for name in protocols}
    for shift in shifts:
        moved = whole[..., : z.shape[-2], margin - shift : margin - shift + z.shape[-1]]
        x = degradation.without_shift()(moved, torch_generator(seed), scale)
        for name, score in scored(system(x), z, protocols).items():
            scores[name][shift] = score
    return scores


def papers_loss() -> float:
    """Return by how many dB a user's bicubic row, scored without alignment, fell below the paper's."""
    return TABLE_1[0].psnr - UNALIGNED_BICUBIC


def shift_that_costs(scores: Mapping[int, float], loss: float) -> float | None:
    """Return the smallest shift to the right at which the score lies ``loss`` below that without a shift.

    Between two measured shifts the score is taken for a straight line; ``None`` where none costs as much.

    Args:
        scores: By shift, from `scores_by_shift`; with that of shift 0.
        loss: In the unit of the score.
    """
    goal = scores[0] - loss
    right = sorted(shift for shift in scores if shift >= 0)
    for near, far in itertools.pairwise(right):
        if scores[far] <= goal < scores[near]:
            return near + (far - near) * (scores[near] - goal) / (scores[near] - scores[far])
    return None
