"""The running example: one face, one crop, from the first chapter to the last."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from ..degradation import SYNTHETIC_MILD, Degradation
from ..images import Images
from ..unpaired import bundled_photograph
from .evaluate import noisy


class Box(NamedTuple):
    """A rectangle in HR pixels; multiples of 4 keep it exact at x4."""

    top: int
    left: int
    height: int
    width: int

    def cut(self, image: Tensor, scale: int = 1) -> Tensor:
        """Cut the rectangle out of an image that is ``scale`` times smaller than HR."""
        top, left, height, width = (side // scale for side in self)
        return image[..., top : top + height, left : left + width]


EXAMPLE = "astronaut"
EXAMPLE_BOX = Box(36, 160, 128, 128)


def example(degradation: Degradation = SYNTHETIC_MILD) -> tuple[Images, Images]:
    """Return the running example as a test pair, x and z of the whole photograph; `EXAMPLE_BOX` cuts the shown crop."""
    return noisy(bundled_photograph(EXAMPLE), degradation.without_shift())
