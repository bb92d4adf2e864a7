"""Photographs in and out, and the one image range of the book.

An image is a float32 tensor with the axes (..., 3, h, w), red first, and values in **[0, 1]**. Files are 8-bit sRGB;
the division by 255 happens here and nowhere else, so no network, loss or metric ever sees another range.
"""

from __future__ import annotations

import hashlib
import io
import math
import os
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError
from torch import Tensor

from .jpeg import continued
from .png import is_whole

Images = Annotated[Tensor, "n 3 h w, RGB in [0, 1], float32"]
Scores = Annotated[Tensor, "n 1 i j, unbounded: 1 is real, 0 is fake"]

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp"})
# What is looked for in a file, whatever its name: the suffixes above (JPEG covers MPO), and GIF to refuse animations by
# name. Pillow knows many more, and starts another program for one of them.
FORMATS = ("BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")

# Pillow's modes for grey with more than 8 bits.
WIDE_GREY = ("I;16", "I;16B", "I;16L", "I")

# Levels that a grey pixel of a JPEG may lose on its way through RGB.
_ROUNDING = 2

# BT.601, the luma that super-resolution papers mean by "Y": MATLAB's rgb2ycbcr, which spans 16 to 235 of 255.
_LUMA = (65.481 / 255, 128.553 / 255, 24.966 / 255)
_LUMA_OFFSET = 16 / 255


def read_pixels(path: str | os.PathLike[str]) -> np.ndarray:
    """Read a photograph as 8-bit RGB, shape (h, w, 3).

    Grey, palette and 1-bit pictures become RGB; 16-bit grey is rounded to 8 bits, 16-bit colour keeps its
    high byte; an alpha channel that is opaque everywhere is dropped; the orientation that a camera noted in EXIF is
    applied. `pictures.read_picture` keeps all of these.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is no image, is truncated, is CMYK or another space that has no exact RGB, or is truly
            transparent. The message names the file and says what to do.
    """
    path = Path(path)
    return _as_rgb(decoded(path), path)


def decoded(path: Path, before: Callable[[ImageFile.ImageFile], None] | None = None) -> Image.Image:
    """Open one still picture, decode all of it, and turn it as the camera noted in EXIF.

    Args:
        path: The file.
        before: Called with the opened file before its pixels are decoded.

    Raises:
        FileNotFoundError: There is no such file.
        MemoryError: There is not enough memory for it.
        ValueError: No image, an animation, too large, or damaged. The message names the file and says what to do.
    """
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise ValueError(f"{path}: a device or a pipe. Expected a file that holds an image.")
    try:
        # What Pillow finds odd and reads all the same is not worth a warning.
        with warnings.catch_warnings(action="ignore"), Image.open(path, formats=FORMATS) as opened:
            # MPO is what many phones write as .jpg: the photograph, then previews or a depth map.
            frames = 1 if opened.format == "MPO" else getattr(opened, "n_frames", 1)
            if frames == 1:
                if before is not None:
                    before(opened)
                opened.load()
                _check_rows(opened, path)
                image = ImageOps.exif_transpose(opened)
    except UnidentifiedImageError as error:
        raise ValueError(f"{path}: not an image that can be read ({_known()} are).") from error
    except Image.DecompressionBombError as error:
        raise ValueError(f"{path}: too large to be read ({error}). Cut it into parts.") from error
    except MemoryError as error:
        raise MemoryError(f"{path}: a picture too large for the memory that is free.") from error
    except Exception as error:  # a damaged file makes Pillow raise almost anything
        if isinstance(error, OSError) and error.errno is not None:
            raise  # a folder, no permission, no such file: the system's own words say it best
        raise ValueError(f"{path}: damaged or truncated image ({error}). Copy it again.") from error
    if frames > 1:
        raise ValueError(f"{path}: an animation or a stack of {frames} pictures. Save one of them as PNG.")
    return image


def _check_rows(opened: ImageFile.ImageFile, path: Path) -> None:
    """Raise `EOFError` for a PNG or a JPEG with fewer rows than its header promises."""
    last = opened.crop((0, opened.height - 1, opened.width, opened.height))
    # What was not filled is 0. A last row that has anything in it was filled, and so were those above; but an
    # interlaced picture comes in another order.
    if opened.format == "PNG" and (opened.info.get("interlace") or not np.asarray(last).any()):
        with path.open("rb") as file:
            if not is_whole(file):
                raise EOFError("fewer rows than its header promises")
    # What a JPEG lacks, but for the block in which its data end, becomes the middle grey. The colours of neighbours
    # reach into it, their brightness does not.
    if opened.format in ("JPEG", "MPO") and abs(int(np.asarray(last.convert("L"))[0, -1]) - 128) <= _ROUNDING:
        more = continued(path.read_bytes())
        if more is not None and not np.array_equal(np.asarray(opened), np.asarray(Image.open(io.BytesIO(more)))):
            raise EOFError("fewer rows than its header promises")


def _as_rgb(image: Image.Image, path: Path) -> np.ndarray:
    """Convert what has an exact RGB meaning; refuse the rest by name."""
    if image.mode in WIDE_GREY:
        grey = np.round(wide_grey(image, path) / 257).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=2)
    if image.mode in ("1", "L", "P", "RGB") and "transparency" in image.info:
        image = image.convert("RGBA")
    if image.mode in ("RGBA", "LA", "PA"):
        image = image.convert("RGBA")
        if np.asarray(image)[..., 3].min() < 255:
            raise ValueError(f"{path}: has transparent pixels. Flatten it onto a background and save it as RGB.")
    check_mode(image, path)
    return np.array(image.convert("RGB"))


def wide_grey(image: Image.Image, path: Path) -> np.ndarray:
    """Return the levels of a picture in one of the modes `WIDE_GREY`, (h, w), 0 to 65535; refuse any others."""
    wide = np.asarray(image).astype(np.int64)
    if wide.min() < 0 or wide.max() > 65535:
        raise ValueError(f"{path}: grey values from {wide.min():g} to {wide.max():g}; expected 0 to 65535.")
    return wide


def check_mode(image: Image.Image, path: Path) -> None:
    """Raise `ValueError` for a colour space that has no exact RGB."""
    if image.mode not in ("RGB", "RGBA", "L", "LA", "1", "P", "PA", *WIDE_GREY):
        raise ValueError(
            f"{path}: colour mode {image.mode} has no exact RGB; expected RGB, grey or palette. Convert it"
            " to sRGB with a colour-managed program."
        )


def _known() -> str:
    return ", ".join(sorted(SUFFIXES))


def read_image(path: str | os.PathLike[str]) -> Tensor:
    """Read a photograph as a float32 tensor (3, h, w) in [0, 1]; errors as in `read_pixels`."""
    return from_pixels(read_pixels(path))


def from_pixels(pixels: np.ndarray) -> Tensor:
    """Turn 8-bit pixels (h, w, 3) into a float32 tensor (3, h, w) in [0, 1]."""
    return from_levels(torch.tensor(pixels).permute(2, 0, 1))


def from_levels(levels: Tensor) -> Tensor:
    """Turn 8-bit levels, (..., 3, h, w) and uint8, into float32 in [0, 1]."""
    return levels.float() / 255


def to_pixels(image: Tensor) -> np.ndarray:
    """Round an image (3, h, w), clamped to [0, 1], to 8-bit pixels (h, w, 3)."""
    levels = (image.detach().float().clamp(0, 1) * 255).round().to(torch.uint8)
    return levels.permute(1, 2, 0).cpu().numpy()


def quantise(images: Images) -> Images:
    """Clamp to [0, 1] and round to the 256 levels that a file can hold."""
    return (images.clamp(0, 1) * 255).round() / 255


def through_jpeg(images: Images, quality: int) -> Images:
    """Return a batch of one, (1, 3, h, w), as it comes back from a JPEG file of this quality (1 to 95).

    Pillow's encoder at its defaults: chroma at half the resolution.
    """
    file = io.BytesIO()
    Image.fromarray(to_pixels(images[0])).save(file, format="JPEG", quality=quality)
    return from_pixels(np.asarray(Image.open(file)))[None]


def write_png(path: str | os.PathLike[str], image: Tensor) -> Path:
    """Write an image (3, h, w) losslessly; the file appears whole or not at all."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        Image.fromarray(to_pixels(image)).save(temporary, format="PNG")
    return path


class replacing:  # noqa: N801 - reads as a statement: ``with replacing(path) as temporary``
    """Write beside a file and put the new one in its place only when it is complete.

    The temporary name lies in the same folder, because `os.replace` is atomic only within one file system. An exception
    leaves the old file as it was and removes the new one. Where the system refuses to write, its error names the file
    that was wanted: the temporary name would tell nobody anything.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    def __enter__(self) -> Path:
        try:
            handle, name = tempfile.mkstemp(prefix=f".{self.path.name}.", suffix=".part", dir=self.path.parent)
        except OSError as error:
            error.filename = str(self.path)
            raise
        os.close(handle)
        self.temporary = Path(name)
        return self.temporary

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        try:
            if kind is None:
                self._put_in_place()
        except OSError as refused:
            error = refused
            raise
        finally:
            if isinstance(error, OSError) and error.errno and error.filename in (None, str(self.temporary)):
                error.filename = str(self.path)
            self.temporary.unlink(missing_ok=True)

    def _put_in_place(self) -> None:
        with self.temporary.open("rb") as written:
            os.fsync(written.fileno())
        # mkstemp makes files that only the owner can read; a result should have the usual permissions.
        umask = os.umask(0)
        os.umask(umask)
        self.temporary.chmod(0o666 & ~umask)
        os.replace(self.temporary, self.path)


def list_images(folder: str | os.PathLike[str]) -> list[Path]:
    """Return the image files below ``folder``, sorted by their path relative to it; hidden ones are left out.

    Raises:
        ValueError: ``folder`` is no folder, or holds no image.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"{folder}: not a folder. Give a folder of photographs ({_known()}).")
    found = [path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file()]
    found = [path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts)]
    if not found:
        raise ValueError(f"{folder}: no images in it. Expected files ending in {_known()}.")
    return sorted(found, key=lambda path: path.relative_to(folder).as_posix())


def content_hash(pixels: np.ndarray) -> str:
    """Return the SHA-256 of the decoded pixels: equal pictures agree whatever their file is called."""
    digest = hashlib.sha256(repr(pixels.shape).encode())
    digest.update(np.ascontiguousarray(pixels).tobytes())
    return digest.hexdigest()


def check_images(images: Tensor, name: str = "images") -> None:
    """Raise `ValueError` unless ``images`` has the shape (n, 3, h, w), is floating point and lies in [0, 1]."""
    if images.ndim != 4 or images.shape[1] != 3:
        raise ValueError(f"{name}: expected the shape (n, 3, h, w), got {tuple(images.shape)}.")
    if not images.is_floating_point():
        raise ValueError(f"{name}: expected floating point in [0, 1], got {images.dtype}. Divide 8-bit pixels by 255.")
    low, high = images.min().item(), images.max().item()
    if low < 0 or high > 1 or math.isnan(low + high):
        raise ValueError(f"{name}: expected values in [0, 1], got {low:g} to {high:g}.")


def crop_to_multiple(image: Tensor, multiple: int) -> Tensor:
    """Cut the bottom and right so that height and width are multiples of ``multiple``."""
    height, width = image.shape[-2:]
    return image[..., : height - height % multiple, : width - width % multiple]


def shave(images: Tensor, border: int) -> Tensor:
    """Remove ``border`` pixels from every side."""
    height, width = images.shape[-2:]
    if border < 0 or 2 * border >= min(height, width):
        raise ValueError(f"a border of {border} pixels leaves nothing of an image of {height}x{width}.")
    return images[..., border : height - border, border : width - border]


def luma(images: Tensor) -> Tensor:
    """Return the BT.601 luma (..., 1, h, w), in [16/255, 235/255] as MATLAB's ``rgb2ycbcr`` has it."""
    weights = images.new_tensor(_LUMA).view(3, 1, 1)
    return (images * weights).sum(-3, keepdim=True) + _LUMA_OFFSET
