"""Denoisers that need no training: what a reader would put before SR in the place of G1.

Both are told how strong the noise is, in levels of 255. For a noise that is neither white nor of one strength there is
no right answer; `systems.denoised` therefore takes several, and the best on the validation photographs is reported.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from skimage.restoration import denoise_nl_means

from ..images import Images

Denoiser = Callable[[Images, float], Images]


def bm3d(x: Images, sigma_8bit: float) -> Images:
    """Return x, (1, 3, h, w), denoised by BM3D for colour images and white noise.

    The package ``bm3d`` is free for non-commercial use only, and therefore not installed unless asked for by the extra
    of that name.

    Source: K. Dabov et al., "Image denoising by sparse 3-D transform-domain collaborative filtering", TIP 2007; the
    paper's row BM3D+EDSR.

    Raises:
        ValueError: The package is not installed.
    """
    try:
        import bm3d as package
    except ImportError as error:
        raise ValueError(
            "BM3D needs the package bm3d, which is free for non-commercial use only. If that fits your use:"
            " pip install bm3d. The denoiser nlm needs nothing."
        ) from error
    pixels, sigma = _as_pixels(x), sigma_8bit / 255
    if (pixels == pixels[..., :1]).all():
        # Its colours are divided by their range, and a grey picture has none.
        return _as_images(np.repeat(package.bm3d(pixels[..., 0], sigma)[..., None], 3, axis=-1))
    return _as_images(package.bm3d_rgb(pixels, sigma))


def nonlocal_means(x: Images, sigma_8bit: float) -> Images:
    """Return x, (1, 3, h, w), denoised by non-local means as scikit-image has it, with the strength that it advises.

    Source: A. Buades et al., "A non-local algorithm for image denoising", CVPR 2005.
    """
    sigma = sigma_8bit / 255
    clean = denoise_nl_means(
        _as_pixels(x), patch_size=5, patch_distance=6, h=0.6 * sigma, sigma=sigma, fast_mode=False, channel_axis=-1
    )
    return _as_images(clean)


DENOISERS: dict[str, Denoiser] = {"bm3d": bm3d, "nlm": nonlocal_means}


def _as_pixels(x: Images) -> np.ndarray:
    return x[0].permute(1, 2, 0).double().cpu().numpy()


def _as_images(pixels: np.ndarray) -> Images:
    return torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1)[None].float().clamp(0, 1)
