"""PNG files written row by row: what other programs read is what was given, to the bit."""

import io
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from helpers import picture
from odd_files import chunk, png
from PIL import Image, ImageCms

from cincgan_tutorial.png import PngWriter, filtered, is_whole


def levels(height, width, channels, depth, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 2**depth, (height, width, channels)).astype(f"uint{depth}")


def written(pixels, pieces=1, icc_profile=None):
    file = io.BytesIO()
    height, width, channels = pixels.shape
    png = PngWriter(file, width, height, channels, 8 * pixels.itemsize, icc_profile)
    for part in np.array_split(pixels, pieces):
        png.write(part)
    png.close()
    return file.getvalue()


def chunks(content):
    """Read the chunks of a PNG, checking each checksum: a list of (kind, content)."""
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    found, place = [], 8
    while place < len(content):
        (length,) = struct.unpack(">I", content[place : place + 4])
        body = content[place + 4 : place + 8 + length]
        assert struct.unpack(">I", content[place + 8 + length : place + 12 + length]) == (zlib.crc32(body),)
        found.append((body[:4], body[4:]))
        place += 12 + length
    return found


def plainly_read(content, channels, depth):
    """A second reader, byte by byte as section 9 of the specification says; returns (h, w, channels)."""
    parts = chunks(content)
    width, height = struct.unpack(">II", parts[0][1][:8])
    raw = zlib.decompress(b"".join(body for kind, body in parts if kind == b"IDAT"))
    step = channels * depth // 8
    length = width * step
    above, rows = bytearray(length), []
    for y in range(height):
        kind, line = raw[y * (length + 1)], bytearray(raw[y * (length + 1) + 1 : (y + 1) * (length + 1)])
        for i in range(length):
            a = line[i - step] if i >= step else 0
            b, c = above[i], above[i - step] if i >= step else 0
            p = a + b - c
            nearest = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
            line[i] = (line[i] + (0, a, b, (a + b) // 2, nearest)[kind]) % 256
        rows.append(bytes(line))
        above = line
    return np.frombuffer(b"".join(rows), f">u{depth // 8}").reshape(height, width, channels)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("size", [(1, 1), (7, 1), (1, 9), (40, 23)])
def test_a_plain_reader_gets_every_level_back(size, channels, depth):
    pixels = levels(*size, channels, depth)
    assert np.array_equal(plainly_read(written(pixels), channels, depth), pixels)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_pillow_reads_the_same_levels(channels):
    pixels = levels(70, 31, channels, 8)
    with Image.open(io.BytesIO(written(pixels, pieces=5))) as image:
        assert image.mode == {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[channels]
        assert np.array_equal(np.asarray(image).reshape(pixels.shape), pixels)


def test_pillow_reads_sixteen_bits_of_grey():
    pixels = levels(9, 31, 1, 16)
    with Image.open(io.BytesIO(written(pixels))) as image:
        assert np.array_equal(np.asarray(image)[..., None], pixels)


@pytest.mark.parametrize("pieces", [2, 7, 90])
def test_the_pieces_that_rows_come_in_do_not_matter(pieces):
    pixels = levels(90, 11, 3, 16)
    assert np.array_equal(plainly_read(written(pixels, pieces), 3, 16), pixels)


def magnitude(byte):
    return min(byte, 256 - byte)


def test_the_guess_is_the_one_with_the_smallest_differences():
    rng = np.random.default_rng(0)
    small = rng.integers(0, 3, (1, 90), dtype=np.uint8)
    ramp = np.arange(90, dtype=np.uint8)[None] * 2
    noise = rng.integers(0, 256, (3, 90), dtype=np.uint8)
    mean = np.zeros((1, 93), np.uint8)
    for x in range(3, 93):
        mean[0, x] = (int(mean[0, x - 3]) + int(noise[2, x - 3])) // 2
    rows = np.concatenate([mean[:, 3:], small, ramp, noise[:1], noise[:1], picture(20, 30).reshape(20, -1)])
    kinds, differences = np.split(filtered(rows, noise[2], 3), [1], axis=1)
    assert set(kinds[:, 0].tolist()) == {0, 1, 2, 3, 4}, "not every guess is tried"
    padded = np.pad(np.concatenate([noise[2:], rows]).astype(int), ((0, 0), (3, 0)))
    for y in range(len(rows)):
        costs = [0] * 5
        for x in range(3, 93):
            value, a, b, c = padded[y + 1, x], padded[y + 1, x - 3], padded[y, x], padded[y, x - 3]
            paeth = min((abs(b - c), 0, a), (abs(a - c), 1, b), (abs(a + b - 2 * c), 2, c))[2]
            for kind, guess in enumerate((0, a, b, (a + b) // 2, paeth)):
                costs[kind] += magnitude((value - guess) % 256)
        assert sum(magnitude(int(byte)) for byte in differences[y]) == min(costs) == costs[kinds[y, 0]]


def test_a_photograph_is_no_larger_than_pillow_makes_it():
    pixels = picture(200, 300)
    theirs = io.BytesIO()
    Image.fromarray(pixels).save(theirs, format="PNG")
    assert len(written(pixels)) < 1.1 * len(theirs.getvalue())


def test_the_colour_profile_is_embedded():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    with Image.open(io.BytesIO(written(levels(4, 4, 3, 8), icc_profile=profile))) as image:
        assert image.info["icc_profile"] == profile


def test_rows_too_many_too_few_or_of_another_shape_are_refused():
    png = PngWriter(io.BytesIO(), 5, 3, 3)
    with pytest.raises(ValueError, match=r"at most 3 rows of \(5, 3\), got \(2, 4, 3\)"):
        png.write(np.zeros((2, 4, 3), np.uint8))
    png.write(np.zeros((2, 5, 3), np.uint8))
    with pytest.raises(ValueError, match="1 rows are missing"):
        png.close()
    with pytest.raises(ValueError, match="at most 1 rows"):
        png.write(np.zeros((2, 5, 3), np.uint8))


def told(content, **header):
    """The same file with other things in its header: width, height."""
    size = list(struct.unpack(">II", content[16:24]))
    size = [header.get("width", size[0]), header.get("height", size[1])]
    head = b"IHDR" + struct.pack(">II", *size) + content[24:29]
    return content[:12] + head + struct.pack(">I", zlib.crc32(head)) + content[33:]


def of_mode(mode, black=False):
    image = Image.fromarray(np.zeros((13, 18, 3), np.uint8) if black else picture(13, 18, 5))
    file = io.BytesIO()
    (image.quantize(8) if mode == "P" else image.convert(mode)).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize("black", [False, True])
@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGB", "RGBA", "I;16"])
def test_a_png_is_whole_when_its_pixels_fill_its_rows(mode, black):
    content = of_mode(mode, black)
    assert is_whole(io.BytesIO(content))
    for height, whole in ((12, True), (14, False), (13_000, False)):
        assert is_whole(io.BytesIO(told(content, height=height))) is whole


@pytest.mark.parametrize("length", [1, 7, 10**6])
def test_a_large_black_png_is_whole_in_chunks_of_any_length(length):
    """Every bit of it stands for dozens of pixels, so that some wait in the unpacker when all is read."""
    head, (_, pixels), end = chunks(png(np.zeros((2000, 701, 3), np.uint8)))
    parts = [chunk(b"IDAT", pixels[start : start + length]) for start in range(0, len(pixels), length)]
    content = b"\x89PNG\r\n\x1a\n" + chunk(*head) + b"".join(parts) + chunk(*end)
    assert is_whole(io.BytesIO(content))
    assert not is_whole(io.BytesIO(told(content, height=2001)))


@pytest.mark.parametrize(("height", "width"), [(13, 18), (1, 1), (3, 2), (8, 8), (2, 9), (5, 1)])
def test_an_interlaced_png_is_whole_too(height, width):
    content = png(picture(height, width, 1), interlaced=True)
    assert is_whole(io.BytesIO(content))
    assert not is_whole(io.BytesIO(told(content, height=height + 1)))


def test_a_png_in_many_chunks_is_whole_and_one_with_a_gap_between_them_is_not():
    parts = chunks(png(levels(40, 50, 3, 8)))
    pixels = parts[1][1]
    pieces = [pixels[start : start + 100] for start in range(0, len(pixels), 100)]
    others = {"whole": [], "gap": [(b"tEXt", b"a\0b")]}
    for name, between in others.items():
        bodies = [parts[0], (b"tEXt", b"c\0d"), (b"IDAT", pieces[0]), *between, *((b"IDAT", p) for p in pieces[1:])]
        content = b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*body) for body in [*bodies, parts[2]])
        assert is_whole(io.BytesIO(content)) is (name == "whole")


def test_pixels_that_cannot_be_unpacked_are_not_whole():
    head, (kind, pixels), end = chunks(png(levels(40, 50, 3, 8)))
    spoiled = pixels[:500] + bytes(40) + pixels[540:]
    content = b"\x89PNG\r\n\x1a\n" + chunk(*head) + chunk(kind, spoiled) + chunk(*end)
    assert not is_whole(io.BytesIO(content))


def test_more_pixels_than_promised_take_no_memory():
    """Ten thousand times what the header says: no more is unpacked than needed."""
    bomb = zlib.compress(bytes(60_000_000), 9)
    head, _, end = chunks(png(levels(40, 50, 3, 8)))
    content = b"\x89PNG\r\n\x1a\n" + chunk(*head) + chunk(b"IDAT", bomb) + chunk(*end)
    tracemalloc.start()
    assert is_whole(io.BytesIO(content))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 3_000_000
