r"""Chapter 2, unpaired training: who is in X, who is in Y and Z, and how a patch is drawn.

The photographs are cut into two disjoint halves. One is degraded and gives X; the HR pixels behind it are then out of
reach. The other gives Z, and Y is Z reduced by bicubic interpolation. So y and z are a pair, and x belongs to neither:
section 4.1 of the paper, which takes LR 1-400 and HR 401-800 of DIV2K.
"""

from __future__ import annotations

import copy
import csv
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from .degradation import BICUBIC, Degradation
from .images import Images, content_hash, from_levels, from_pixels, list_images, read_pixels, to_pixels
from .reductions import hr_images, refuse_reductions
from .seeds import below, draws, torch_generator

# The fixed streams of draws: no two of them share a number.
_DEGRADE, _PATCH_X, _PATCH_YZ = range(3)


@dataclass(frozen=True)
class Photograph:
    """One photograph: its name, 8-bit pixels (h, w, 3) and the hash of its content."""

    name: str
    pixels: np.ndarray = field(repr=False)
    sha256: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if not self.sha256:
            object.__setattr__(self, "sha256", content_hash(self.pixels))

    @property
    def image(self) -> Images:
        """The photograph as a batch of one, (1, 3, h, w) in [0, 1]."""
        return from_pixels(self.pixels)[None]

    @property
    def levels(self) -> Tensor:
        """The photograph as 8-bit levels, (3, h, w), uint8, without a copy where its pixels can be shared."""
        pixels = self.pixels if self.pixels.flags.writeable else self.pixels.copy()
        return torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1)

    def cropped(self, multiple: int) -> Photograph:
        """Return it cut to multiples of ``multiple``; the hash stays that of the whole photograph."""
        height, width = self.pixels.shape[:2]
        cut = self.pixels[: height - height % multiple, : width - width % multiple]
        return Photograph(self.name, cut, self.sha256)


@dataclass(frozen=True)
class Photographs:
    """A set of photographs, split: ``x`` will be degraded, ``yz`` stay clean, ``held_out`` are for measuring only.

    Attributes:
        source: What tables call the set.
        x: The half that is degraded, or what a camera took at low resolution, see ``x_is_lr``.
        yz: The half that stays clean.
        held_out: Seen by no network.
        path: The folder it was read from, absolute, or "bundled": where `training.resume` finds it again.
        x_is_lr: Whether ``x`` are LR images already, noisy as they came: the real case. No degradation touches them.
        lr_path: The folder that ``x`` was read from where it is not ``path``, absolute.

    Raises:
        ValueError: A photograph stands in two of the three parts, or ``x`` or ``yz`` is empty.
    """

    source: str
    x: tuple[Photograph, ...]
    yz: tuple[Photograph, ...]
    held_out: tuple[Photograph, ...] = ()
    path: str = "bundled"
    x_is_lr: bool = False
    lr_path: str = ""

    def __post_init__(self) -> None:
        seen: dict[str, tuple[str, str]] = {}
        for part, photographs in (("X", self.x), ("Y/Z", self.yz), ("held out", self.held_out)):
            for photograph in photographs:
                other = seen.setdefault(photograph.sha256, (part, photograph.name))
                if other[0] != part:
                    raise ValueError(
                        f"{self.source}: the same photograph is in {other[0]} as {other[1]!r} and in {part} as"
                        f" {photograph.name!r}. Unpaired training needs disjoint parts: remove one of them."
                    )
        for part, photographs in (("X", self.x), ("Y/Z", self.yz)):
            if not photographs:
                raise ValueError(
                    f"{self.source}: no photograph for {part}. Give at least one for X and one for Y and Z."
                )


# Split by scene, once and for all. The two for measuring are a face and an animal's fur. Y and Z get the wider range of
# colours, bright and dark: identity holds only those colours that Y has.
_BUNDLED_X = ("flower", "motorcycle")
_BUNDLED_YZ = ("china", "coffee", "rocket")
_BUNDLED_HELD_OUT = ("astronaut", "chelsea")


def bundled_names() -> tuple[str, ...]:
    """Return the names of the seven photographs that ship inside scikit-image and scikit-learn."""
    return _BUNDLED_X + _BUNDLED_YZ + _BUNDLED_HELD_OUT


def bundled_photograph(name: str) -> Photograph:
    """Load one of `bundled_names` from the wheels of scikit-image or scikit-learn; nothing is downloaded."""
    if name not in bundled_names():
        raise ValueError(f"no bundled photograph {name!r}; there are {', '.join(bundled_names())}.")
    if name in ("china", "flower"):
        import sklearn.datasets

        pixels = sklearn.datasets.load_sample_image(f"{name}.jpg")
    else:
        import skimage

        # Read as a file: skimage.data would look for some of these on the network.
        suffix = {"motorcycle": "_left.png", "rocket": ".jpg"}.get(name, ".png")
        pixels = read_pixels(Path(skimage.__file__).parent / "data" / f"{name}{suffix}")
    return Photograph(name, np.ascontiguousarray(pixels))


def bundled_photographs() -> Photographs:
    """Return the bundled photographs in their fixed split: two for X, three for Y and Z, two held out."""

    def load(names: Iterable[str]) -> tuple[Photograph, ...]:
        return tuple(bundled_photograph(name) for name in names)

    return Photographs("bundled", load(_BUNDLED_X), load(_BUNDLED_YZ), load(_BUNDLED_HELD_OUT))


def folder_of_photographs(folder: str | os.PathLike[str]) -> Photographs:
    """Load every image below ``folder`` and split it in two halves.

    A ``split.csv`` in the folder decides, where there is one: column ``file`` is a path in the folder, ``half`` is A
    (X) or B (Y and Z). Otherwise the photographs are put in the order of their content hashes and cut in the middle:
    renaming or copying files changes nothing.

    Raises:
        ValueError: No images, fewer than two, a damaged file, a photograph in both halves or beside its own reduction,
            or a ``split.csv`` that does not fit.
    """
    folder = Path(folder).resolve()
    table = folder / "split.csv"
    photographs = read_photographs(folder, hr=not table.exists())
    halves = _split_by_table(table, photographs) if table.exists() else _split_by_hash(photographs, folder)
    return Photographs(folder.name, *halves, path=str(folder.resolve()))


def lr_and_hr_folders(lr: str | os.PathLike[str], hr: str | os.PathLike[str]) -> Photographs:
    """Load X from one folder, LR images as a camera took them, and Z from another: the real unpaired case.

    Every different photograph of a folder counts once, in the order of the content hashes.

    Raises:
        ValueError: No images, a damaged file, a photograph that is in both folders, or one in ``hr`` beside its own
            reduction.
    """
    lr, hr = Path(lr).resolve(), Path(hr).resolve()
    x, yz = (tuple(_by_hash(photographs)) for photographs in (read_photographs(lr), read_photographs(hr, hr=True)))
    return Photographs(f"{lr.name} and {hr.name}", x, yz, path=str(hr), x_is_lr=True, lr_path=str(lr))


def read_photographs(folder: Path, hr: bool = False) -> list[Photograph]:
    """Read every image below a folder, in the order of their names; of HR ones, none may be reduced: `hr_images`."""
    paths = hr_images(folder) if hr else list_images(folder)
    return [Photograph(path.relative_to(folder).as_posix(), read_pixels(path)) for path in paths]


def _by_hash(photographs: Sequence[Photograph]) -> list[Photograph]:
    """Return the different ones in the order of their content hashes; of equal ones the first has its name."""
    unique = {photograph.sha256: photograph for photograph in reversed(photographs)}
    return [unique[key] for key in sorted(unique)]


def _split_by_hash(
    photographs: Sequence[Photograph], folder: Path
) -> tuple[tuple[Photograph, ...], tuple[Photograph, ...]]:
    ordered = _by_hash(photographs)
    if len(ordered) < 2:
        raise ValueError(f"{folder}: {len(ordered)} different photograph; unpaired training needs at least two.")
    middle = len(ordered) // 2
    return tuple(ordered[:middle]), tuple(ordered[middle:])


def _split_by_table(
    table: Path, photographs: Sequence[Photograph]
) -> tuple[tuple[Photograph, ...], tuple[Photograph, ...]]:
    try:
        with table.open(newline="", encoding="utf-8-sig") as lines:
            rows = list(csv.DictReader(lines))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{table}: not a readable table ({error}). Save it as CSV in UTF-8.") from error
    if not rows or not {"file", "half"} <= set(rows[0]):
        raise ValueError(
            f"{table}: expected the columns 'file' and 'half', got {list(rows[0]) if rows else 'nothing'}."
        )
    half_of: dict[str, str] = {}
    for number, row in enumerate(rows, start=2):
        if not row["file"]:
            raise ValueError(f"{table}, line {number}: no file is named.")
        if row["half"] not in ("A", "B"):
            raise ValueError(f"{table}, line {number}: half is {row['half']!r}; expected A (for X) or B (for Y and Z).")
        if half_of.setdefault(row["file"], row["half"]) != row["half"]:
            raise ValueError(f"{table}, line {number}: {row['file']!r} is in both halves.")
    known = {photograph.name for photograph in photographs}
    missing = sorted(set(half_of) - known)
    if missing:
        raise ValueError(f"{table}: names {len(missing)} file(s) that are not there, the first is {missing[0]!r}.")
    # Images that the table does not list are left out: it says what belongs to the set.
    refuse_reductions(table.parent, (table.parent / name for name in half_of))
    x, yz = ([p for p in photographs if half_of.get(p.name) == half] for half in "AB")
    return tuple(x), tuple(yz)


@dataclass(frozen=True)
class Places:
    """Where to cut patches and how to turn them: one number of each kind per sample, (n,).

    A patch is first turned upside down and mirrored, or not, and then perhaps transposed: these are the eight
    symmetries of the square.
    """

    photograph: Tensor
    top: Tensor
    left: Tensor
    upside_down: Tensor
    mirrored: Tensor
    transposed: Tensor

    def enlarged(self, scale: int) -> Places:
        """Return the same places in photographs that are ``scale`` times as large."""
        return replace(self, top=self.top * scale, left=self.left * scale)


class Levels:
    """Photographs of different sizes as 8-bit levels, one after the other in a single piece of memory.

    So all patches of a batch are cut by one look-up, with no loop over photographs, and on a GPU without the host
    having to wait. ``levels[i]`` is photograph i, (3, h, w), uint8.
    """

    def __init__(self, photographs: Sequence[Tensor]) -> None:
        self._sizes = [(levels.shape[1], levels.shape[2]) for levels in photographs]
        # Pixel by pixel with the channels together, the layout that convolutions are fastest with.
        self._pixels = torch.cat([levels.permute(1, 2, 0).reshape(-1, 3) for levels in photographs])
        self.heights, self.widths = torch.tensor(self._sizes).unbind(1)
        areas = self.heights * self.widths
        self._starts = areas.cumsum(0) - areas

    def __len__(self) -> int:
        return len(self._sizes)

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, i: int) -> Tensor:
        height, width = self._sizes[i]
        before = sum(h * w for h, w in self._sizes[: i % len(self)])
        return self._pixels[before : before + height * width].view(height, width, 3).permute(2, 0, 1)

    def to(self, device: torch.device) -> Levels:
        """Return the same photographs in the memory of ``device``."""
        moved = copy.copy(self)
        for name in ("_pixels", "heights", "widths", "_starts"):
            setattr(moved, name, getattr(self, name).to(device))
        return moved

    def places(self, samples: Tensor, side: int, seed: int, *stream: int) -> Places:
        """Draw a place for each sample, a function of (seed, stream, sample number): (n,) -> n places."""
        photograph, top, left, turn = draws(samples, 4, seed, *stream)
        photograph, turn = below(len(self), photograph), below(8, turn)
        top = below(self.heights[photograph] - side + 1, top)
        left = below(self.widths[photograph] - side + 1, left)
        return Places(photograph, top, left, turn & 1, turn >> 1 & 1, turn >> 2)

    def cut(self, places: Places, side: int) -> Tensor:
        """Cut squares of ``side`` pixels, (n, 3, side, side), uint8, all at once.

        Pixel (i, j) of a patch lies ``corner + i down + j right`` pixels into the memory. To turn a patch is to begin
        at another corner and walk the other way.
        """
        width = self.widths[places.photograph]
        corner = self._starts[places.photograph] + places.top * width + places.left
        corner = corner + (side - 1) * (places.upside_down * width + places.mirrored)
        down, right = width * (1 - 2 * places.upside_down), 1 - 2 * places.mirrored
        # A transposed patch walks right where others walk down.
        down, right = down + places.transposed * (right - down), right + places.transposed * (down - right)
        steps = torch.arange(side, device=corner.device)
        corner, down, right = (number[:, None, None] for number in (corner, down, right))
        pixels = self._pixels.index_select(0, (corner + steps[:, None] * down + steps * right).flatten())
        return pixels.view(-1, side, side, 3).permute(0, 3, 1, 2)


class UnpairedPatches:
    """The three domains, ready to be cut into patches: x from one half, y and z from the other.

    Every photograph of X is degraded once, as a camera would have done, and only the result is kept; one that a camera
    did take (``photographs.x_is_lr``) is kept as it is. Photograph, place and turn of sample *i* of a stream are
    functions of (seed, stream, *i*), computed for a whole batch at once.

    Args:
        photographs: The split photographs.
        degradation: z -> x, applied to the X half; ``None`` where that is LR already.
        patch: Side of an LR patch.
        scale: HR patches are this much larger.
        seed: Seed of the degradation and of the patches.

    Raises:
        ValueError: A photograph is smaller than a patch; or there is a degradation and X is LR already, or neither.
    """

    def __init__(
        self,
        photographs: Photographs,
        degradation: Degradation | None,
        patch: int = 32,
        scale: int = 4,
        seed: int = 0,
    ) -> None:
        self.patch, self.scale, self.seed = patch, scale, seed
        self.device = torch.device("cpu")
        _check_sides(photographs.x, patch if photographs.x_is_lr else patch * scale, photographs.x_is_lr)
        _check_sides(photographs.yz, patch * scale)
        self.X = Levels(_noisy(photographs, degradation, scale, seed))
        self.Z = Levels([p.cropped(scale).levels for p in photographs.yz])
        reduced = [BICUBIC(p.cropped(scale).image, torch_generator(0), scale) for p in photographs.yz]
        self.Y = Levels([as_levels(image) for image in reduced])

    def to(self, device: torch.device) -> UnpairedPatches:
        """Return the same patches, cut in the memory of ``device``: none is copied there one by one."""
        moved = copy.copy(self)
        moved.device = device
        moved.X, moved.Y, moved.Z = (levels.to(device) for levels in (self.X, self.Y, self.Z))
        return moved

    def batch(self, step: int, size: int, stage: int = 0) -> tuple[Images, Images, Images]:
        """Return x (n, 3, p, p), and y (n, 3, p, p) with its z (n, 3, s p, s p), from sample ``step * size`` on."""
        places = self.X.places(self._samples(step, size), self.patch, self.seed, _PATCH_X, stage)
        return from_levels(self.X.cut(places, self.patch)), *self.pairs(step, size, stage)

    def pairs(self, step: int, size: int, stage: int = 0) -> tuple[Images, Images]:
        """Return y and z alone: the bicubic pair, the one pair that the method may see."""
        places = self.Y.places(self._samples(step, size), self.patch, self.seed, _PATCH_YZ, stage)
        return aligned(self.Y, self.Z, places, self.patch, self.scale)

    def _samples(self, step: int, size: int) -> Tensor:
        return torch.arange(step * size, (step + 1) * size, device=self.device)


def _check_sides(photographs: Iterable[Photograph], side: int, lr: bool = False) -> None:
    for photograph in photographs:
        height, width = photograph.pixels.shape[:2]
        if min(height, width) < side:
            raise ValueError(
                f"{photograph.name}: {width}x{height} is smaller than a patch of {side} {'LR' if lr else 'HR'} pixels"
                " square. Leave it out or train with a smaller patch (--set patch=16)."
            )


def _noisy(photographs: Photographs, degradation: Degradation | None, scale: int, seed: int) -> list[Tensor]:
    """Return the LR images of X, 8-bit levels: degraded here, or as they came."""
    if photographs.x_is_lr:
        if degradation is not None:
            raise ValueError(f"{photographs.source}: X is LR already; expected no degradation, got {degradation.name}.")
        return [p.levels for p in photographs.x]
    if degradation is None:
        raise ValueError(f"{photographs.source}: X is HR; a degradation has to make LR images of it, got none.")
    return [degrade(p, degradation, scale, seed) for p in photographs.x]


def aligned(small: Levels, large: Levels, places: Places, side: int, scale: int) -> tuple[Images, Images]:
    """Cut the same places out of LR and HR images, (n, 3, side, side) and (n, 3, scale side, scale side)."""
    return from_levels(small.cut(places, side)), from_levels(large.cut(places.enlarged(scale), side * scale))


def degrade(photograph: Photograph, degradation: Degradation, scale: int = 4, seed: int = 0) -> Tensor:
    """Degrade one photograph to 8-bit levels (3, h/s, w/s), uint8; the draw depends on its content and the seed."""
    generator = torch_generator(seed, _DEGRADE, int(photograph.sha256[:15], 16))
    return as_levels(degradation(photograph.cropped(scale).image, generator, scale))


def as_levels(image: Images) -> Tensor:
    """Turn a batch of one, (1, 3, h, w) in [0, 1], into 8-bit levels (3, h, w), a quarter of the memory."""
    return torch.from_numpy(to_pixels(image[0])).permute(2, 0, 1).contiguous()
