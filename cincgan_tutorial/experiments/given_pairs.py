"""Score every system on pairs that somebody else made: the validation photographs of NTIRE 2018 track 2.

No degradation is applied here: x is given as a file. In that track it is shifted against its original by whole pixels
and more, so both are aligned before they are compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ..challenge import best_alignment
from ..div2k import Pair
from ..front_end import progress_bar
from ..images import Images, read_pixels, shave
from ..metrics import ssim
from ..protocols import scored
from ..unpaired import Photograph
from ..weights import Trained
from .evaluate import Row, check_unseen
from .systems import System, systems

# Public CinCGAN code searches shifts of about ten HR pixels on this track.
SEARCH = 10
_BORDER, _WINDOW = 4, 11


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
    score, (down, right) = best_alignment(result, z, SEARCH, _BORDER)
    moved = result[..., SEARCH + down : height - SEARCH + down, SEARCH + right : width - SEARCH + right]
    return score, ssim(moved, shave(z, SEARCH), _BORDER)


def evaluate_pairs(
    trained: Trained,
    pairs: Sequence[Pair],
    chosen: Mapping[str, System] | None = None,
    protocols: Sequence[str] = (),
) -> list[Row]:
    """Score systems on given pairs, one pair in memory at a time.

    Args:
        trained: The networks.
        pairs: Files of noisy LR photographs and of their HR originals.
        chosen: The systems; by default those of `systems.systems`.
        protocols: Names of further `protocols.PROTOCOLS` to score by, the challenge's own for one.

    Raises:
        ValueError: A photograph was used in training, or the sizes of a pair do not fit.
    """
    chosen = systems(trained) if chosen is None else chosen
    rows = [Row(name, {}, {}, {protocol: {} for protocol in protocols}) for name in chosen]
    with progress_bar(len(pairs), "evaluate") as bar:
        for pair in pairs:
            x, z = _opened(trained, pair)
            for row in rows:
                result = chosen[row.system](x)
                row.psnr[pair.name], row.ssim[pair.name] = at_best_shift(result, z)
                for protocol, value in scored(result, z, protocols).items():
                    row.protocols[protocol][pair.name] = value
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
