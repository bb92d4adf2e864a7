"""The cubic kernel, the resize matrix, reduction and enlargement."""

import pytest
import torch
from helpers import soft_image

from cincgan_tutorial.degradation import bicubic_downsample, bicubic_upsample, cubic, resize, resize_matrix


@pytest.mark.parametrize(
    ("t", "value"),
    [(0, 1), (0.5, 0.5625), (-0.5, 0.5625), (1, 0), (1.5, -0.0625), (-1.5, -0.0625), (2, 0), (2.5, 0), (-9, 0)],
)
def test_cubic_is_keys_kernel_with_a_minus_one_half(t, value):
    assert cubic(torch.tensor(float(t))).item() == pytest.approx(value)


def test_cubic_sums_to_one_over_the_integers_wherever_it_stands():
    integers = torch.arange(-4, 5, dtype=torch.float64)
    for offset in torch.linspace(0, 1, 11, dtype=torch.float64):
        assert cubic(integers - offset).sum().item() == pytest.approx(1)


@pytest.mark.parametrize("antialias", [True, False])
@pytest.mark.parametrize(("size", "new"), [(16, 4), (4, 16), (37, 9), (9, 37), (8, 8), (3, 2), (2, 8), (5, 1)])
def test_rows_of_the_resize_matrix_sum_to_one(size, new, antialias):
    matrix = resize_matrix(size, new, antialias)
    assert matrix.shape == (new, size)
    torch.testing.assert_close(matrix.sum(1), torch.ones(new))


def test_equal_size_is_the_identity():
    torch.testing.assert_close(resize_matrix(7, 7), torch.eye(7), atol=1e-7, rtol=0)


def test_beyond_the_ends_the_signal_is_mirrored_with_its_end_sample():
    signal = torch.rand(24, generator=torch.Generator().manual_seed(1), dtype=torch.float32)
    extended = torch.cat([signal.flip(0), signal, signal.flip(0)])
    ours = resize_matrix(24, 6) @ signal
    torch.testing.assert_close(ours, (resize_matrix(72, 18) @ extended)[6:12])


def test_antialiasing_lets_every_pixel_count_alike():
    inner = slice(8, -8)
    torch.testing.assert_close(resize_matrix(64, 16).sum(0)[inner], torch.full((48,), 16 / 64))
    skipped = resize_matrix(64, 16, antialias=False).sum(0)[inner]
    assert skipped.max() > 4 * skipped.abs().min()
    torch.testing.assert_close(resize_matrix(16, 64, antialias=False), resize_matrix(16, 64))


def test_sample_positions_keep_a_slope_a_slope():
    ramp = (torch.arange(64) / 64).expand(1, 3, 64, 64)
    small = bicubic_downsample(ramp)[0, 0]
    expected = ((torch.arange(16) + 0.5) * 4 - 0.5) / 64
    torch.testing.assert_close(small[8, 3:-3], expected[3:-3], atol=1e-5, rtol=0)


@pytest.mark.parametrize("scale", [2, 4])
def test_shapes_of_reduction_and_enlargement(scale):
    z = soft_image(24, 32)
    assert bicubic_downsample(z, scale).shape == (1, 3, 24 // scale, 32 // scale)
    assert bicubic_upsample(z, scale).shape == (1, 3, 24 * scale, 32 * scale)


def test_height_and_width_are_not_mixed_up():
    tall = resize(soft_image(40, 20), 10, 30)
    assert tall.shape == (1, 3, 10, 30)
    torch.testing.assert_close(resize(soft_image(40, 20).mT, 30, 10).mT, tall)


@pytest.mark.parametrize("size", [(30, 32), (32, 30)])
def test_a_size_that_is_no_multiple_of_the_scale_is_refused(size):
    with pytest.raises(ValueError, match=r"divisible by 4.*crop_to_multiple"):
        bicubic_downsample(soft_image(*size))
