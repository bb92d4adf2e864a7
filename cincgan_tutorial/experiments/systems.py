"""The systems of the comparison, each a function from a noisy LR image x to an HR image, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

import torch

from ..architectures import SelfEnsemble, Upscaler
from ..degradation import bicubic_upsample
from ..images import Images
from ..inference import applied, super_resolve
from ..weights import Trained
from .denoisers import DENOISERS

System = Callable[[Images], Images]


def systems(trained: Trained) -> dict[str, System]:
    """Return the rows of the first comparison, in the order in which one idea is added to the other.

    * ``bicubic``: interpolation, no network.
    * ``SR alone``: the network trained on clean pairs, given the noisy x: what a reader would try first.
    * ``G1 then SR``: cycle one cleans, then the same SR network enlarges (the paper's second ablation).
    * ``CinCGAN``: G1 and SR after the joint stage.
    """
    scale = trained.preset.scale
    SR = trained.before_joint.SR

    @torch.no_grad()
    def sr_alone(x: Images) -> Images:
        return applied(SR, x).clamp(0, 1)

    return {
        "bicubic": lambda x: bicubic_upsample(x, scale).clamp(0, 1),
        "SR alone": sr_alone,
        **{name: partial(super_resolve, upscaler) for name, upscaler in upscalers(trained).items()},
    }


def upscalers(trained: Trained) -> dict[str, Upscaler]:
    """Return SR(G1(x)) as one network: before the joint stage and after it."""
    return {"G1 then SR": trained.before_joint, "CinCGAN": trained.nets.upscaler()}


def eightfold(trained: Trained) -> dict[str, System]:
    """Return the `upscalers` as systems, each the mean of eight turned views, see `architectures.SelfEnsemble`."""
    return {
        f"{name}, self-ensemble": partial(super_resolve, SelfEnsemble.of(upscaler))
        for name, upscaler in upscalers(trained).items()
    }


def keeping(trained: Trained, local_mean: int) -> dict[str, System]:
    """Return the `upscalers` as systems, with G1 keeping the mean of windows so many pixels wide, or none for 0."""
    how = f"local mean {local_mean}" if local_mean else "colours free"
    return {
        f"{name}, {how}": partial(super_resolve, upscaler.keeping(local_mean))
        for name, upscaler in upscalers(trained).items()
    }


def denoised(trained: Trained, denoiser: str, levels: Iterable[float]) -> dict[str, System]:
    """Return one system for each noise level: x denoised without training, then enlarged by SR (the paper's BM3D+EDSR).

    Args:
        trained: Its SR network before the joint stage is used, the one of the row ``SR alone``.
        denoiser: A key of `denoisers.DENOISERS`.
        levels: What the denoiser is told about the noise, in levels of 255.
    """
    SR = trained.before_joint.SR

    def system(level: float) -> System:
        @torch.no_grad()
        def denoise_then_enlarge(x: Images) -> Images:
            return applied(SR, DENOISERS[denoiser](x, level)).clamp(0, 1)

        return denoise_then_enlarge

    return {f"{denoiser}({level:g}) then SR": system(level) for level in levels}
