"""Convolution and pixel shuffle in one: what the layers would answer one after the other, and their gradients."""

import pytest
import torch
from torch import nn

from cincgan_tutorial.architectures import EDSR, Upsampler
from cincgan_tutorial.baselines.srgan import SRResNet
from cincgan_tutorial.presets import EDSRSize

LAYOUTS = [torch.contiguous_format, torch.channels_last]


def features_of(channels, layout=torch.channels_last, dtype=torch.float64, n=2):
    generator = torch.Generator().manual_seed(1)
    return torch.randn(n, channels, 5, 6, generator=generator).to(dtype).to(memory_format=layout).requires_grad_()


def stages(dtype=torch.float64):
    """A stage by 2 with an activation behind it and one by 3, as ours and as PyTorch's, with the same weights."""
    torch.manual_seed(0)
    layers = [
        nn.Conv2d(4, 8, 3, padding=1), nn.PixelShuffle(2), nn.PReLU(),
        nn.Conv2d(2, 27, 1, bias=False), nn.PixelShuffle(3),
    ]  # fmt: skip
    return Upsampler(*layers).to(dtype), nn.Sequential(*layers).to(dtype)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_results_and_gradients_are_those_of_the_layers(layout):
    given = [features_of(4, layout) for _ in range(2)]
    networks = stages()
    results = [network(features) for network, features in zip(networks, given, strict=True)]
    assert results[0].shape == (2, 3, 30, 36)
    torch.testing.assert_close(*results, rtol=0, atol=1e-12)
    gradient = torch.randn(results[0].shape, generator=torch.Generator().manual_seed(2)).double()
    gradients = [
        torch.autograd.grad(result, [features, *network.parameters()], gradient.to(memory_format=layout))
        for result, features, network in zip(results, given, networks, strict=True)
    ]
    for ours, plain in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, plain, rtol=0, atol=1e-11)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_under_autocast_too_and_the_layout_stays(dtype):
    ours, plain = stages(torch.float32)
    features = features_of(4, dtype=torch.float32)
    with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
        results = ours(features), plain(features)
    assert results[0].dtype == results[1].dtype
    torch.testing.assert_close(*results, rtol=0, atol=1e-6 if dtype == torch.float32 else 1e-2)
    assert results[0].is_contiguous(memory_format=torch.channels_last)


def calls_of_shuffles(network, features):
    calls = []
    for module in network.modules():
        if isinstance(module, nn.PixelShuffle):
            module.register_forward_hook(lambda *_: calls.append(1))
    network(features)
    return len(calls)


def test_a_single_image_another_layout_and_another_device_go_through_every_layer():
    features = features_of(4)
    assert calls_of_shuffles(stages()[0], features) == 0
    assert calls_of_shuffles(stages()[0], features.contiguous()) == 2
    assert calls_of_shuffles(stages()[0], features[0]) == 2
    assert calls_of_shuffles(stages()[0].to("meta"), features.to("meta")) == 2


@pytest.mark.parametrize("network", [EDSR(EDSRSize(4, 1)), SRResNet(4, 1)], ids=["EDSR", "SRResNet"])
def test_networks_enlarge_so_in_the_layout_of_training(network):
    images = torch.rand(1, 3, 6, 5, generator=torch.Generator().manual_seed(0))
    usual = network(images)
    network.to(memory_format=torch.channels_last)
    torch.testing.assert_close(network(images.to(memory_format=torch.channels_last)), usual, rtol=0, atol=1e-5)
    assert calls_of_shuffles(network, images.to(memory_format=torch.channels_last)) == 0
    assert list(network.upsample.state_dict())[:2] == ["0.weight", "0.bias"]


def test_channels_that_do_not_divide_are_refused_as_pytorch_refuses_them():
    layers = nn.Conv2d(4, 6, 1).double(), nn.PixelShuffle(2)
    for network in (Upsampler(*layers), nn.Sequential(*layers)):
        with pytest.raises(
            RuntimeError, match=r"pixel_shuffle expects its input's 'channel' dimension to be divisible"
        ):
            network(features_of(4))


def test_gradients_have_gradients():
    ours, _ = stages()
    assert torch.autograd.gradgradcheck(lambda x: ours(x) ** 2, features_of(4, n=1))
