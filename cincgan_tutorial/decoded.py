"""Photographs decoded once: their pixels lie in files beside them, and later starts map these into memory.

Decoding a PNG of 2K takes as long as many training steps on a GPU, and DIV2K has hundreds. A file of the cache is named
after the content of the photograph's file, so whatever changes is decoded anew, and holds nothing but its pixels. It is
written beside its name and renamed when it is whole: a kill leaves no half of one.
"""

from __future__ import annotations

import hashlib
import re
import warnings
from pathlib import Path

import numpy as np
import torch

from .images import content_hash, read_pixels, replacing

CACHE = ".decoded"
_NAME = re.compile(r"([0-9a-f]{64})-([0-9a-f]{64})-(\d+)x(\d+)\.rgb")


class Decoded:
    """The cache of a folder of photographs.

    Args:
        folder: The photographs; the cache is the hidden folder ``.decoded`` in it, three bytes for each pixel.
    """

    def __init__(self, folder: Path) -> None:
        self.cache = folder / CACHE
        named = [_NAME.fullmatch(path.name) for path in self.cache.iterdir()] if self.cache.is_dir() else []
        self._known = {match[1]: match for match in named if match}
        self._writable = True

    def __call__(self, path: Path) -> tuple[np.ndarray, str]:
        """Return the 8-bit pixels (h, w, 3) of a photograph and their `images.content_hash`.

        Errors as in `images.read_pixels`. Where the cache can't be written, a warning says so once, and the pixels are
        in ordinary memory.
        """
        with path.open("rb") as file:
            key = hashlib.file_digest(file, "sha256").hexdigest()
        mapped = self._mapped(key)
        if mapped is not None:
            return mapped
        pixels = read_pixels(path)
        content = content_hash(pixels)
        self._write(key, content, pixels)
        return self._mapped(key) or (pixels, content)

    def _mapped(self, key: str) -> tuple[np.ndarray, str] | None:
        match = self._known.get(key)
        if match is None:
            return None
        path, height, width = self.cache / match[0], int(match[3]), int(match[4])
        size = height * width * 3
        if not path.is_file() or path.stat().st_size != size:
            return None
        # Unlike numpy's, this mapping keeps no file open: some systems allow only 256 of them. It is private, so that
        # nobody who changes pixels changes the file.
        levels = torch.from_file(str(path), shared=False, size=size, dtype=torch.uint8)
        return levels.numpy().reshape(height, width, 3), match[2]

    def _write(self, key: str, content: str, pixels: np.ndarray) -> None:
        if not self._writable:
            return
        match = _NAME.fullmatch(f"{key}-{content}-{pixels.shape[0]}x{pixels.shape[1]}.rgb")
        if match is None:
            raise RuntimeError(f"no name for pixels of the shape {pixels.shape}.")
        try:
            self.cache.mkdir(exist_ok=True)
            with replacing(self.cache / match[0]) as temporary:
                temporary.write_bytes(np.ascontiguousarray(pixels).data)
        except OSError as error:
            self._writable = False
            warnings.warn(
                f"{self.cache}: can't be written ({error.strerror}), so photographs are decoded at every start.",
                stacklevel=3,
            )
            return
        self._known[key] = match
