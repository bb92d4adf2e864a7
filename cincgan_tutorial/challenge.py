r"""Chapter 7, scoring a picture that may have moved: the search for its shift, and how the NTIRE 2018 challenge scored.

Images are compared as 8-bit levels. A sum over a window is then a whole number, and the Fourier transform, rounded,
gives the sums of all windows at once, the very same as a loop adds up one after the other.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from skimage.metrics import structural_similarity
from torch import Tensor

from .images import Images, crop_to_multiple, shave
from .metrics import SSIM_WINDOW, check_pair

# What the challenge's programme calls SCALE, 6 + SCALE, SIZE and SHIFT.
SCALE, CUT, HALF, MAX_SHIFT = 4, 10, 30, 40
SIDE = 2 * HALF


def smallest_side(max_shift: int = MAX_SHIFT) -> int:
    """Return the height and width in pixels that the challenge's scoring needs: a multiple of 4, as it cuts them."""
    return -(-2 * (CUT + HALF + max_shift) // SCALE) * SCALE


def best_alignment(
    result: Images, reference: Images, max_shift: int = 10, border: int = 4
) -> tuple[float, tuple[int, int]]:
    """Return the highest RGB PSNR in dB over whole-pixel shifts, and that shift (down, right).

    The same as `metrics.best_shift` with `metrics.psnr`, apart from the rounding of float32, in the time of a few
    transforms instead of one comparison for each of the ``(2 * max_shift + 1) ** 2`` shifts.

    Args:
        result: The image to be judged.
        reference: The truth, same shape.
        max_shift: Largest shift in HR pixels, each way.
        border: Further pixels cut from every side.

    Raises:
        ValueError: The images differ in shape, are not RGB, hold NaN, or are smaller than
            ``2 * (border + max_shift) + 1`` pixels.
    """
    check_pair(result, reference, 2 * (border + max_shift) + 1)
    moved, inner = levels(shave(result, border)), levels(shave(reference, border + max_shift))
    height, width = inner.shape[-2:]
    # The sum of (a - b)^2 = a^2 - 2ab + b^2 at each shift.
    errors = window_sums(moved.square(), height, width) - 2 * products(moved, inner) + inner.square().sum()
    # Of equal ones the last, as `best_shift` has it.
    down, right = (errors == errors.min()).nonzero()[-1].tolist()
    mean = errors.min() / inner.numel() / 255**2
    return float(-10 * mean.log10()), (down - max_shift, right - max_shift)


def challenge_psnr(result: Images, reference: Images, max_shift: int = MAX_SHIFT) -> float:
    r"""Return the challenge's PSNR in dB: of one patch, at its best shift, its brightness matched. {eq}`eq-challenge`.

    $$ \max_{i,j} -10\log_{10}\operatorname{mean}\big((\hat P_{ij} - P_0)^2\big), \quad
       \hat P_{ij} = P_{ij}\,\frac{\operatorname{mean} P_0}{\operatorname{mean} P_{ij}} $$

    Both images are cut to multiples of 4, then by 10 pixels on every side. $P_0$ is the central 60x60 RGB patch of the
    reference, $P_{ij}$ that of the result, moved by up to 40 whole pixels each way. Means run over pixels and channels.
    Every shift is scored by sums that are exact; the best, and all that come within rounding of it, are scored again by
    the programme's own arithmetic. So the score equals that of its 6561 loops to the last bit. For identical images
    rounding leaves more than 300 dB, or infinity. A black patch of the result stays black.

    Source: the scoring programme of the NTIRE 2018 challenge on single-image super-resolution, tracks 2 to 4, as three
    public repositories of participants keep it; Timofte et al., CVPRW 2018.

    Args:
        result: The image to be judged.
        reference: The truth, same shape.
        max_shift: Largest shift in HR pixels, each way.

    Raises:
        ValueError: The images differ in shape, are not RGB, hold NaN, or are too small (160 pixels each way are
            needed), or the reference is black in its centre.
    """
    area, patch = _area_and_patch(result, reference, max_shift)
    if not patch.any():
        raise ValueError(
            "the centre of the reference is black: no brightness to match. Score this one by another protocol."
        )
    sums = window_sums(area, SIDE, SIDE)
    gain = torch.where(sums > 0, patch.sum() / sums, 1.0)
    power = patch.square().sum()
    errors = gain**2 * window_sums(area.square(), SIDE, SIDE) - 2 * gain * products(area, patch) + power
    # Far more than float64 loses in the line above, far less than what two shifts differ by in a photograph.
    close = errors <= errors.min() + 1e-9 * power
    area_pixels, patch_pixels = channels_last_levels(area), channels_last_levels(patch)
    return max(
        _matched_psnr(area_pixels[i : i + SIDE, j : j + SIDE], patch_pixels) for i, j in close.nonzero().tolist()
    )


def _matched_psnr(patch: np.ndarray, reference: np.ndarray) -> float:
    """Return the PSNR of one patch with its brightness matched, in the programme's order of operations."""
    mean = patch.mean()
    matched = patch / mean * reference.mean() if mean > 0 else patch
    error = np.mean(np.square(matched / 255.0 - reference / 255.0))
    with np.errstate(divide="ignore"):
        return float(10 * np.log10(1.0 / error))


def challenge_ssim(result: Images, reference: Images, max_shift: int = MAX_SHIFT) -> float:
    """Return the challenge's SSIM, 0 to 1: of the patches of `challenge_psnr`, at the best even shift.

    Only even shifts each way are tried, brightness is not matched, and the mean over the channels is never below 0,
    because the programme's table of scores begins with zeros. PSNR and SSIM may choose different shifts. The window is
    that of today's scikit-image, 11 pixels; in 2018 it had 13, the outer two of weight 0.0001.

    Source: as `challenge_psnr`; arguments and errors as there.
    """
    area, patch = _area_and_patch(result, reference, max_shift)
    first = max_shift % 2  # the first even shift in the area, which begins at -max_shift
    scores = _ssim_of_windows(area[:, first:, first:], patch)
    area_pixels, patch_pixels = (channels_last_levels(a).astype(np.uint8) for a in (area, patch))
    exact = []
    for i, j in (2 * (scores >= scores.max() - 1e-9).nonzero() + first).tolist():
        window = area_pixels[i : i + SIDE, j : j + SIDE]
        channels = [
            structural_similarity(
                window[..., c], patch_pixels[..., c], gaussian_weights=True, use_sample_covariance=False
            )
            for c in range(3)
        ]
        exact.append(float(np.mean(channels)))
    return max(0.0, *exact)


def _ssim_of_windows(area: Tensor, patch: Tensor) -> Tensor:
    """Return the mean SSIM of every second window of the area, each way, with the patch; the filters as matrices."""
    c_1, c_2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    inner = SIDE - SSIM_WINDOW + 1

    def smooth(image: Tensor) -> Tensor:
        rows, columns = (_gaussian_window(side) for side in image.shape[-2:])
        return rows @ image @ columns.mT

    def windows(image: Tensor, side: int) -> Tensor:
        return image.unfold(1, side, 2).unfold(2, side, 2)

    mean_b = smooth(patch)[:, None]
    square_b = smooth(patch.square())[:, None]
    scores = []
    # One row of windows at a time: all at once would need a gigabyte.
    for window, mean_a, square_a in zip(
        windows(area, SIDE).unbind(1),
        windows(smooth(area), inner).unbind(1),
        windows(smooth(area.square()), inner).unbind(1),
        strict=True,
    ):
        product = smooth(window * patch[:, None])
        luminance = (2 * mean_a * mean_b + c_1) / (mean_a**2 + mean_b**2 + c_1)
        contrast = (2 * (product - mean_a * mean_b) + c_2) / (square_a - mean_a**2 + square_b - mean_b**2 + c_2)
        scores.append((luminance * contrast).mean((0, 2, 3)))
    return torch.stack(scores)


def _gaussian_window(side: int) -> Tensor:
    """Return the matrix, (side - 10, side), that slides SSIM's Gaussian window along a column."""
    taps = torch.exp(-0.5 * (torch.arange(SSIM_WINDOW, dtype=torch.float64) - SSIM_WINDOW // 2).square() / 1.5**2)
    rows = side - SSIM_WINDOW + 1
    matrix = torch.zeros(rows, side, dtype=torch.float64)
    for offset, weight in enumerate((taps / taps.sum()).tolist()):
        matrix.diagonal(offset).fill_(weight)
    return matrix


def _area_and_patch(result: Images, reference: Images, max_shift: int) -> tuple[Tensor, Tensor]:
    """Return what the challenge looks at: the centre of the result, (3, 60 + 2m, 60 + 2m), and P_0, (3, 60, 60)."""
    check_pair(result, reference, smallest_side(max_shift))
    height, width = crop_to_multiple(result, SCALE).shape[-2:]
    top, left = height // 2 - HALF - max_shift, width // 2 - HALF - max_shift
    side = SIDE + 2 * max_shift
    area, centre = (levels(image[..., top : top + side, left : left + side]) for image in (result, reference))
    return area, shave(centre, max_shift)


def levels(image: Images) -> Tensor:
    """Return an image, (1, 3, h, w) in [0, 1], as the whole numbers of its 8-bit file, (3, h, w), in float64.

    Raises:
        ValueError: A value is not a number.
    """
    whole = (image[0].detach().cpu().float().clamp(0, 1) * 255).round().double()
    if whole.isnan().any():
        raise ValueError("expected numbers in [0, 1], got NaN: the network that made this image diverged.")
    return whole


def channels_last_levels(image: Tensor) -> np.ndarray:
    """Return levels, (3, h, w), with the channels last, as a file has them."""
    return np.ascontiguousarray(image.permute(1, 2, 0).numpy())


def window_sums(values: Tensor, height: int, width: int) -> Tensor:
    """Return the sum of ``values``, (3, h, w), over each window of height x width, (h - height + 1, w - width + 1)."""
    total = F.pad(values.sum(0).cumsum(0).cumsum(1), (1, 0, 1, 0))
    lower = total[height:, width:] - total[height:, :-width]
    return lower - total[:-height, width:] + total[:-height, :-width]


def products(area: Tensor, patch: Tensor) -> Tensor:
    """Return the sum of area times patch with the patch at each place in the area; both whole numbers, (3, h, w).

    The transform errs by about 1e-15 of the largest possible sum: far less than a half for any photograph, so that
    rounding makes the sums exact.
    """
    size = area.shape[-2:]
    rows, columns = (of_area - of_patch + 1 for of_area, of_patch in zip(size, patch.shape[-2:], strict=True))
    spectrum = torch.fft.rfft2(area) * torch.fft.rfft2(patch, s=size).conj()
    return torch.fft.irfft2(spectrum.sum(0), s=size)[:rows, :columns].round()
