"""Files in and out: every kind of image is converted or refused by name, and nothing is half written."""

import errno
import os

import numpy as np
import pytest
import torch
from helpers import picture, save_picture
from odd_files import refused
from PIL import Image, ImageFile

from cincgan_tutorial.images import (
    check_images,
    content_hash,
    crop_to_multiple,
    from_pixels,
    list_images,
    luma,
    quantise,
    read_image,
    read_pixels,
    replacing,
    shave,
    to_pixels,
    write_png,
)
from cincgan_tutorial.pictures import read_picture

RGB = picture(10, 14, 3)


def no_leftovers(folder):
    return not [path for path in folder.iterdir() if ".part" in path.name]


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif"])
def test_lossless_files_are_read_exactly(tmp_path, suffix):
    Image.fromarray(RGB).save(tmp_path / f"a.{suffix}")
    image = read_image(tmp_path / f"a.{suffix}")
    assert image.dtype == torch.float32
    assert image.shape == (3, 10, 14)
    assert np.array_equal((image * 255).round().byte().permute(1, 2, 0).numpy(), RGB)


def test_red_comes_first(tmp_path):
    Image.new("RGB", (4, 4), (255, 128, 0)).save(tmp_path / "a.png")
    assert read_image(tmp_path / "a.png")[:, 0, 0].tolist() == pytest.approx([1, 128 / 255, 0])


def test_grey_palette_and_one_bit_become_rgb(tmp_path):
    grey = RGB[..., 0]
    Image.fromarray(grey).save(tmp_path / "grey.png")
    Image.fromarray(RGB).quantize(8).save(tmp_path / "palette.png")
    Image.fromarray(grey > 128).save(tmp_path / "bit.png")
    assert np.array_equal(read_pixels(tmp_path / "grey.png"), np.repeat(grey[..., None], 3, 2))
    expected = np.asarray(Image.fromarray(RGB).quantize(8).convert("RGB"))
    assert np.array_equal(read_pixels(tmp_path / "palette.png"), expected)
    assert np.array_equal(read_pixels(tmp_path / "bit.png")[..., 1], np.where(grey > 128, 255, 0))


def test_sixteen_bit_grey_is_rounded_to_eight(tmp_path):
    wide = np.array([[0, 128, 129, 257], [65535, 65406, 65407, 32896]], dtype=np.uint16)
    Image.fromarray(wide).save(tmp_path / "wide.png")
    assert read_pixels(tmp_path / "wide.png")[..., 0].tolist() == [[0, 0, 1, 1], [255, 254, 255, 128]]


def test_opaque_alpha_is_dropped_and_true_transparency_refused(tmp_path):
    alpha = np.full((10, 14, 1), 255, np.uint8)
    save_picture(tmp_path / "opaque.png", np.concatenate([RGB, alpha], 2))
    assert np.array_equal(read_pixels(tmp_path / "opaque.png"), RGB)
    alpha[0, 0] = 254
    save_picture(tmp_path / "clear.png", np.concatenate([RGB, alpha], 2))
    with pytest.raises(ValueError, match=r"clear\.png: has transparent pixels.*Flatten"):
        read_pixels(tmp_path / "clear.png")


@pytest.mark.parametrize("mode", ["P", "RGB", "L"])
def test_transparency_that_is_no_channel_is_refused_too(tmp_path, mode):
    image = Image.new("RGB", (4, 4), (10, 20, 30)).convert(mode)
    colour = image.getpixel((0, 0))
    image.save(tmp_path / "keyed.png", transparency=colour)
    with pytest.raises(ValueError, match=r"keyed\.png: has transparent pixels"):
        read_pixels(tmp_path / "keyed.png")


@pytest.mark.parametrize(("mode", "suffix"), [("CMYK", "jpg"), ("CMYK", "tif"), ("LAB", "tif"), ("F", "tif")])
def test_colour_spaces_without_an_exact_rgb_are_refused(tmp_path, mode, suffix):
    Image.new(mode, (8, 8)).save(tmp_path / f"a.{suffix}")
    with pytest.raises(ValueError, match=rf"a\.{suffix}: colour mode {mode}.*[Cc]onvert"):
        read_pixels(tmp_path / f"a.{suffix}")


@pytest.mark.parametrize("suffix", ["png", "webp", "tif"])
def test_an_animation_is_refused(tmp_path, suffix):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / f"a.{suffix}", save_all=True, append_images=frames[1:])
    with pytest.raises(ValueError, match=rf"a\.{suffix}: an animation"):
        read_pixels(tmp_path / f"a.{suffix}")


@pytest.mark.parametrize("suffix", ["jpg", "png"])
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9])
def test_a_truncated_file_is_named(tmp_path, suffix, kept):
    path = tmp_path / f"cut.{suffix}"
    Image.fromarray(picture(64, 64)).save(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(ValueError, match=rf"cut\.{suffix}: (damaged|not an image)"):
        read_pixels(path)


@pytest.mark.parametrize("name", [name for name in refused() if name.startswith(("taller", "ended"))])
def test_a_picture_whose_header_promises_more_rows_is_refused_and_not_read_as_black_or_grey(tmp_path, name):
    (tmp_path / name).write_bytes(refused()[name])
    for read in (read_pixels, read_picture):
        with pytest.raises(ValueError, match=rf"{name}: damaged .*fewer rows than its header promises.* Copy it again"):
            read(tmp_path / name)


@pytest.mark.parametrize("mode", ["1", "L", "RGB", "I;16"])
def test_a_picture_whose_last_rows_are_black_is_read(tmp_path, mode):
    pixels = RGB.copy()
    pixels[-3:] = 0
    Image.fromarray(pixels).convert(mode).save(tmp_path / "a.png")
    assert (read_pixels(tmp_path / "a.png")[-3:] == 0).all()


@pytest.mark.parametrize("content", [b"", b"just text", b"\x00" * 300])
def test_a_file_that_is_no_image_is_named(tmp_path, content):
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.png: not an image"):
        read_pixels(tmp_path / "a.png")


def test_a_missing_file_stays_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_pixels(tmp_path / "none.png")


@pytest.mark.parametrize(("orientation", "expected"), [(1, RGB), (3, RGB[::-1, ::-1]), (6, np.rot90(RGB, -1))])
def test_the_cameras_orientation_is_applied(tmp_path, orientation, expected):
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(RGB).save(tmp_path / "a.png", exif=exif)
    assert np.array_equal(read_pixels(tmp_path / "a.png"), expected)


def test_pixels_and_tensors_are_the_same_picture_both_ways():
    assert np.array_equal(to_pixels(from_pixels(RGB)), RGB)
    assert to_pixels(torch.tensor([-1.0, 0.4999 / 255, 2.0]).view(3, 1, 1)).tolist() == [[[0, 0, 255]]]


def test_quantise_clamps_and_rounds():
    values = torch.tensor([-0.2, 0.0, 0.6 / 255, 1.4 / 255, 1.3])
    torch.testing.assert_close(quantise(values), torch.tensor([0, 0, 1, 1, 255]) / 255)


def test_write_png_is_lossless_and_makes_the_folder(tmp_path):
    path = write_png(tmp_path / "new" / "a.png", from_pixels(RGB))
    assert np.array_equal(np.asarray(Image.open(path)), RGB)
    assert no_leftovers(path.parent)


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    path.write_bytes(b"old")

    def full(self, where, format):
        where.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(OSError, match="No space"):
        write_png(path, from_pixels(RGB))
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]


def interrupt(*_):
    raise KeyboardInterrupt


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_an_error_at_the_end_names_the_file_that_was_wanted(tmp_path, monkeypatch, call):
    (tmp_path / "a").write_text("old")

    def refused(*given):
        """As the system does: `fsync` has no name to give, `replace` gives that of the temporary file."""
        name = (str(given[0]),) if call == "replace" else ()
        raise OSError(errno.ENOSPC, "No space left on device", *name)

    monkeypatch.setattr(os, call, refused)
    with pytest.raises(OSError, match="No space left") as found, replacing(tmp_path / "a") as temporary:
        temporary.write_text("new")
    assert found.value.filename == str(tmp_path / "a")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a", "old")]


def test_replacing_shows_nothing_before_it_is_complete(tmp_path):
    path = tmp_path / "a"
    with replacing(path) as temporary:
        temporary.write_text("new")
        assert not path.exists()
        assert temporary.parent == path.parent
    assert path.read_text() == "new"
    assert no_leftovers(tmp_path)
    assert path.stat().st_mode & 0o400
    with pytest.raises(KeyboardInterrupt), replacing(path) as temporary:
        interrupt(temporary.write_text("newer"))
    assert path.read_text() == "new"
    assert no_leftovers(tmp_path)


def test_written_files_have_the_permissions_of_any_other_file(tmp_path):
    ordinary = tmp_path / "ordinary"
    ordinary.touch()
    with replacing(tmp_path / "a") as temporary:
        temporary.write_text("new")
    assert (tmp_path / "a").stat().st_mode == ordinary.stat().st_mode


def test_list_images_goes_into_folders_in_order_and_leaves_out_what_is_hidden_or_no_image(tmp_path):
    for name in ("b.PNG", "a/z.jpeg", "a/c.webp", ".hidden.png", ".git/x.png", "notes.txt", "split.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()
    assert [p.relative_to(tmp_path).as_posix() for p in list_images(tmp_path)] == ["a/c.webp", "a/z.jpeg", "b.PNG"]


def test_list_images_refuses_a_folder_without_images_and_what_is_no_folder(tmp_path):
    with pytest.raises(ValueError, match=r"no images in it.*\.png"):
        list_images(tmp_path)
    (tmp_path / "a.png").touch()
    for wrong in (tmp_path / "a.png", tmp_path / "absent"):
        with pytest.raises(ValueError, match="not a folder"):
            list_images(wrong)


def test_content_hash_sees_pixels_and_shape_and_nothing_else(tmp_path):
    Image.fromarray(RGB).save(tmp_path / "a.png")
    Image.fromarray(RGB).save(tmp_path / "b.bmp")
    assert content_hash(read_pixels(tmp_path / "a.png")) == content_hash(read_pixels(tmp_path / "b.bmp"))
    other = RGB.copy()
    other[0, 0, 0] ^= 1
    assert content_hash(other) != content_hash(RGB)
    assert content_hash(RGB.reshape(14, 10, 3)) != content_hash(RGB)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (torch.zeros(3, 4, 4), "shape"),
        (torch.zeros(1, 1, 4, 4), "shape"),
        (torch.zeros(1, 3, 4, 4, dtype=torch.uint8), "floating point"),
        (torch.full((1, 3, 4, 4), 200.0), r"\[0, 1\], got 200"),
        (torch.full((1, 3, 4, 4), -0.1), r"\[0, 1\], got -0.1"),
        (torch.full((1, 3, 4, 4), float("nan")), r"\[0, 1\], got nan"),
    ],
)
def test_check_images_says_what_is_wrong(images, message):
    with pytest.raises(ValueError, match=f"photo: expected.*{message}"):
        check_images(images, "photo")


def test_check_images_accepts_the_whole_range():
    check_images(torch.tensor([0.0, 1.0, 0.5]).view(1, 3, 1, 1))


def test_crop_and_shave_cut_the_right_sides():
    image = from_pixels(RGB)
    assert torch.equal(crop_to_multiple(image, 4), image[:, :8, :12])
    assert torch.equal(shave(image, 2), image[:, 2:8, 2:12])
    assert torch.equal(shave(image, 0), image)
    for border in (5, -1):
        with pytest.raises(ValueError, match="border"):
            shave(image, border)


def test_luma_is_matlabs():
    black, white = torch.zeros(1, 3, 1, 1), torch.ones(1, 3, 1, 1)
    assert luma(black).item() == pytest.approx(16 / 255)
    assert luma(white).item() == pytest.approx(235 / 255)
    green = torch.tensor([0.0, 1.0, 0.0]).view(1, 3, 1, 1)
    assert luma(green).item() * 255 == pytest.approx(16 + 128.553)


def test_a_picture_that_does_not_fit_into_memory_is_not_called_damaged(tmp_path, monkeypatch):
    def full(*_):
        raise MemoryError

    path = save_picture(tmp_path / "a.png", RGB)
    monkeypatch.setattr(ImageFile.ImageFile, "load", full)
    for read in (read_pixels, read_picture):
        with pytest.raises(MemoryError, match=r"a\.png: "):
            read(path)
