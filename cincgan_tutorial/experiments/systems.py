"""The systems of the comparison, each a function from a noisy LR image x to an HR image, and nothing else."""

from __future__ import annotations

from collections.abc import Callable

import torch

from ..degradation import bicubic_upsample
from ..images import Images
from ..inference import super_resolve
from ..weights import Trained

System = Callable[[Images], Images]


def systems(trained: Trained) -> dict[str, System]:
    """Return the rows of the first comparison, in the order in which one idea is added to the other.

    * ``bicubic``: interpolation, no network.
    * ``SR alone``: the network trained on clean pairs, given the noisy x: what a reader would try first.
    * ``G1 then SR``: cycle one cleans, then the same SR network enlarges (the paper's second ablation).
    * ``CinCGAN``: G1 and SR after the joint stage.
    """
    scale = trained.preset.scale
    before = trained.before_joint

    @torch.no_grad()
    def sr_alone(x: Images) -> Images:
        return before.SR(x).clamp(0, 1)

    return {
        "bicubic": lambda x: bicubic_upsample(x, scale).clamp(0, 1),
        "SR alone": sr_alone,
        "G1 then SR": lambda x: super_resolve(before, x),
        "CinCGAN": lambda x: super_resolve(trained.nets.upscaler(), x),
    }
