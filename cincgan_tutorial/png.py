"""Writing PNG from top to bottom: 8 or 16 bits, any size, a few rows in memory. And whether all rows of one are there.

Pillow holds a whole picture and has no 16-bit colour. A photograph of 24 megapixels enlarged by four takes 1.1 GB as
8-bit RGB; here only the rows at hand are kept. Source: the PNG specification (W3C, third edition), sections 5 and 7 to
9.
"""

from __future__ import annotations

import io
import math
import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Channels -> colour type: grey, grey with alpha, RGB, RGB with alpha.
_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
_CHANNELS = {colour: channels for channels, colour in _COLOUR_TYPES.items()} | {3: 1}  # 3 is a palette
# The seven coarse pictures of an interlaced one: first row, first column, row step, column step.
_PASSES = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
# Bytes that are unpacked at once.
_PIECE = 2**20
# Rows that are filtered at once: enough for NumPy to be quick, few enough to stay in the cache.
_BLOCK = 32


class PngWriter:
    """Write the rows of a picture as they come.

    Args:
        file: Where to; binary.
        width: Pixels in a row.
        height: Rows that will come.
        channels: 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha.
        depth: Bits per channel, 8 or 16.
        icc_profile: Colour profile to embed.
    """

    def __init__(
        self, file: BinaryIO, width: int, height: int, channels: int, depth: int = 8, icc_profile: bytes | None = None
    ) -> None:
        self._file, self._shape, self._dtype = file, (width, channels), np.dtype(f">u{depth // 8}")
        self._missing = height
        self._pixel_bytes = channels * depth // 8
        self._above = np.zeros(width * self._pixel_bytes, np.uint8)
        self._packer = zlib.compressobj(6)
        file.write(_SIGNATURE)
        self._chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, _COLOUR_TYPES[channels], 0, 0, 0))
        if icc_profile is not None:
            self._chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(icc_profile))

    def write(self, rows: np.ndarray) -> None:
        """Add rows, (n, width, channels), unsigned integers of the depth."""
        if rows.shape[1:] != self._shape or rows.shape[0] > self._missing:
            raise ValueError(f"expected at most {self._missing} rows of {self._shape}, got {rows.shape}.")
        self._missing -= len(rows)
        for start in range(0, len(rows), _BLOCK):
            block = np.ascontiguousarray(rows[start : start + _BLOCK], dtype=self._dtype)
            packed = block.view(np.uint8).reshape(len(block), -1)
            self._data(self._packer.compress(filtered(packed, self._above, self._pixel_bytes).tobytes()))
            self._above = packed[-1]

    def close(self) -> None:
        """Finish the picture; `ValueError` where rows are missing."""
        if self._missing:
            raise ValueError(f"{self._missing} rows are missing.")
        self._data(self._packer.flush())
        self._chunk(b"IEND", b"")

    def _data(self, packed: bytes) -> None:
        if packed:
            self._chunk(b"IDAT", packed)

    def _chunk(self, kind: bytes, content: bytes) -> None:
        self._file.write(
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )


def is_whole(file: BinaryIO) -> bool:
    """Tell whether the compressed pixels of a PNG fill every row that its header promises.

    Pillow takes a stream that ends early, as long as it ends well, and leaves the other rows black. Nothing is kept in
    memory, whatever the header says. The file is one that Pillow has read: its other chunks are not looked at.
    """
    file.seek(len(_SIGNATURE) + 8)
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", file.read(13))
    file.seek(4, io.SEEK_CUR)
    parts = _PASSES if interlaced else ((0, 0, 1, 1),)
    missing = sum(_packed_bytes(width, height, _CHANNELS[colour] * depth, *part) for part in parts)
    unpacker = zlib.decompressobj()
    for packed in _pixel_chunks(file):
        while missing > 0:
            try:
                unpacked = unpacker.decompress(packed, min(_PIECE, missing))
            except zlib.error:
                return False
            missing -= len(unpacked)
            packed = unpacker.unconsumed_tail
            if not unpacked and not packed:
                break
    return missing == 0


def _packed_bytes(width: int, height: int, bits: int, top: int, left: int, down: int, right: int) -> int:
    """Return the bytes of every ``down``-th row of every ``right``-th pixel; each row has one more for its guess."""
    rows, columns = math.ceil((height - top) / down), math.ceil((width - left) / right)
    return max(0, rows) * (1 + math.ceil(columns * bits / 8)) if columns > 0 else 0


def _pixel_chunks(file: BinaryIO) -> Iterator[bytes]:
    """Return the contents of the chunks of pixels, which follow each other."""
    begun = False
    while len(head := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        if kind == b"IDAT":
            begun = True
            yield file.read(length)
            file.seek(4, io.SEEK_CUR)
        elif begun:
            return
        else:
            file.seek(length + 4, io.SEEK_CUR)


def filtered(rows: np.ndarray, above: np.ndarray, pixel_bytes: int) -> np.ndarray:
    """Replace bytes by their differences to a guess from the neighbours, each row by the guess that fits best.

    Returns the rows, (n, 1 + m), with the number of the guess in front: 0 none, 1 left, 2 up, 3 the mean of both,
    4 Paeth's choice among left, up and corner. Best is, as the specification advises, the smallest sum of magnitudes.

    Args:
        rows: Bytes, (n, m).
        above: The row before the first, (m,).
        pixel_bytes: How far left the left neighbour is.
    """
    up = np.concatenate([above[None], rows[:-1]])
    left, corner = (np.pad(array[:, :-pixel_bytes], ((0, 0), (pixel_bytes, 0))) for array in (rows, up))
    mean = ((left.astype(np.uint16) + up) >> 1).astype(np.uint8)
    guesses = (np.zeros_like(rows), left, up, mean, _paeth(left, up, corner))
    differences = np.stack([rows - guess for guess in guesses])  # modulo 256
    costs = np.abs(differences.view(np.int8).astype(np.int16)).sum(axis=2, dtype=np.int64)
    best = costs.argmin(axis=0)
    chosen = differences[best, np.arange(len(rows))]
    return np.concatenate([best[:, None].astype(np.uint8), chosen], axis=1)


def _paeth(left: np.ndarray, up: np.ndarray, corner: np.ndarray) -> np.ndarray:
    """Return whichever of the three neighbours is nearest to left + up - corner."""
    a, b, c = (array.astype(np.int16) for array in (left, up, corner))
    to_left, to_up, to_corner = np.abs(b - c), np.abs(a - c), np.abs(a + b - 2 * c)
    nearest = np.where(to_up <= to_corner, up, corner)
    return np.where((to_left <= to_up) & (to_left <= to_corner), left, nearest)
