"""What a picture file carries beside 8-bit RGB comes in complete: depth, alpha, profile, grey, orientation."""

import io

import numpy as np
import pytest
import tifffile
from helpers import picture
from PIL import Image, ImageCms

from cincgan_tutorial.pictures import read_picture, size_of
from cincgan_tutorial.png import PngWriter

RGB = picture(10, 14, 3)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
# Only what says which colours it is for matters here.
GREY_PROFILE = SRGB[:16] + b"GRAY" + SRGB[20:]


def wide(channels, height=10, width=14):
    return np.random.default_rng(channels).integers(0, 65536, (height, width, channels), dtype=np.uint16)


def write_wide_png(path, levels):
    with path.open("wb") as file:
        png = PngWriter(file, levels.shape[1], levels.shape[0], levels.shape[2], 16)
        png.write(levels)
        png.close()


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_sixteen_bit_png_keeps_every_bit(tmp_path, channels):
    levels = wide(channels)
    write_wide_png(tmp_path / "a.png", levels)
    read = read_picture(tmp_path / "a.png")
    assert (read.depth, read.narrowed, read.grey) == (16, False, channels < 3)
    assert np.array_equal(read.levels, levels)


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_sixteen_bit_tiff_keeps_every_bit(tmp_path, compression, byteorder, channels):
    levels = wide(channels)
    tifffile.imwrite(
        tmp_path / "a.tif",
        levels[..., 0] if channels == 1 else levels,
        photometric="minisblack" if channels == 1 else "rgb",
        compression=compression,
        byteorder=byteorder,
        extrasamples=["unassalpha"] if channels == 4 else None,
        rowsperstrip=3,
    )
    read = read_picture(tmp_path / "a.tif")
    assert read.depth == 16
    assert np.array_equal(read.levels, levels)


def test_sixteen_bits_that_can_not_all_be_read_are_said_to_be_narrowed(tmp_path):
    levels = wide(4)
    tifffile.imwrite(tmp_path / "a.tif", levels, photometric="rgb", extrasamples=["assocalpha"])
    read = read_picture(tmp_path / "a.tif")
    assert (read.depth, read.narrowed) == (8, True)
    assert not read_picture_of(tmp_path, Image.fromarray(RGB)).narrowed


def test_a_turned_picture_of_sixteen_bits_is_turned_in_both_bytes(tmp_path):
    levels = wide(3)
    tifffile.imwrite(tmp_path / "a.tif", levels, photometric="rgb", extratags=[(274, 3, 1, 6, True)])
    assert np.array_equal(read_picture(tmp_path / "a.tif").levels, np.rot90(levels, -1))


def read_picture_of(folder, image, name="a.png", **options):
    image.save(folder / name, **options)
    return read_picture(folder / name)


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_eight_bit_channels_are_read_as_they_are(tmp_path, mode):
    channels = len(mode)
    levels = np.dstack([RGB, RGB[..., :1]])[..., :channels] if mode != "LA" else RGB[..., :2]
    read = read_picture_of(tmp_path, Image.fromarray(levels.squeeze()))
    assert np.array_equal(read.levels, levels)
    assert (read.depth, read.grey, read.size) == (8, channels < 3, (10, 14))
    assert (read.alpha is None) == (mode in ("L", "RGB"))


def test_one_bit_and_palettes_are_read(tmp_path):
    bit = read_picture_of(tmp_path, Image.fromarray(RGB[..., 0] > 128))
    assert np.array_equal(bit.levels[..., 0], np.where(RGB[..., 0] > 128, 255, 0))
    palette = Image.fromarray(RGB).quantize(8)
    assert np.array_equal(read_picture_of(tmp_path, palette).levels, np.asarray(palette.convert("RGB")))


@pytest.mark.parametrize("mode", ["P", "L", "RGB"])
def test_a_transparent_colour_becomes_alpha(tmp_path, mode):
    image = Image.fromarray(RGB)
    image = image.quantize(8) if mode == "P" else image.convert(mode)
    read = read_picture_of(tmp_path, image, transparency=image.getpixel((3, 2)))
    same = (np.atleast_3d(np.asarray(image)) == np.atleast_3d(np.asarray(image))[2, 3]).all(axis=2)
    assert np.array_equal(read.alpha, np.where(same, 0, 255))
    assert read.grey == (mode == "L")


@pytest.mark.parametrize("channels", [1, 3])
def test_a_transparent_colour_of_sixteen_bits_is_compared_in_all_of_them(tmp_path, channels):
    levels = wide(channels)
    levels[0, 1] = levels[0, 0] ^ 1  # another colour, with the same high bytes
    levels[0, 2, 1:] = levels[0, 0, 1:]  # alike but for the red
    write_wide_png(tmp_path / "a.png", levels)
    content = (tmp_path / "a.png").read_bytes()
    key = levels[0, 0].astype(">u2").tobytes()
    file = io.BytesIO()
    PngWriter(file, 1, 1, 1)._chunk(b"tRNS", key)
    chunk = file.getvalue()[-12 - len(key) :]
    (tmp_path / "a.png").write_bytes(content[:33] + chunk + content[33:])
    read = read_picture(tmp_path / "a.png")
    assert read.alpha[0].tolist()[:3] == [0, 65535, 65535]
    assert np.array_equal(read.levels[..., :-1], levels)


def test_the_profile_is_kept_where_it_fits(tmp_path):
    assert read_picture_of(tmp_path, Image.fromarray(RGB), icc_profile=SRGB).icc_profile == SRGB
    assert read_picture_of(tmp_path, Image.fromarray(RGB), "a.jpg", icc_profile=SRGB).icc_profile == SRGB
    grey = Image.fromarray(RGB[..., 0])
    read = read_picture_of(tmp_path, grey, icc_profile=GREY_PROFILE)
    assert (read.icc_profile, read.grey) == (GREY_PROFILE, True)
    read = read_picture_of(tmp_path, grey, icc_profile=SRGB)
    assert (read.icc_profile, read.levels.shape) == (SRGB, (10, 14, 3)), "grey under a profile for colours"
    assert read_picture_of(tmp_path, Image.fromarray(RGB), icc_profile=GREY_PROFILE).icc_profile is None
    assert read_picture_of(tmp_path, Image.fromarray(RGB)).icc_profile is None


def test_rows_are_what_the_networks_want(tmp_path):
    rgba = np.dstack([RGB, RGB[..., 0]])
    rows = read_picture_of(tmp_path, Image.fromarray(rgba)).rows(2, 5)
    assert np.array_equal((rows[0] * 255).round().permute(1, 2, 0).numpy(), RGB[2:5])
    write_wide_png(tmp_path / "b.png", wide(1))
    rows = read_picture(tmp_path / "b.png").rows(0, 10)
    assert rows.shape == (1, 3, 10, 14)
    for channel in range(3):
        assert np.allclose(rows[0, channel].numpy() * 65535, wide(1)[..., 0], atol=0.01)


@pytest.mark.parametrize(("mode", "suffix"), [("CMYK", "jpg"), ("CMYK", "tif"), ("LAB", "tif"), ("F", "tif")])
def test_colour_spaces_without_an_exact_rgb_are_refused(tmp_path, mode, suffix):
    with pytest.raises(ValueError, match=rf"a\.{suffix}: colour mode {mode}.*[Cc]onvert"):
        read_picture_of(tmp_path, Image.new(mode, (8, 8)), f"a.{suffix}")


def test_the_size_is_in_the_header_and_none_where_there_is_none(tmp_path):
    Image.fromarray(RGB).save(tmp_path / "a.png")
    assert size_of(tmp_path / "a.png") == (10, 14)
    (tmp_path / "b.png").write_bytes((tmp_path / "a.png").read_bytes()[:20])
    for name in ("b.png", "missing.png", "."):
        assert size_of(tmp_path / name) is None
