"""EDSR's last two layers as one: their results, their gradients, and the border."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from cincgan_tutorial.architectures import EDSR, Upsampler, linear
from cincgan_tutorial.presets import EDSRSize

AS_LAYERS, AT_ONCE = "ConvolutionBackward0", "CatBackward0"


@pytest.fixture(autouse=True)
def without_matrix_instructions(monkeypatch):
    monkeypatch.setattr("torch.cpu._is_amx_tile_supported", lambda: False)


def layers(features=4, bias=True, dtype=torch.float64):
    """A stage and a tail."""
    torch.manual_seed(0)
    stage = Upsampler(nn.Conv2d(features, 4 * features, 3, padding=1, bias=bias), nn.PixelShuffle(2))
    return nn.ModuleList([stage, nn.Conv2d(features, 3, 3, padding=1, bias=bias)]).to(dtype)


def maps_of(*shape, dtype=torch.float64):
    generator = torch.Generator().manual_seed(1)
    return torch.randn(shape, dtype=dtype, generator=generator).to(memory_format=torch.channels_last).requires_grad_()


def gradients(result, given, module):
    gradient = torch.randn(result.shape, generator=torch.Generator().manual_seed(2)).to(result.dtype)
    return torch.autograd.grad(result, [given, *module.parameters()], gradient)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("size", [(1, 1), (1, 5), (2, 2), (3, 2), (4, 3), (5, 9)])
def test_results_and_gradients_are_those_of_the_layers(size, bias):
    stage, tail = both = layers(bias=bias)
    maps = maps_of(2, 4, *size)
    results = linear.enlarge_at_once(maps, stage, tail), tail(stage(maps))
    assert results[0].shape == (2, 3, 2 * size[0], 2 * size[1])
    torch.testing.assert_close(*results, rtol=0, atol=1e-12)
    for ours, usual in zip(*(gradients(result, maps, both) for result in results), strict=True):
        torch.testing.assert_close(ours, usual, rtol=0, atol=1e-11)


def test_the_one_convolution_alone_is_right_inside_and_wrong_at_the_border():
    """So the border needs the layers, and no more than its outermost pixels do."""
    stage, tail = layers()
    maps = maps_of(1, 4, 6, 6)
    kernel, bias = linear.as_one(stage, tail, 4)
    assert kernel.shape == (12, 4, 5, 5)
    alone = torch.pixel_shuffle(torch.conv2d(maps, kernel, bias, padding=2), 2)
    apart = (alone - tail(stage(maps))).abs().amax((0, 1))
    assert apart[1:-1, 1:-1].max() < 1e-12
    assert min(apart[edge].min() for edge in (0, -1)) > 1e-6 < min(apart[:, edge].min() for edge in (0, -1))


def sr_and_images(features=32):
    torch.manual_seed(0)
    SR = EDSR(EDSRSize(features, 1)).to(memory_format=torch.channels_last)
    images = torch.rand(2, 3, 24, 25, generator=torch.Generator().manual_seed(0))
    return SR, images.to(memory_format=torch.channels_last)


def way_of(result):
    """What made the enlarged image, before its mean was added."""
    return result.grad_fn.next_functions[0][0].name()


@pytest.mark.parametrize("numbers", [torch.float32, torch.bfloat16])
def test_sr_learns_so_and_answers_layer_by_layer(numbers):
    SR, images = sr_and_images()
    with torch.autocast("cpu", torch.bfloat16, enabled=numbers is torch.bfloat16):
        learning, answering = SR.train()(images), SR.eval()(images)
    assert (way_of(learning), way_of(answering)) == (AT_ONCE, AS_LAYERS)
    assert learning.dtype == answering.dtype
    torch.testing.assert_close(learning, answering, rtol=0, atol=1e-5 if numbers is torch.float32 else 2e-2)


def test_under_autocast_results_and_gradients_round_no_more_than_those_of_the_layers():
    """Of the results less, since nothing is rounded between the layers."""
    both = layers(64, dtype=torch.float32)
    maps = maps_of(8, 64, 24, 24, dtype=torch.float32)

    def found(way):
        result = way(maps, *both)
        return [result, *gradients(result, maps, both)]

    def one_by_one(maps, stage, tail):
        return tail(stage(maps))

    exact = found(one_by_one)
    with torch.autocast("cpu", torch.bfloat16):
        ours, usual = found(linear.enlarge_at_once), found(one_by_one)
    assert ours[0].dtype == usual[0].dtype == torch.bfloat16
    errors = [[(a - b).norm() / b.norm() for a, b in zip(way, exact, strict=True)] for way in (ours, usual)]
    assert len(errors[0]) == 6
    assert errors[0][0] < 0.9 * errors[1][0]
    for of_ours, of_usual in zip(*errors, strict=True):
        assert of_ours < max(1.2 * of_usual, 2e-3)


def test_narrow_and_unscaled_ones_matrix_instructions_and_other_devices_go_layer_by_layer(monkeypatch):
    narrow, images = sr_and_images(31)
    assert way_of(narrow(images)) == AS_LAYERS
    assert way_of(EDSR(EDSRSize(32, 1), scale=1)(images)) == AS_LAYERS
    SR, images = sr_and_images(32)
    assert way_of(SR(images)) == way_of(SR(images.contiguous())) == AT_ONCE
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr("torch.cpu._is_amx_tile_supported", lambda: True)
        assert way_of(SR(images)) == AS_LAYERS
    assert way_of(SR.to("meta")(images.to("meta"))) == AS_LAYERS


def test_few_pixels_one_image_alone_and_no_gradients_go_layer_by_layer(monkeypatch):
    SR, images = sr_and_images()
    assert SR(images[0]).shape == (3, 96, 100)
    assert way_of(SR(images[:, :, :15])) == AT_ONCE
    assert way_of(SR(images[:, :, :14])) == AS_LAYERS
    monkeypatch.setattr("cincgan_tutorial.architectures.edsr.enlarge_at_once", None)
    with torch.no_grad():
        assert SR(images).shape == (2, 3, 96, 100)


@pytest.mark.parametrize("scale", [2, 4, 8])
def test_every_number_of_stages(scale):
    torch.manual_seed(0)
    SR = EDSR(EDSRSize(32, 1), scale).double()
    side = 144 // scale
    images = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(0)).double()
    learning = SR.train()(images)
    assert way_of(learning) == AT_ONCE
    torch.testing.assert_close(learning, SR.eval()(images), rtol=0, atol=1e-12)


def test_it_saves_most_multiplications_of_the_paper_s_batch():
    """64 features, 16 patches of 64x64 pixels: an eighth in the one convolution, an eighth at the border, the rest
    for the impulses."""
    both = layers(64, dtype=torch.float32)
    maps = maps_of(16, 64, 64, 64, dtype=torch.float32)
    counted = []
    for way in (lambda stage, tail: linear.enlarge_at_once(maps, stage, tail), lambda stage, tail: tail(stage(maps))):
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            way(*both)
        counted.append(counter.get_total_flops())
    assert 0.2 < counted[0] / counted[1] < 0.3


def test_gradients_have_gradients():
    stage, tail = layers(2)
    assert torch.autograd.gradgradcheck(
        lambda maps: linear.enlarge_at_once(maps, stage, tail) ** 2, maps_of(1, 2, 3, 3)
    )


def test_weights_that_stand_still_stay_so():
    SR, images = sr_and_images()
    SR.requires_grad_(False)
    images.requires_grad_()
    SR(images).sum().backward()
    assert images.grad.abs().sum() > 0
    assert all(weights.grad is None for weights in SR.parameters())
