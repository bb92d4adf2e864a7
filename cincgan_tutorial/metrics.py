r"""Chapter 7, how a result is scored: range, border, colour and shift, on which papers silently disagree, are explicit.

Every function takes one image as a batch of one, (1, 3, h, w) in [0, 1], and compares it as it would be saved: rounded
to 8 bits.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from skimage.metrics import structural_similarity

from .images import Images, luma, quantise, shave

Score = Callable[[Images, Images], float]

SSIM_WINDOW = 11


def psnr(result: Images, reference: Images, border: int = 4, luma_only: bool = False) -> float:
    r"""Return the peak signal-to-noise ratio in dB. {eq}`eq-psnr`.

    $$ \mathrm{PSNR} = -10 \log_{10} \operatorname{mean}\big((\tilde z - z)^2\big) $$

    The mean runs over all pixels and channels at once. Identical images give infinity.

    Args:
        result: The image to be judged.
        reference: The truth, same shape.
        border: Pixels cut from every side; 4 at x4 is the usual choice.
        luma_only: Compare BT.601 luma instead of RGB (1 to 2 dB higher on photographs).
    """
    a, b = prepared(result, reference, border, luma_only)
    return float(-10 * torch.log10((a - b).double().square().mean()))


def ssim(result: Images, reference: Images, border: int = 4, luma_only: bool = False) -> float:
    r"""Return the structural similarity, 1 for identical images; arguments as in `psnr`.

    As Wang et al. (2004) define it: Gaussian window of 11 pixels with sigma 1.5, population covariance, mean over
    channels. Computed by scikit-image.
    """
    a, b = prepared(result, reference, border, luma_only, smallest=SSIM_WINDOW + 2 * border)
    value = structural_similarity(
        channels_last(a),
        channels_last(b),
        channel_axis=2,
        data_range=1.0,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    return float(value)


def best_shift(
    score: Score, result: Images, reference: Images, max_shift: int, border: int = 4
) -> tuple[float, tuple[int, int]]:
    """Return the highest score over all whole-pixel shifts up to ``max_shift``, and that shift (down, right).

    For degradations that move the picture: without alignment a shift by two pixels costs more than any network gains.
    Every candidate is scored on the same number of pixels: the reference without ``border + max_shift`` pixels on each
    side.

    Args:
        score: Compares two images of equal size; called with the border already removed.
        result: The image to be judged.
        reference: The truth, same shape.
        max_shift: Largest shift in HR pixels, each way.
        border: Further pixels cut from every side.
    """
    inner = shave(quantise(reference), border + max_shift)
    height, width = inner.shape[-2:]
    candidates = []
    for down in range(-max_shift, max_shift + 1):
        for right in range(-max_shift, max_shift + 1):
            top, left = border + max_shift + down, border + max_shift + right
            moved = result[..., top : top + height, left : left + width]
            candidates.append((score(moved, inner), (down, right)))
    return max(candidates)


def check_pair(result: Images, reference: Images, smallest: int = 1) -> None:
    """Raise `ValueError` unless both are floating-point images of one shape (1, 3, h, w) and large enough to be scored.

    Args:
        result: The image to be judged.
        reference: The truth.
        smallest: Height and width that the score needs, in pixels.
    """
    if result.shape != reference.shape or result.ndim != 4 or result.shape[:2] != (1, 3):
        raise ValueError(
            f"expected two images of one shape (1, 3, h, w), got {tuple(result.shape)} and {tuple(reference.shape)}."
        )
    if not (result.is_floating_point() and reference.is_floating_point()):
        raise ValueError(
            f"expected floating point in [0, 1], got {result.dtype} and {reference.dtype}. Divide 8-bit pixels by 255."
        )
    height, width = result.shape[-2:]
    if min(height, width) < smallest:
        raise ValueError(f"{width}x{height} is too small for this score: {smallest} pixels each way are needed.")


def prepared(
    result: Images, reference: Images, border: int, luma_only: bool = False, smallest: int = 1
) -> tuple[Images, Images]:
    """Return both images as they are compared: checked, without the border, rounded to 8 bits, float32 in [0, 1]."""
    check_pair(result, reference, max(smallest, 2 * border + 1))
    a, b = (quantise(shave(image.float(), border)) for image in (result, reference))
    return (luma(a), luma(b)) if luma_only else (a, b)


def channels_last(image: Images) -> np.ndarray:
    """Return a batch of one, (1, c, h, w), as scikit-image has it: (h, w, c), float64."""
    return image[0].permute(1, 2, 0).double().cpu().numpy()
