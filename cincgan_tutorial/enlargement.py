"""A whole picture file through SR(G1(x)): band by band from the file into a PNG, with all that the file carried."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from .architectures import Upscaler
from .images import Images, replacing
from .inference import bands
from .pictures import Picture
from .png import PngWriter

# BT.601 as JPEG uses it, without an offset: grey in, grey out.
_GREY = (0.299, 0.587, 0.114)


@dataclass(frozen=True)
class Box:
    """A part of a picture, in its pixels."""

    top: int
    left: int
    height: int
    width: int

    def times(self, scale: int) -> Box:
        """Return the same part of the picture enlarged."""
        return Box(self.top * scale, self.left * scale, self.height * scale, self.width * scale)


def enlarge(
    upscaler: Upscaler,
    picture: Picture,
    path: str | os.PathLike[str],
    scale: int = 4,
    tile: int = 256,
    view: Box | None = None,
    done: Callable[[], object] = lambda: None,
) -> np.ndarray:
    """Write the enlarged picture as PNG, with the depth, the alpha channel and the colour profile of the original.

    The networks see the levels of the file, whatever its profile says about them. Alpha is enlarged by the cubic
    kernel. One band of tiles is in memory at a time; the file appears whole or not at all.

    Args:
        upscaler: SR after G1.
        picture: What to enlarge.
        path: The PNG to write; one that exists is replaced.
        scale: How much larger the upscaler makes it.
        tile: Side of a tile in LR pixels.
        view: A part of the original whose enlargement is wanted for looking at.
        done: Called after every tile.

    Returns:
        The enlargement of ``view``, levels (h, w, channels); without one, no pixels.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    (height, width), channels = picture.size, picture.levels.shape[2]
    wanted = Box(0, 0, 0, 0) if view is None else view.times(scale)
    seen, top = [], 0
    with replacing(path) as temporary, temporary.open("wb") as file:
        png = PngWriter(file, width * scale, height * scale, channels, picture.depth, picture.icc_profile)
        for band in _enlarged(upscaler, picture, scale, tile, done):
            png.write(band)
            inside = band[max(0, wanted.top - top) : max(0, wanted.top + wanted.height - top)]
            seen.append(inside[:, wanted.left : wanted.left + wanted.width].copy())
            top += len(band)
        png.close()
    return np.concatenate(seen)


def _enlarged(
    upscaler: Upscaler, picture: Picture, scale: int, tile: int, done: Callable[[], object]
) -> Iterator[np.ndarray]:
    """Yield the result from top to bottom as levels, (rows, s w, channels)."""
    (height, width), top = picture.size, 0
    for squares in bands(upscaler, picture.rows, picture.size, tile):
        rows = min(tile, height - top)
        band = np.empty((rows * scale, width * scale, picture.levels.shape[2]), picture.levels.dtype)
        left = 0
        for square in squares:
            colours = _levels(square, picture)
            band[:, left : left + colours.shape[1], : colours.shape[2]] = colours
            left += colours.shape[1]
            done()
        if picture.alpha is not None:
            band[..., -1] = cubic_enlarged(picture.alpha, Box(top, 0, rows, width), scale)
        yield band
        top += rows


def _levels(square: Images, picture: Picture) -> np.ndarray:
    """Turn the networks' result (1, 3, h, w) in [0, 1] into levels of the picture's kind, (h, w, 1 or 3)."""
    colours = square[0].permute(1, 2, 0)
    if picture.grey:
        colours = colours @ colours.new_tensor(_GREY)[:, None]
    highest = 2**picture.depth - 1
    return (colours * highest).round().clamp(0, highest).numpy().astype(picture.levels.dtype)


def cubic_enlarged(channel: np.ndarray, box: Box, scale: int) -> np.ndarray:
    """Enlarge a part of a channel, (h, w), by the cubic kernel with a = -1/2; its surroundings count as context."""
    # The kernel reaches two pixels; the picture's own border is repeated in effect, as Pillow does it.
    first, last = max(0, box.top - 4), box.top + box.height + 4
    rows = Image.fromarray(channel[first:last].astype(np.float32))
    corners = (box.left, box.top - first, box.left + box.width, box.top - first + box.height)
    size = (box.width * scale, box.height * scale)
    enlarged = np.asarray(rows.resize(size, Image.Resampling.BICUBIC, box=corners))
    return enlarged.round().clip(0, np.iinfo(channel.dtype).max).astype(channel.dtype)
