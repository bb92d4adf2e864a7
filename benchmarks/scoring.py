"""The challenge's scoring against the plain loop over its 6561 shifts, on an image of DIV2K's size."""

from __future__ import annotations

import numpy as np
import torch

from cincgan_tutorial.images import Images, to_pixels

SIZE = (1356, 2040)


def pictures() -> tuple[Images, Images]:
    """Return a result and its reference, (1, 3, 1356, 2040): noise, moved and darkened."""
    reference = torch.rand(1, 3, *SIZE, generator=torch.Generator().manual_seed(0))
    return 0.9 * reference.roll((3, -5), (-2, -1)), reference


def plain_challenge(result: Images, reference: Images, max_shift: int = 40) -> float:
    """Return the challenge's PSNR in dB, one shift after the other."""
    original, output = (to_pixels(image[0]) for image in (reference, result))
    height, width = (side - side % 4 for side in original.shape[:2])
    original, output = (pixels[:height, :width][10:-10, 10:-10] for pixels in (original, output))
    row, column = (side // 2 - 30 for side in original.shape[:2])
    patch = original[row : row + 60, column : column + 60]
    scores = []
    for i in range(-max_shift, max_shift + 1):
        for j in range(-max_shift, max_shift + 1):
            moved = output[row + i : row + i + 60, column + j : column + j + 60]
            matched = moved / np.mean(moved) * np.mean(patch)
            scores.append(10 * np.log10(1.0 / np.mean(np.square(matched / 255.0 - patch / 255.0))))
    return float(max(scores))
