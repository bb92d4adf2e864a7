"""A corpus of bad and odd picture files, made on the spot: each with what it should become.

`expected` is the levels that the file means, (h, w, channels), where it can be read; ``None`` where it must be refused;
``EITHER`` where the damage may or may not have hit what matters.
"""

import io
import os
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile
from helpers import picture
from PIL import Image

EITHER = "either"

HEIGHT, WIDTH = 13, 18
RGB = picture(HEIGHT, WIDTH, 5)
GREY = RGB[..., :1]
ALPHA = picture(HEIGHT, WIDTH, 6)[..., :1]
WIDE = RGB.astype(np.uint16) * 256 + picture(HEIGHT, WIDTH, 7)


@dataclass(frozen=True)
class Odd:
    """One file of the corpus."""

    path: Path
    expected: np.ndarray | str | None


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(levels: np.ndarray, interlaced: bool = False, size: tuple[int, int] | None = None) -> bytes:
    """A PNG made by hand, without filters; `size` lies about (width, height)."""
    height, width, channels = levels.shape
    colour = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    big = levels.astype(levels.dtype.newbyteorder(">"))
    # Adam7: seven coarse pictures, each (first row, first column, row step, column step).
    seven = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
    parts = [big[r::rs, c::cs] for r, c, rs, cs in seven] if interlaced else [big]
    raw = b"".join(b"\0" + row.tobytes() for part in parts if part.size for row in part)
    header = struct.pack(">IIBBBBB", *(size or (width, height)), 8 * levels.itemsize, colour, 0, 0, int(interlaced))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, format=kind, **options)
    return file.getvalue()


def tiff(levels: np.ndarray, **options: object) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, levels, **options)
    return file.getvalue()


def decoded(content: bytes, mode: str = "RGB") -> np.ndarray:
    """What lossy files mean is for their own decoder to say; alpha and grey are not lost on the way."""
    return np.atleast_3d(np.asarray(Image.open(io.BytesIO(content)).convert(mode)))


def readable() -> dict[str, tuple[bytes, np.ndarray]]:
    """Good files of every kind that is read: name -> content and levels."""
    image, grey = Image.fromarray(RGB), Image.fromarray(GREY[..., 0])
    rgba = np.dstack([RGB, ALPHA])
    palette = image.quantize(8)
    bit = Image.fromarray(GREY[..., 0] > 128)
    bits = np.where(GREY > 128, 255, 0).astype(np.uint8)
    keyed = saved(palette, "PNG", transparency=3)
    jpeg, grey_jpeg = saved(image, "JPEG", quality=90), saved(grey, "JPEG")
    progressive = saved(image, "JPEG", progressive=True, quality=80)
    webp = saved(image, "WEBP", quality=80)
    phone = saved(image, "MPO", save_all=True, append_images=[Image.new("RGB", (4, 4))], quality=90)
    return {
        "rgb.png": (png(RGB), RGB),
        "grey.png": (png(GREY), GREY),
        "grey-alpha.png": (png(np.dstack([GREY, ALPHA])), np.dstack([GREY, ALPHA])),
        "alpha.png": (png(rgba), rgba),
        "16-rgb.png": (png(WIDE), WIDE),
        "16-grey.png": (png(WIDE[..., :1]), WIDE[..., :1]),
        "16-alpha.png": (png(np.dstack([WIDE, WIDE[..., 1]])), np.dstack([WIDE, WIDE[..., 1]])),
        "interlaced.png": (png(RGB, interlaced=True), RGB),
        "16-interlaced.png": (png(WIDE, interlaced=True), WIDE),
        "palette.png": (saved(palette, "PNG"), np.asarray(palette.convert("RGB"))),
        "palette-clear.png": (keyed, decoded(keyed, "RGBA")),
        "bit.png": (saved(bit, "PNG"), bits),
        "rgb.jpg": (jpeg, decoded(jpeg)),
        "grey.jpeg": (grey_jpeg, decoded(grey_jpeg, "L")),
        "progressive.jpg": (progressive, decoded(progressive)),
        "phone.jpg": (phone, decoded(phone)),
        "lossy.webp": (webp, decoded(webp)),
        "alpha.webp": (saved(Image.fromarray(rgba), "WEBP", lossless=True, exact=True), rgba),
        "rgb.tif": (saved(image, "TIFF"), RGB),
        "lzw.tif": (saved(image, "TIFF", compression="tiff_lzw"), RGB),
        "deflate.tiff": (saved(image, "TIFF", compression="tiff_adobe_deflate"), RGB),
        "fax.tif": (saved(bit, "TIFF", compression="group4"), bits),
        "16.tif": (tiff(WIDE, photometric="rgb"), WIDE),
        "16-big-end.tif": (tiff(WIDE, photometric="rgb", byteorder=">", compression="zlib"), WIDE),
        "planes.tif": (tiff(np.moveaxis(RGB, 2, 0), photometric="rgb", planarconfig="separate"), RGB),
        "tiles.tif": (tiff(RGB, photometric="rgb", tile=(16, 16)), RGB),
        "rgb.bmp": (saved(image, "BMP"), RGB),
        "palette.bmp": (saved(palette, "BMP"), np.asarray(palette.convert("RGB"))),
        "still.gif": (saved(palette, "GIF"), np.asarray(palette.convert("RGB"))),
    }


JPEGS = ("rgb.jpg", "grey.jpeg", "progressive.jpg", "phone.jpg")


def taller_jpeg(content: bytes, rows: int, columns: int = 0) -> bytes:
    """The same data under a header that promises more rows, or columns."""
    # Height and width stand behind the marker of the frame, baseline or progressive, its length and its depth.
    place = max(content.find(bytes((0xFF, kind))) for kind in (0xC0, 0xC2)) + 5
    height, width = struct.unpack_from(">HH", content, place)
    return content[:place] + struct.pack(">HH", height + rows, width + columns) + content[place + 4 :]


def refused() -> dict[str, bytes]:
    """Files that are what they say, and not for us; and files that are no pictures."""
    image, frames = Image.fromarray(RGB), [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    good = readable()
    moving = {"save_all": True, "append_images": frames[1:]}
    other = {f"other.{kind.lower()}": saved(image, kind) for kind in ("PPM", "TGA", "PCX", "ICO", "PDF", "EPS")}
    wrong = {f"really-{name.split('.')[1]}.png": content for name, content in other.items()}
    return (
        other
        | wrong
        | {
            "cmyk.jpg": saved(image.convert("CMYK"), "JPEG"),
            "cmyk.tif": saved(image.convert("CMYK"), "TIFF"),
            "lab.tif": saved(image.convert("LAB"), "TIFF"),
            "float.tif": tiff(RGB[..., 0].astype(np.float32) / 255),
            "float-rgb.tif": tiff(RGB.astype(np.float32) / 255, photometric="rgb"),
            "double.tif": tiff(RGB[..., 0].astype(np.float64)),
            "32-bit.tif": tiff(RGB[..., 0].astype(np.int32) * 10**6),
            "moving.gif": saved(frames[0], "GIF", **moving),
            "moving.png": saved(frames[0], "PNG", **moving),
            "moving.webp": saved(frames[0], "WEBP", **moving),
            "stack.tif": saved(frames[0], "TIFF", **moving),
            "five-channels.tif": tiff(np.zeros((8, 8, 5), np.uint8), photometric="minisblack", planarconfig="contig"),
            "html.png": b"<!doctype html><html><body>404 Not Found</body></html>",
            "vector.png": b'<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"/>',
            "archive.jpg": b"PK\x03\x04" + bytes(200),
            "noise.png": np.random.default_rng(0).integers(0, 256, 500, dtype=np.uint8).tobytes(),
            "only-signature.png": b"\x89PNG\r\n\x1a\n",
            "no-size.png": png(RGB, size=(0, 0)),
            "taller.png": png(RGB, size=(WIDTH, HEIGHT + 7)),
            "taller-by-one.png": png(GREY, size=(WIDTH, HEIGHT + 1)),
            "taller-16.png": png(WIDE, size=(WIDTH, HEIGHT + 7)),
            "taller-alpha.png": png(np.dstack([RGB, ALPHA]), size=(WIDTH, HEIGHT + 7)),
            # Its last row belongs to an early pass and is there.
            "taller-interlaced-inside.png": png(RGB[:1], interlaced=True, size=(WIDTH, 3)),
            "taller-interlaced.png": png(RGB, interlaced=True, size=(WIDTH, HEIGHT + 1)),
            **{f"taller-{name}": taller_jpeg(good[name][0], 40) for name in JPEGS},
            # The mark of the end in the middle of the data: libjpeg fills the rest with grey and keeps silent.
            "ended.jpg": saved(Image.fromarray(picture(60, 60)), "JPEG")[:-400] + b"\xff\xd9",
        }
        | {f"empty{suffix}": b"" for suffix in (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp")}
        | {f"zeros{suffix}": bytes(400) for suffix in (".png", ".jpg", ".webp", ".tif", ".bmp")}
        | {f"text{suffix}": b"not a picture\n" * 9 for suffix in (".png", ".jpg", ".webp", ".tif", ".bmp")}
        | bombs()
    )


def bombs() -> dict[str, bytes]:
    """Headers that promise 30000 x 30000 pixels over next to nothing."""
    side = 30_000
    jpeg, bmp = bytearray(saved(Image.fromarray(RGB), "JPEG")), bytearray(saved(Image.fromarray(RGB), "BMP"))
    frame = jpeg.index(b"\xff\xc0")
    jpeg[frame + 5 : frame + 9] = struct.pack(">HH", side, side)
    bmp[18:26] = struct.pack("<ii", side, side)
    gif = bytearray(saved(Image.fromarray(GREY[..., 0]), "GIF"))
    gif[6:10] = struct.pack("<HH", side, side)
    tags = [(256, 4, 1, side), (257, 4, 1, side), (258, 3, 1, 8), (262, 3, 1, 1), (273, 4, 1, 8), (279, 4, 1, 99)]
    table = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    return {
        "bomb.png": png(RGB, size=(side, side)),
        "bomb-16.png": png(WIDE, size=(side, side)),
        "bomb.jpg": bytes(jpeg),
        "bomb.bmp": bytes(bmp),
        "bomb.gif": bytes(gif),
        "bomb.tif": struct.pack("<2sHIH", b"II", 42, 8, len(tags)) + table + bytes(4),
        "just-below-the-limit.png": png(RGB, size=(13_000, 13_000)),
    }


def damaged(content: bytes, seed: int) -> Iterator[tuple[str, bytes]]:
    """A good file cut off, with flipped bits, with a hole, and with something behind its end."""
    rng = np.random.default_rng(seed)
    for quarter in (1, 2, 3):
        yield f"cut-{quarter}-of-4", content[: len(content) * quarter // 4]
    for number in (1, 2, 3):
        flipped = bytearray(content)
        for place in rng.integers(0, len(content), 1 + 2 * (number - 1)):
            flipped[place] ^= 1 << int(rng.integers(8))
        yield f"flipped-{number}", bytes(flipped)
    start = int(rng.integers(len(content) // 2))
    yield "hole", content[:start] + bytes(20) + content[start + 20 :]
    yield "tail", content + b"rubbish behind the end" * 3


NAMES = (
    "with space.png", "照片 的 名字.png", "😀🎉.png", "ünïcödé.png", "it's \"quoted\".png", "100% {0} $HOME `x`.png",
    "line\nbreak.png", "tab\there.png", "\x1b[31mred.png", "-dash.png", "two..dots.png", "UPPER.PNG", "no extension",
    ".hidden.png", "semi;colon&and.png", "trailing .png", "a" * 200 + ".png", "*.png", "[x].png", "~tilde.png",
)  # fmt: skip


def special(folder: Path) -> Iterator[Odd]:
    """What is no ordinary file."""
    (folder / "x.png").mkdir()
    yield Odd(folder / "x.png", None)
    yield Odd(folder / "missing.png", None)
    for name, aim in (("circle.png", "circle.png"), ("to.png", "fro.png"), ("fro.png", "to.png"), ("gone.png", "no")):
        (folder / name).symlink_to(aim)
        yield Odd(folder / name, None)
    (folder / "device.png").symlink_to(os.devnull)
    yield Odd(folder / "device.png", None)
    os.mkfifo(folder / "pipe.png")
    yield Odd(folder / "pipe.png", None)
    (folder / "target of link").write_bytes(png(RGB))
    (folder / "link.png").symlink_to("target of link")
    yield Odd(folder / "link.png", RGB)
    yield Odd(folder / ("b" * 300 + ".png"), None)
    if os.geteuid() != 0:  # nothing is unreadable for root
        (folder / "secret.png").write_bytes(png(RGB))
        (folder / "secret.png").chmod(0)
        yield Odd(folder / "secret.png", None)


def turned() -> Iterator[tuple[str, bytes, np.ndarray]]:
    """The eight orientations that a camera can note."""
    turns: tuple[Callable[[np.ndarray], np.ndarray], ...] = (
        lambda a: a,
        lambda a: a[:, ::-1],
        lambda a: a[::-1, ::-1],
        lambda a: a[::-1],
        lambda a: a.swapaxes(0, 1),
        lambda a: np.rot90(a, -1),
        lambda a: a[::-1, ::-1].swapaxes(0, 1),
        np.rot90,
    )
    for number, turn in enumerate(turns, start=1):
        exif = Image.Exif()
        exif[0x0112] = number
        content = saved(Image.fromarray(RGB), "PNG", exif=exif)
        yield f"turned-{number}.png", content, np.ascontiguousarray(turn(RGB))


def sizes() -> Iterator[tuple[str, np.ndarray]]:
    for height, width in ((1, 1), (1, 2), (3, 1), (1, 10_000), (10_000, 1), (2, 300), (255, 2), (256, 3), (257, 3)):
        yield f"{height}x{width}", picture(height, width)


def odd_files(folder: Path) -> list[Odd]:
    """Write the corpus into a folder; the same files in the same order every time."""
    found: list[Odd] = []

    def add(name: str, content: bytes, expected: np.ndarray | str | None) -> None:
        (folder / name).write_bytes(content)
        found.append(Odd(folder / name, expected))

    good = readable()
    for number, (name, (content, levels)) in enumerate(good.items()):
        add(name, content, levels)
        stem, _, suffix = name.rpartition(".")
        other = {"png": "jpg", "jpg": "png"}.get(suffix, "png")
        add(f"{stem}-{suffix}-as.{other}", content, levels)
        for what, spoiled in damaged(content, number):
            add(f"{stem}-{what}.{suffix}", spoiled, EITHER)
    for name, content in refused().items():
        add(name, content, None)
    for name, content, levels in turned():
        add(name, content, levels)
    for name, levels in sizes():
        add(f"{name}.png", png(levels), levels)
        if max(levels.shape) < 1000:
            add(f"{name}.bmp", saved(Image.fromarray(levels), "BMP"), levels)
    for name in NAMES:
        add(name, png(RGB), RGB)
    (folder / os.fsdecode(b"not utf-8 \xff.png")).write_bytes(png(RGB))
    found.append(Odd(folder / os.fsdecode(b"not utf-8 \xff.png"), RGB))
    found.extend(special(folder))
    return found
