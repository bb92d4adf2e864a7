"""What the papers print about their networks: numbers of weights, shapes, receptive fields, names with sizes."""

import itertools

import pytest
import torch
from helpers import random_images
from torch import nn

from cincgan_tutorial.architectures import D1_STRIDES_SEEING, PatchDiscriminator, parameter_count, receptive_field
from cincgan_tutorial.baselines import (
    FSRCNN,
    PUBLISHED,
    SRGAN,
    CycleGAN,
    DualGAN,
    FSRCNNSystem,
    SRGANDiscriminator,
    SRResNet,
    TranslationGenerator,
    UNet,
    edsr,
    edsr_plus,
    on_pairs,
    patch_gan,
    sizes_of,
    srgan_plus,
    srresnet,
)
from cincgan_tutorial.baselines.features import vgg19_layers
from cincgan_tutorial.baselines.fsrcnn import weight_count
from cincgan_tutorial.presets import PRESETS, DiscriminatorSize

SYSTEMS = [FSRCNNSystem, edsr, srresnet, SRGAN, edsr_plus, srgan_plus, on_pairs, CycleGAN, DualGAN]


@pytest.fixture(autouse=True)
def _no_vgg(monkeypatch, tmp_path):
    """Whatever this machine has, the tests run without VGG."""
    monkeypatch.delenv("CINCGAN_VGG19", raising=False)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))


def conv(channels: int, features: int, kernel: int) -> int:
    return kernel * kernel * channels * features + features


def test_fsrcnn_has_the_12464_weights_of_its_paper():
    network = FSRCNN()
    assert weight_count(network) == 12_464
    # Biases: 56 + 12 + 4 x 12 + 56 + 1; one slope of a PReLU for each feature of all but the last layer.
    assert parameter_count(network) == 12_464 + (56 + 12 + 48 + 56 + 1) + (56 + 12 + 48 + 56)


@pytest.mark.parametrize("scale", [2, 4])
def test_fsrcnn_enlarges_luma_by_its_last_layer(scale):
    assert FSRCNN(scale=scale)(torch.rand(2, 1, 7, 9)).shape == (2, 1, 7 * scale, 9 * scale)


def test_srresnet_has_16_blocks_of_64():
    block = 2 * conv(64, 64, 3) + 2 * 2 * 64 + 1
    ends = conv(3, 64, 9) + 1 + conv(64, 64, 3) + 2 * 64 + conv(64, 3, 9)
    network = SRResNet()
    assert parameter_count(network) == ends + 16 * block + 2 * (conv(64, 256, 3) + 1) == 1_549_462
    assert SRResNet(8, 1)(random_images(1, 6, 7)).shape == (1, 3, 24, 28)
    assert SRResNet(8, 1, scale=2)(random_images(1, 6, 7)).shape == (1, 3, 12, 14)


def test_srgans_discriminator_judges_patches_of_96():
    widths = [3, 64, 64, 128, 128, 256, 256, 512, 512]
    convolutions = sum(conv(a, b, 3) for a, b in itertools.pairwise(widths))
    norms = sum(2 * width for width in widths[2:])
    D = SRGANDiscriminator()
    assert parameter_count(D) == convolutions + norms + (512 * 6 * 6 + 1) * 1024 + 1025
    strides = [layer.stride[0] for layer in D.modules() if isinstance(layer, nn.Conv2d)]
    assert strides == [1, 2] * 4
    assert SRGANDiscriminator(8, 64)(random_images(2, 64, 64)).shape == (2, 1)


def test_vgg19_up_to_phi_54_has_16_convolutions():
    with torch.device("meta"):
        layers = vgg19_layers()
    convolutions = [name for name, layer in layers.named_children() if isinstance(layer, nn.Conv2d)]
    assert convolutions == ["0", "2", "5", "7", "10", "12", "14", "16", "19", "21", "23", "25", "28", "30", "32", "34"]
    assert parameter_count(layers) == 20_024_384
    assert isinstance(layers[-1], nn.ReLU)


def test_cyclegans_networks_have_the_sizes_that_its_code_prints():
    assert parameter_count(TranslationGenerator(64, 9)) == 11_378_179
    assert parameter_count(TranslationGenerator(64, 6)) == 7_837_699
    D = patch_gan(64)
    assert parameter_count(D) == 2_764_737
    assert D(random_images(1, 256, 256)).shape == (1, 1, 30, 30)
    for number, layer in enumerate(D):
        if isinstance(layer, nn.InstanceNorm2d):
            D[number] = nn.Identity()
    assert receptive_field(D) == (70, 70)


def test_a_u_net_has_the_size_that_the_code_of_its_paper_prints():
    """41.8 and 54.4 million at seven and eight halvings, with BatchNorm; ours has biases in its place."""
    assert parameter_count(UNet(64, 7)) == pytest.approx(41.83e6, rel=1e-3)
    assert parameter_count(UNet(64, 8)) == pytest.approx(54.41e6, rel=1e-3)


@pytest.mark.parametrize(("height", "width"), [(32, 32), (33, 41)])
def test_translators_keep_the_size_and_the_range(height, width):
    images = random_images(1, height, width)
    result = UNet(8, 3)(images)
    assert result.shape == images.shape
    assert 0 <= result.min() < result.max() <= 1
    assert TranslationGenerator(8, 1)(images).shape == images.shape


@pytest.mark.parametrize("seen", D1_STRIDES_SEEING)
def test_d1_sees_as_many_pixels_as_its_setting_says(seen):
    network = PatchDiscriminator(D1_STRIDES_SEEING[seen], DiscriminatorSize(8, 16, batch_norm=False))
    assert receptive_field(network, 96) == (seen, seen)


@pytest.mark.parametrize("make", SYSTEMS)
def test_every_system_enlarges_an_image_of_any_size(make, smoke):
    system = make(smoke)
    result = system.upscale(random_images(1, 18, 22))
    assert result.shape == (1, 3, 72, 88)
    assert 0 <= result.min() <= result.max() <= 1
    assert result.isfinite().all()
    assert not system.training
    assert 0 < system.parameters_used <= system.parameters_trained
    assert system.source
    assert sum(phase.share for phase in system.phases) == pytest.approx(1)


@pytest.mark.parametrize("make", SYSTEMS)
def test_equal_seeds_give_equal_weights_and_leave_the_global_generator_alone(make, smoke):
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    a, b = make(smoke).state_dict(), make(smoke).state_dict()
    assert torch.equal(torch.rand(1), expected)
    assert all(torch.equal(value, b[name]) for name, value in a.items())


def test_rows_carry_their_size():
    names = [make(PRESETS["lesson"]).name for make in SYSTEMS]
    assert names == [
        "FSRCNN(56,12,4)",
        "EDSR-8x32",
        "SRResNet-8x32",
        "SRGAN-8x32, stand-in features",
        "EDSR-8x32+",
        "SRGAN-8x32+, stand-in features",
        "G1+EDSR-8x32 on pairs",
        "CycleGAN-4x16",
        "DualGAN-5x16",
    ]
    assert [make(PRESETS["lesson"]).sees_pairs for make in SYSTEMS] == [False] * 4 + [True] * 3 + [False] * 2
    assert sizes_of(PRESETS["paper"]) == PUBLISHED
