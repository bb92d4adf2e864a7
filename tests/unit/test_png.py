"""PNG files written row by row: what other programs read is what was given, to the bit."""

import io
import struct
import zlib

import numpy as np
import pytest
from helpers import picture
from PIL import Image, ImageCms

from cincgan_tutorial.png import PngWriter, filtered


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
