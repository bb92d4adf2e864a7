"""From a file into a PNG, band by band: the pixels are those of the networks, and nothing of the original is lost."""

import numpy as np
import pytest
import torch
from helpers import picture, soft_image
from PIL import Image

from cincgan_tutorial.degradation import bicubic_upsample
from cincgan_tutorial.enlargement import Box, cubic_enlarged, enlarge
from cincgan_tutorial.images import from_pixels, read_pixels, to_pixels
from cincgan_tutorial.inference import super_resolve
from cincgan_tutorial.pictures import Picture, read_picture

RGB = picture(37, 53)


@pytest.fixture
def upscaler(nets):
    return nets.eval().upscaler()


@pytest.mark.parametrize("tile", [8, 37, 100])
def test_the_file_holds_what_the_networks_return(upscaler, tmp_path, tile):
    enlarge(upscaler, Picture(RGB), tmp_path / "new" / "a.png", tile=tile)
    expected = to_pixels(super_resolve(upscaler, from_pixels(RGB)[None])[0])
    assert np.abs(read_pixels(tmp_path / "new" / "a.png").astype(int) - expected).max() <= 1
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.png"]


def test_sixteen_bits_are_finer_than_eight(upscaler, tmp_path):
    levels = (soft_image(20, 30)[0].permute(1, 2, 0).numpy() * 65535).round().astype(np.uint16)
    levels += np.random.default_rng(0).integers(0, 100, levels.shape, dtype=np.uint16)
    enlarge(upscaler, Picture(levels), tmp_path / "a.png")
    result = read_picture(tmp_path / "a.png").levels
    image = torch.from_numpy(levels.astype(np.float32) / 65535).permute(2, 0, 1)[None]
    expected = super_resolve(upscaler, image)[0].permute(1, 2, 0).numpy() * 65535
    assert result.dtype == np.uint16
    assert np.abs(result - expected).max() < 1
    assert len(np.unique(result & 255)) > 200, "the low bytes are used"


def test_grey_stays_grey(upscaler, tmp_path):
    grey = RGB[..., :1]
    enlarge(upscaler, Picture(grey), tmp_path / "a.png")
    result = read_picture(tmp_path / "a.png")
    assert result.grey
    red, green, blue = super_resolve(upscaler, from_pixels(np.repeat(grey, 3, axis=2))[None])[0].numpy() * 255
    assert np.abs(result.levels[..., 0] - (0.299 * red + 0.587 * green + 0.114 * blue)).max() <= 0.51


@pytest.mark.parametrize(("channels", "depth"), [(2, 8), (4, 8), (2, 16), (4, 16)])
@pytest.mark.parametrize("tile", [9, 100])
def test_alpha_is_enlarged_by_the_cubic_kernel(upscaler, tmp_path, channels, depth, tile):
    levels = np.dstack([RGB, RGB[::-1, ::-1, 0]])[..., -channels:].astype(f"uint{depth}") * (257 if depth == 16 else 1)
    enlarge(upscaler, Picture(levels), tmp_path / "a.png", tile=tile)
    result = read_picture(tmp_path / "a.png")
    highest = 2**depth - 1
    alpha = torch.from_numpy(levels[..., -1].astype(np.float32) / highest)[None, None]
    expected = bicubic_upsample(alpha).clamp(0, 1)[0, 0].numpy() * highest
    inner = slice(8, -8)  # at the border Pillow repeats what is there otherwise than MATLAB
    assert np.abs(result.alpha.astype(float) - expected)[inner, inner].max() <= 1 + highest * 1e-5
    plain = read_picture_of(upscaler, tmp_path, Picture(levels[..., :-1]))
    assert np.abs(result.levels[..., :-1].astype(int) - plain.levels).max() <= 1, "alpha changed the colours"


def read_picture_of(upscaler, folder, original):
    enlarge(upscaler, original, folder / "plain.png")
    return read_picture(folder / "plain.png")


def test_an_opaque_picture_stays_opaque(upscaler, tmp_path):
    enlarge(upscaler, Picture(np.dstack([RGB, np.full_like(RGB[..., 0], 255)])), tmp_path / "a.png", tile=10)
    assert read_picture(tmp_path / "a.png").alpha.min() == 255


def test_the_view_is_that_part_of_the_file(upscaler, tmp_path):
    box = Box(5, 11, 20, 30)
    for tile in (7, 100):
        view = enlarge(upscaler, Picture(RGB), tmp_path / "a.png", tile=tile, view=box)
        assert np.array_equal(view, np.asarray(Image.open(tmp_path / "a.png"))[20:100, 44:164])


def test_every_tile_is_reported(upscaler, tmp_path):
    calls = []
    enlarge(upscaler, Picture(RGB), tmp_path / "a.png", tile=20, done=lambda: calls.append(1))
    assert len(calls) == 2 * 3


def test_an_error_on_the_way_leaves_the_old_file(upscaler, tmp_path):
    (tmp_path / "a.png").write_bytes(b"old")

    def stop():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        enlarge(upscaler, Picture(RGB), tmp_path / "a.png", done=stop)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a.png", b"old")]


def test_parts_of_a_channel_fit_together():
    channel = RGB[..., 0]
    whole = cubic_enlarged(channel, Box(0, 0, 37, 53), 4)
    for box in (Box(0, 0, 10, 53), Box(10, 0, 20, 53), Box(30, 7, 7, 20)):
        part = cubic_enlarged(channel, box, 4)
        times = box.times(4)
        expected = whole[times.top : times.top + times.height, times.left : times.left + times.width]
        assert np.abs(part.astype(int) - expected).max() <= 1
