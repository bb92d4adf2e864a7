"""JPEG files with less data than their header promises, which libjpeg fills with grey, and sound ones that look so."""

import io

import numpy as np
import pytest
from helpers import picture
from odd_files import taller_jpeg
from PIL import Image

from cincgan_tutorial import jpeg
from cincgan_tutorial.images import read_pixels
from cincgan_tutorial.pictures import read_picture

KINDS = {
    "plain": {},
    "progressive": {"progressive": True},
    "full-chroma": {"subsampling": 0},
    "half-chroma": {"subsampling": 1},
    "own-tables": {"optimize": True},
    "restarts-by-row": {"restart_marker_rows": 1},
    "restarts": {"restart_marker_blocks": 3},
    "progressive-restarts": {"progressive": True, "restart_marker_rows": 1},
}


def saved(pixels: np.ndarray, mode: str = "RGB", **options) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(file, "JPEG", quality=85, **options)
    return file.getvalue()


def refuses(path, content: bytes) -> None:
    path.write_bytes(content)
    for read in (read_pixels, read_picture):
        with pytest.raises(ValueError, match=r"a\.jpg: damaged or truncated image \(fewer rows than .* promises"):
            read(path)


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("kind", KINDS)
def test_fewer_rows_than_the_header_promises(tmp_path, kind, mode):
    for seed, (height, width) in enumerate(((61, 78), (64, 64), (17, 33), (8, 120))):
        content = saved(picture(height, width, seed), mode, **KINDS[kind])
        for rows in (16, 40, 300):
            refuses(tmp_path / "a.jpg", taller_jpeg(content, rows))
        # Two blocks and more: libjpeg decodes the first one that is missing from zeros, to any colour.
        refuses(tmp_path / "a.jpg", taller_jpeg(content, 0, 40))


@pytest.mark.parametrize("kind", ["plain", "full-chroma", "restarts"])
def test_data_that_end_early_under_a_mark_of_the_end(tmp_path, kind):
    content = saved(picture(61, 78), **KINDS[kind])
    scan = content.index(bytes((0xFF, 0xDA)))
    for part in (0.3, 0.6, 0.9):
        refuses(tmp_path / "a.jpg", content[: scan + round(part * (len(content) - scan))] + b"\xff\xd9")


def test_a_photograph_and_its_previews(tmp_path):
    """MPO: several JPEG files in one, of which the first counts; and rubbish behind the end."""
    file = io.BytesIO()
    more = [Image.fromarray(picture(16, 16, 1))]
    Image.fromarray(picture(61, 78)).save(file, "MPO", save_all=True, append_images=more)
    refuses(tmp_path / "a.jpg", taller_jpeg(file.getvalue(), 40))
    refuses(tmp_path / "a.jpg", taller_jpeg(saved(picture(61, 78)), 40) + b"\xff\xd9\xff\xda rubbish")


def grey_corner(height: int, width: int, seed: int = 0) -> np.ndarray:
    """A sound picture that ends as a filled one does."""
    pixels = picture(height, width, seed)
    pixels[height // 2 :] = 128
    return pixels


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_that_is_grey_below_is_sound(tmp_path, kind, mode):
    for seed, (height, width) in enumerate(((61, 78), (64, 64), (17, 33), (8, 120), (1, 1))):
        content = saved(grey_corner(height, width, seed), mode, **KINDS[kind])
        (tmp_path / "a.jpg").write_bytes(content + b"rubbish behind the end")
        expected = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))
        assert jpeg.continued(content) is not None
        np.testing.assert_array_equal(read_pixels(tmp_path / "a.jpg"), expected)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("grey", [False, True])
def test_more_data_change_nothing_in_a_sound_file(kind, grey):
    """Whatever it shows: only the doubtful ones are looked at so, but any may be."""
    for seed in range(20):
        height, width = np.random.default_rng(seed).integers(1, 70, 2)
        pixels = (grey_corner if grey else picture)(int(height), int(width), seed)
        content = saved(pixels, **KINDS[kind])
        before, after = (np.asarray(Image.open(io.BytesIO(c))) for c in (content, jpeg.continued(content)))
        np.testing.assert_array_equal(before, after)


def test_a_picture_that_does_not_end_in_grey_is_decoded_once(tmp_path, monkeypatch):
    monkeypatch.setattr("cincgan_tutorial.images.continued", lambda _: pytest.fail("decoded twice"))
    (tmp_path / "a.jpg").write_bytes(saved(np.full((20, 20, 3), 90, np.uint8)))
    assert read_pixels(tmp_path / "a.jpg").shape == (20, 20, 3)


def test_photographs_are_sound(data):
    """No false alarm: not one pixel of a real photograph depends on what follows its data."""
    paths = sorted((data / "train").rglob("*.jpg"))[::20]
    for path in paths:
        content = path.read_bytes()
        before, after = (np.asarray(Image.open(io.BytesIO(c))) for c in (content, jpeg.continued(content)))
        np.testing.assert_array_equal(before, after)
    assert len(paths) == 20


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xd8",
        b"\xff\xd8\xff\xd9",
        b"\xff\xd8\xff\xe0\x00",
        b"\xff\xd8\xff\xe0\x00\x00\xff\xe0",
        b"\xff\xd8\xff\xc0\x00\x02\xff\xda\x00\x02 no end",
        b"\xff\xd8\xff\xc9\x00\x02\xff\xda\x00\x02 arithmetic\xff\xd9",
        b"\xff\xd8rubbish\xff\xda",
    ],
)
def test_a_stream_that_says_nothing_has_no_continuation(content):
    assert jpeg.continued(content) is None


def test_data_follow_those_of_the_first_scan():
    head = b"\xff\xd8\xff\xe1\x00\x04\xff\xda\xff\xc2\x00\x02\xff\xda\x00\x03s"
    more = jpeg.continued(head + b"\x12\xff\x00\x13\xff\xd6\x14\xff\xd9tail")
    assert more.startswith(head + b"\x12\xff\x00\x13\xff\xd6\x14")
    assert more.endswith(b"\xff\xd9tail")
    added = more.removeprefix(head + b"\x12\xff\x00\x13\xff\xd6\x14").removesuffix(b"\xff\xd9tail")
    # Markers of a restart are numbered from 0 to 7, over and over.
    assert [added[i + 1] for i, byte in enumerate(added) if byte == 0xFF][:3] == [0xD7, 0xD0, 0xD1]
