"""Score every system on pairs that somebody else made: the validation photographs of NTIRE 2018 track 2.

No degradation is applied here: x is given as a file. In that track it is shifted against its original by whole pixels
and more, so both are aligned before they are compared.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch

from ..div2k import Pair
from ..front_end import progress_bar
from ..images import Images, quantise, read_pixels, shave
from ..metrics import psnr, ssim
from ..unpaired import Photograph
from ..weights import Trained
from .evaluate import Row, check_unseen
from .systems import System, systems

# Public CinCGAN code searches shifts of about ten HR pixels on this track.
SEARCH = 10
# The shift is looked for in the middle of the picture: hundreds of candidates on all of it would take minutes.
_MIDDLE = 128
_BORDER, _WINDOW = 4, 11

PairScore = Callable[[Images, Images], tuple[float, float]]


def at_best_shift(result: Images, z: Images) -> tuple[float, float]:
    """Return PSNR in dB and SSIM, RGB, 4 pixels of border removed, at the whole-pixel shift where PSNR is highest.

    Args:
        result: The image to be judged, (1, 3, h, w).
        z: The truth, same shape; both sides at least 39 pixels.
    """
    height, width = z.shape[-2:]
    smallest = 2 * (SEARCH + _BORDER) + _WINDOW
    if min(height, width) < smallest:
        raise ValueError(f"{width}x{height} is too small to be aligned and scored; {smallest} pixels are needed.")
    down, right = _shift(result, z)
    moved = result[..., SEARCH + down : height - SEARCH + down, SEARCH + right : width - SEARCH + right]
    inner = shave(z, SEARCH)
    return psnr(moved, inner, _BORDER), ssim(moved, inner, _BORDER)


def _shift(result: Images, z: Images) -> tuple[int, int]:
    """Return the shift (down, right) of up to `SEARCH` pixels at which the middle of the picture differs least."""
    height, width = z.shape[-2:]
    side = min(height, width, _MIDDLE + 2 * SEARCH)
    top, left = (height - side) // 2, (width - side) // 2
    a, b = (quantise(image)[0, :, top : top + side, left : left + side] for image in (result, z))
    inner = shave(b, SEARCH)
    windows = a.unfold(1, inner.shape[1], 1).unfold(2, inner.shape[2], 1)  # a view: (3, down, right, h, w)
    # A row of shifts at a time, or large photographs would need all of them in memory.
    errors = torch.stack([(row - inner[:, None]).square().mean((0, 2, 3)) for row in windows.unbind(1)])
    down, right = divmod(int(errors.argmin()), errors.shape[1])
    return down - SEARCH, right - SEARCH


def evaluate_pairs(
    trained: Trained,
    pairs: Sequence[Pair],
    chosen: Mapping[str, System] | None = None,
    score: PairScore = at_best_shift,
) -> list[Row]:
    """Score systems on given pairs, one pair in memory at a time.

    Args:
        trained: The networks.
        pairs: Files of noisy LR photographs and of their HR originals.
        chosen: The systems; by default those of `systems.systems`.
        score: Compares a result with its truth: PSNR and SSIM. Another protocol goes here.

    Raises:
        ValueError: A photograph was used in training, or the sizes of a pair do not fit.
    """
    chosen = systems(trained) if chosen is None else chosen
    rows = [Row(name, {}, {}) for name in chosen]
    with progress_bar(len(pairs), "evaluate") as bar:
        for pair in pairs:
            x, z = _opened(trained, pair)
            for row in rows:
                row.psnr[pair.name], row.ssim[pair.name] = score(chosen[row.system](x), z)
            bar.update()
    return rows


def _opened(trained: Trained, pair: Pair) -> tuple[Images, Images]:
    """Read a pair as images; of z, what lies beyond the last whole LR pixel is cut off."""
    lr, hr = (Photograph(path.name, read_pixels(path)) for path in (pair.lr, pair.hr))
    check_unseen(trained, [lr, hr])
    scale = trained.preset.scale
    z = hr.cropped(scale).image
    expected = tuple(scale * side for side in lr.pixels.shape[:2])
    if z.shape[-2:] != expected:
        raise ValueError(
            f"{_sizes(pair.lr, lr)} and {_sizes(pair.hr, hr)}: not a pair, expected an HR photograph of"
            f" {expected[1]}x{expected[0]} for x{scale}."
        )
    return lr.image, z


def _sizes(path: Path, photograph: Photograph) -> str:
    return f"{path} ({photograph.pixels.shape[1]}x{photograph.pixels.shape[0]})"
