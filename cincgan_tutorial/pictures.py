"""A picture file with everything that an enlargement should keep: depth, alpha, colour profile, grey as grey.

Training needs 8-bit RGB and nothing else (`images.read_pixels`). Who enlarges a picture wants the rest back.
"""

from __future__ import annotations

import os
import sys
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageFile

from .images import FORMATS, WIDE_GREY, Images, check_mode, decoded, wide_grey

# Pillow has no 16-bit colour: it keeps one byte of the two. Reading a file as if its bytes were the other way round
# yields the other one. "N" is the machine's own order.
_OTHER_BYTE = {
    f"{colours};16{order}": f"{colours};16{other}"
    for colours in ("RGB", "RGBA")
    for order, other in (("B", "L"), ("L", "B"), ("N", "B" if sys.byteorder == "little" else "L"))
}
# Where an ICC profile says which colours it is for, and what it says.
_PROFILE_SPACE = slice(16, 20)
_SPACES = {1: b"GRAY", 2: b"GRAY", 3: b"RGB ", 4: b"RGB "}


@dataclass(frozen=True)
class Picture:
    """A picture as its file has it.

    Attributes:
        levels: Grey, grey and alpha, RGB, or RGB and alpha, (h, w, 1 to 4), uint8 or uint16.
        icc_profile: The colour profile, where there is one that fits the channels.
        narrowed: Whether the file has 16 bits of a kind that only 8 could be read of.
    """

    levels: np.ndarray = field(repr=False)
    icc_profile: bytes | None = field(default=None, repr=False)
    narrowed: bool = False

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.levels.shape[0], self.levels.shape[1]

    @property
    def depth(self) -> int:
        """Bits per channel, 8 or 16."""
        return 8 * self.levels.dtype.itemsize

    @property
    def grey(self) -> bool:
        """Whether there is no colour."""
        return self.levels.shape[2] < 3

    @property
    def alpha(self) -> np.ndarray | None:
        """The alpha channel, (h, w), or ``None``."""
        return self.levels[..., -1] if self.levels.shape[2] in (2, 4) else None

    def rows(self, top: int, bottom: int) -> Images:
        """Return rows as the networks want them, (1, 3, bottom - top, w) in [0, 1]; grey three times, without alpha."""
        colours = self.levels[top:bottom, :, :1] if self.grey else self.levels[top:bottom, :, :3]
        image = torch.from_numpy(colours.astype(np.float32)).permute(2, 0, 1)[None] / (2**self.depth - 1)
        return image.expand(-1, 3, -1, -1)


def read_picture(path: str | os.PathLike[str]) -> Picture:
    """Read a picture and what it carries; the orientation that a camera noted in EXIF is applied.

    8 bits stay 8 and 16 stay 16; 1-bit pictures get 8, palettes become RGB, a transparent colour becomes alpha.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is no image, is truncated, an animation, or CMYK or another space that has no exact RGB.
            The message names the file and says what to do.
    """
    path = Path(path)
    raw_modes: set[str] = set()
    image = decoded(path, lambda opened: raw_modes.update(_raw_modes(opened)))
    check_mode(image, path)
    if image.mode in WIDE_GREY:
        levels = wide_grey(image, path).astype(np.uint16)[..., None]
    else:
        wide = _both_bytes(image, path, raw_modes)
        levels = _narrow(image) if wide is None else wide
    if levels.dtype == np.uint16:
        levels = _keyed(levels, image.info.get("transparency"))
    narrowed = levels.dtype == np.uint8 and any(";16" in mode for mode in raw_modes)
    profile = image.info.get("icc_profile") or None
    if profile and levels.shape[2] < 3 and profile[_PROFILE_SPACE] == b"RGB ":
        # Grey levels under a profile for colours: only as RGB do both keep their meaning.
        levels = np.concatenate([np.repeat(levels[..., :1], 3, axis=2), levels[..., 1:]], axis=2)
    if profile and profile[_PROFILE_SPACE] != _SPACES[levels.shape[2]]:
        profile = None
    return Picture(levels, profile, narrowed)


def size_of(path: str | os.PathLike[str]) -> tuple[int, int] | None:
    """Return height and width as the header has them, without decoding; ``None`` where it can't be read."""
    if not os.path.isfile(path):  # not to wait for a pipe
        return None
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(path, formats=FORMATS) as opened:
            return opened.height, opened.width
    except Exception:  # a damaged file makes Pillow raise almost anything; `read_picture` says what it is
        return None


def _raw_modes(opened: ImageFile.ImageFile) -> set[str]:
    """How the file stores its pixels, in Pillow's words, such as "RGB;16B"."""
    arguments = [tile[3] for tile in opened.tile]
    return {str(given if isinstance(given, str) else given[0]) for given in arguments if given}


def _both_bytes(image: Image.Image, path: Path, raw_modes: set[str]) -> np.ndarray | None:
    """Return 16-bit colours of which ``image`` has one byte, (h, w, c), or ``None`` where they have 8 bits."""
    if raw_modes == {"LA;16B"} and image.mode == "RGBA":
        # Four bytes per pixel: grey and alpha, each high byte first.
        four = np.asarray(decoded(path, lambda opened: _read_as(opened, "RGBA"))).astype(np.uint16)
        return four[..., ::2] << 8 | four[..., 1::2]
    if len(raw_modes) != 1 or not raw_modes <= _OTHER_BYTE.keys():
        return None
    (raw_mode,) = raw_modes
    low = decoded(path, lambda opened: _read_as(opened, _OTHER_BYTE[raw_mode]))
    return np.asarray(image).astype(np.uint16) << 8 | np.asarray(low)


def _read_as(opened: ImageFile.ImageFile, raw_mode: str) -> None:
    """Have the pixels unpacked in another way than the file says."""
    tiles: list[Any] = []
    for tile in opened.tile:
        # The raw mode alone, or in front of what else the decoder wants. Older Pillow has plain tuples here.
        arguments = (raw_mode, *tile[3][1:]) if isinstance(tile[3], tuple) else raw_mode
        tiles.append(getattr(tile, "_make", tuple)((*tile[:3], arguments)))
    opened.tile = tiles


def _narrow(image: Image.Image) -> np.ndarray:
    """Return the channels of an 8-bit picture, (h, w, 1 to 4)."""
    grey = image.mode in ("1", "L", "LA")
    if image.mode in ("LA", "PA", "RGBA") or "transparency" in image.info:
        levels = np.array(image.convert("RGBA"))
        return levels[..., [0, 3]] if grey else levels
    return np.array(image.convert("L"))[..., None] if grey else np.array(image.convert("RGB"))


def _keyed(levels: np.ndarray, transparent: int | tuple[int, ...] | None) -> np.ndarray:
    """Add the alpha channel that a PNG with 16 bits writes as one transparent colour."""
    if transparent is None or levels.shape[2] not in (1, 3):
        return levels
    opaque = (levels != np.array(transparent)).any(axis=2, keepdims=True)
    return np.concatenate([levels, opaque.astype(np.uint16) * np.uint16(65535)], axis=2)
