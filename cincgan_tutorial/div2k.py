"""Chapter 2, the paper's data: DIV2K in its official folders, and the split by number.

    DIV2K_train_LR_mild/0001x4m.png ... 0800x4m.png    noisy LR of NTIRE 2018 track 2: 0001 to 0400 are X
    DIV2K_train_HR/0001.png ... 0800.png               HR: 0401 to 0800 are Z, and Y is made from them
    DIV2K_valid_LR_mild/0801x4m.png ... 0900x4m.png    with
    DIV2K_valid_HR/0801.png ... 0900.png               pairs for measuring, seen by no network

X and Z show different scenes because their numbers differ. Photographs of these folders with other numbers, such as the
HR originals of X, are not even opened.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .decoded import Decoded
from .front_end import progress_bar
from .images import list_images
from .unpaired import Photograph, Photographs

SOURCE = "DIV2K track 2"


@dataclass(frozen=True)
class Part:
    """A range of the numbers of one official folder."""

    folder: str
    numbers: range
    suffix: str = ".png"

    def name(self, number: int) -> str:
        """Return the official name of a photograph."""
        return f"{number:04d}{self.suffix}"


X = Part("DIV2K_train_LR_mild", range(1, 401), "x4m.png")
Z = Part("DIV2K_train_HR", range(401, 801))
VALID_LR = Part("DIV2K_valid_LR_mild", range(801, 901), "x4m.png")
VALID_HR = Part("DIV2K_valid_HR", range(801, 901))


@dataclass(frozen=True)
class Pair:
    """A noisy LR photograph and its HR original, of which no network saw either."""

    name: str
    lr: Path
    hr: Path


def is_official(folder: str | os.PathLike[str]) -> bool:
    """Return whether a folder holds DIV2K folders under their official names."""
    return any((Path(folder) / part.folder).is_dir() for part in (X, Z, VALID_LR, VALID_HR))


def track2(folder: str | os.PathLike[str]) -> Photographs:
    """Load the paper's split: X are the noisy LR images 1 to 400 as they are, Z the HR images 401 to 800.

    The first time, PNG files are decoded into a cache, 3.5 GB for the real ones; see `decoded`.

    Raises:
        ValueError: A photograph is missing, there twice under any name, or damaged; the first two are listed.
    """
    folder = Path(folder).resolve()
    found = _found(folder, (X, Z), "download div2k-track2")
    decoded = Decoded(folder)
    with progress_bar(sum(map(len, found)), "reading DIV2K") as bar:

        def read(path: Path) -> Photograph:
            bar.update()
            return Photograph(path.relative_to(folder).as_posix(), *decoded(path))

        x, z = (tuple(map(read, paths)) for paths in found)
    for part in (x, z):
        _refuse_doubled(part, folder)
    return Photographs(SOURCE, x, z, path=str(folder), x_is_lr=True)


def track2_pairs(folder: str | os.PathLike[str]) -> list[Pair]:
    """Return the 100 validation pairs, 801 to 900, in their order; `ValueError` lists those that are missing."""
    folder = Path(folder).resolve()
    small, large = _found(folder, (VALID_LR, VALID_HR), "download div2k-valid")
    return [Pair(hr.stem, lr, hr) for lr, hr in zip(small, large, strict=True)]


def _found(folder: Path, parts: Sequence[Part], remedy: str) -> list[list[Path]]:
    """Return the files of each part in the order of their numbers, or list all that is wrong with them."""
    present = [_numbered(folder / part.folder) for part in parts]
    faults = [fault for part, files in zip(parts, present, strict=True) for fault in _faults(part, files)]
    if faults:
        raise ValueError(
            f"{folder}: not the official DIV2K. {' '.join(faults)} Mend these, or move the folders away and use:"
            f" cincgan {remedy}"
        )
    return [[files[number][0] for number in part.numbers] for part, files in zip(parts, present, strict=True)]


def _numbered(folder: Path) -> dict[int, list[Path]]:
    """Return all images of a folder whose names begin with a number of four digits, by that number."""
    found: dict[int, list[Path]] = {}
    for path in list_images(folder) if folder.is_dir() and any(folder.iterdir()) else []:
        match = re.match(r"(\d{4})(?!\d)", path.name)
        if match:
            found.setdefault(int(match[1]), []).append(path)
    return found


def _faults(part: Part, files: dict[int, list[Path]]) -> list[str]:
    faults = []
    missing = [number for number in part.numbers if part.name(number) not in {p.name for p in files.get(number, [])}]
    if missing:
        faults.append(f"{part.folder} lacks {len(missing)} of {len(part.numbers)} ({runs(missing)}).")
    doubled = [number for number in part.numbers if len(files.get(number, [])) > 1]
    if doubled:
        names = ", ".join(path.name for path in files[doubled[0]])
        faults.append(f"{part.folder} has {runs(doubled)} more than once ({names}).")
    return faults


def _refuse_doubled(photographs: Iterable[Photograph], folder: Path) -> None:
    seen: dict[str, str] = {}
    for photograph in photographs:
        other = seen.setdefault(photograph.sha256, photograph.name)
        if other != photograph.name:
            raise ValueError(f"{folder}: {other} and {photograph.name} are the same photograph. Fetch them again.")


def runs(numbers: Sequence[int]) -> str:
    """Write ascending numbers for people: 1, 2, 3, 7 as ``0001-0003, 0007``."""
    spans = []
    for _, run in itertools.groupby(enumerate(numbers), lambda pair: pair[1] - pair[0]):
        members = [number for _, number in run]
        spans.append(f"{members[0]:04d}" + (f"-{members[-1]:04d}" if len(members) > 1 else ""))
    return ", ".join(spans[:8]) + (f" and {len(spans) - 8} more" if len(spans) > 8 else "")
