"""HR photographs without their own reductions: benchmark sets keep both in one folder tree, under the same name.

Whoever names such a folder means the HR photographs. Scores would be means over both, and of a photograph in X the
reduction could be in Y. Names and sizes tell them apart: ``HR/baby.png`` of 512x512, ``LR_bicubic_x4/baby.png`` of
128x128; ``0001.png``, ``0001x4m.png``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from .images import list_images
from .pictures import size_of

_FACTORS = (2, 3, 4, 8)
# What official reductions have behind the name of the original: x4 bicubic, x4m mild, x4d difficult, x4w1 wild.
_SUFFIX = re.compile(r"(?<=.)[_-]?x[2348]([md]|w\d?)?$", re.IGNORECASE)


def hr_images(folder: str | os.PathLike[str]) -> list[Path]:
    """Return the image files below a folder of HR photographs, as `images.list_images` does.

    Raises:
        ValueError: ``folder`` is no folder, holds no image, or holds photographs and their reductions.
    """
    paths = list_images(folder)
    refuse_reductions(folder, paths)
    return paths


def refuse_reductions(folder: str | os.PathLike[str], paths: Iterable[Path]) -> None:
    """Raise `ValueError` where one picture is another's reduction, by its name and size.

    The headers of those that share a name are read, no pixels. A picture whose header can't be read is left to those
    who decode it.
    """
    named: dict[str, list[Path]] = {}
    for path in paths:
        named.setdefault(_SUFFIX.sub("", path.stem).casefold(), []).append(path)
    found = [pair for same in named.values() if len(same) > 1 for pair in _reductions(same)]
    if found:
        small, large = (f"{os.path.relpath(path, folder)} ({w}x{h})" for path, (h, w) in found[0])
        raise ValueError(
            f"{folder}: {len(found)} of its pictures are by name and size reductions of others, the first is {small},"
            f" a reduction of {large}. Give the folder that holds only the HR photographs. If they show different"
            " scenes, rename one of them."
        )


Sized = tuple[Path, tuple[int, int]]


def _reductions(paths: Iterable[Path]) -> Iterator[tuple[Sized, Sized]]:
    """Yield each picture that is smaller than another by one of the factors, with that one."""
    sizes = {path: size for path in paths if (size := size_of(path)) is not None}
    different = {size: path for path, size in reversed(sizes.items())}
    for path, size in sizes.items():
        for larger, original in different.items():
            if _is_reduced(size, larger):
                yield (path, size), (original, larger)
                break


def _is_reduced(small: tuple[int, int], large: tuple[int, int]) -> bool:
    """Whether both sides are those of ``large`` divided by one factor, rounded up or down."""
    # In order of length: the header does not know of a turn that a camera noted in EXIF.
    pairs = list(zip(sorted(small), sorted(large), strict=True))
    return small != large and any(all(s in (side // k, -(-side // k)) for s, side in pairs) for k in _FACTORS)
