"""The networks: sizes, shapes, what they see, where they start."""

import copy

import pytest
import torch
from helpers import LETTERS, assert_same_tensors, random_images
from torch import nn

from cincgan_tutorial.architectures import (
    D1_STRIDES,
    D2_STRIDES,
    EDSR,
    Generator,
    Networks,
    PatchDiscriminator,
    SelfEnsemble,
    declared_field,
    high_pass,
    influence,
    local_mean,
    parameter_count,
    receptive_field,
    sight,
    start_by_he,
)
from cincgan_tutorial.presets import PRESETS, DiscriminatorSize, EDSRSize, GeneratorSize, with_settings

SMALL = DiscriminatorSize(width=4, widest=8)


@pytest.mark.parametrize(
    ("letter", "count"),
    [
        ("G1", 609_731),
        ("G2", 609_731),
        ("G3", 667_075),
        ("SR", 43_089_923),
        ("D1", 2_764_737 + 1_792),
        ("D2", 2_764_737 + 1_792),
    ],
)
def test_parameter_counts_of_the_paper(paper_nets, letter, count):
    assert parameter_count(getattr(paper_nets, letter)) == count


def test_the_baseline_edsr_has_its_published_size():
    assert parameter_count(EDSR(EDSRSize(features=64, blocks=16, residual_scale=1))) == 1_517_571


@pytest.mark.parametrize(("letter", "size"), [("D1", 16), ("D2", 70), ("G1", 45), ("G2", 45)])
def test_receptive_fields_of_the_paper_by_gradient(paper_nets, letter, size):
    assert receptive_field(getattr(paper_nets, letter)) == (size, size)


@pytest.mark.parametrize("name", ["smoke", "lesson", "colab"])
def test_receptive_fields_of_the_discriminators_are_the_papers_at_every_preset(name):
    nets = Networks.from_preset(with_settings(PRESETS[name], {"sr.blocks": 1, "sr.features": 4}))
    assert receptive_field(nets.D1) == (16, 16)
    assert receptive_field(nets.D2) == (70, 70)


@pytest.mark.parametrize("strides", [(1, 1, 1), (2, 1, 1, 1, 1), (1, 2, 2, 1)])
def test_kernels_and_strides_promise_what_the_gradient_shows(strides):
    judge = PatchDiscriminator(strides, SMALL)
    layers = [(m.kernel_size[0], m.stride[0]) for m in judge.modules() if isinstance(m, nn.Conv2d)]
    assert (declared_field(layers),) * 2 == receptive_field(judge)


def test_a_wrong_stride_shows_in_the_receptive_field():
    assert receptive_field(PatchDiscriminator((1, 2, 1, 1, 1), SMALL)) != (16, 16)


def test_a_probe_that_is_too_small_is_refused_and_the_network_is_left_alone(nets):
    before = {k: v.clone() for k, v in nets.D2.state_dict().items()}
    with pytest.raises(ValueError, match="larger size"):
        receptive_field(nets.D2, size=64)
    assert_same_tensors(before, nets.D2.state_dict())


def test_influence_of_one_convolution_is_its_kernels_square():
    seen = influence(nn.Conv2d(3, 1, 3, padding=1), size=11) > 0
    assert seen.sum() == 9
    assert seen[4:7, 4:7].all()


@pytest.mark.parametrize(
    ("strides", "side", "cells"), [(D1_STRIDES, 32, (0, 5, 13, 26)), (D2_STRIDES, 128, (0, 3, 7, 13))]
)
def test_every_score_sees_what_sight_says(strides, side, cells):
    """Also at the border, where part of the area is padding and sends no gradient to the picture."""
    judge = PatchDiscriminator(strides, SMALL)
    size, stride, first = sight(judge)
    assert size == receptive_field(judge)[0]
    for cell in cells:
        seen = (influence(judge, side, cell) > 0).any(1).nonzero().flatten().tolist()
        expected = range(max(0, first + stride * cell), min(side, first + stride * cell + size))
        assert seen == list(expected), cell


def test_a_probe_too_small_for_the_neighbour_is_refused():
    judge = PatchDiscriminator(D2_STRIDES, SMALL)
    with pytest.raises(ValueError, match="may exceed the probe of 64x64"):
        sight(judge, 64)


@pytest.mark.parametrize(
    ("strides", "side", "map_side"), [(D1_STRIDES, 32, 27), (D2_STRIDES, 128, 14), (D2_STRIDES, 256, 30)]
)
def test_size_of_the_map_of_scores(strides, side, map_side):
    assert PatchDiscriminator(strides, SMALL)(torch.zeros(2, 3, side, side)).shape == (2, 1, map_side, map_side)


def test_layers_of_the_papers_discriminators(paper_nets):
    for D, strides in ((paper_nets.D1, (1, 1, 1, 1, 1)), (paper_nets.D2, (2, 2, 2, 1, 1))):
        convolutions = [layer for layer in D.layers if isinstance(layer, nn.Conv2d)]
        assert [c.out_channels for c in convolutions] == [64, 128, 256, 512, 1]
        assert [c.stride for c in convolutions] == [(s, s) for s in strides]
        assert {c.kernel_size for c in convolutions} == {(4, 4)}
        kinds = [type(layer).__name__ for layer in D.layers]
        inner = ["Conv2d", "BatchNorm2d", "LeakyReLU"]
        assert kinds == ["Conv2d", "LeakyReLU", *inner, *inner, *inner, "Conv2d"]


def test_normalisation_is_in_the_discriminators_only(paper_nets):
    def normalised(module):
        return sum(
            isinstance(m, (nn.modules.batchnorm._NormBase, nn.GroupNorm, nn.LayerNorm)) for m in module.modules()
        )

    assert {letter: normalised(getattr(paper_nets, letter)) for letter in LETTERS} == {
        "G1": 0, "G2": 0, "SR": 0, "G3": 0, "D1": 3, "D2": 3,
    }  # fmt: skip


def test_activations_are_leaky_with_slope_a_fifth_and_the_last_layer_is_linear(paper_nets):
    for letter in ("G1", "G2", "G3", "D1", "D2"):
        modules = list(getattr(paper_nets, letter).modules())
        assert {m.negative_slope for m in modules if isinstance(m, nn.LeakyReLU)} == {0.2}
        assert isinstance(modules[-1], nn.Conv2d)


def test_convolutions_of_the_papers_generators(paper_nets):
    def convolutions(network):
        return [(c.kernel_size[0], c.stride[0]) for c in network.modules() if isinstance(c, nn.Conv2d)]

    equal = [(3, 1)] * (2 + 12 + 2)
    assert convolutions(paper_nets.G1) == [(7, 1), *equal, (7, 1)]
    assert convolutions(paper_nets.G3) == [(7, 1), (4, 2), (4, 2), *equal[2:], (7, 1)]


@torch.no_grad()
def test_shapes_at_the_paper_preset(paper_nets):
    x = random_images(1, 32, 32)
    y_tilde = paper_nets.G1(x)
    z_tilde = paper_nets.SR(y_tilde)
    assert y_tilde.shape == paper_nets.G2(y_tilde).shape == (1, 3, 32, 32)
    assert z_tilde.shape == (1, 3, 128, 128)
    assert paper_nets.G3(z_tilde).shape == (1, 3, 32, 32)
    assert torch.equal(paper_nets.upscaler()(x), z_tilde)


@torch.no_grad()
@pytest.mark.parametrize("scale", [2, 4])
def test_other_scales_fit_together(smoke, scale):
    nets = Networks.from_preset(with_settings(smoke, {"scale": scale}))
    x = random_images(2, 16, 20)
    z_tilde = nets.upscaler()(x)
    assert z_tilde.shape == (2, 3, 16 * scale, 20 * scale)
    assert nets.G3(z_tilde).shape == x.shape


def test_a_scale_that_is_no_power_of_two_is_refused():
    with pytest.raises(ValueError, match="power of two"):
        EDSR(EDSRSize(4, 1), scale=3)


@torch.no_grad()
def test_blocks_add_their_input():
    generator, sr = Generator(GeneratorSize(width=4, blocks=1)), EDSR(EDSRSize(4, 1, residual_scale=0.1))
    features = torch.rand(1, 4, 6, 6)
    block = generator.body[0]
    torch.testing.assert_close(block(features), features + block.body(features))
    torch.testing.assert_close(sr.body[0](features), features + 0.1 * sr.body[0].body(features))


@torch.no_grad()
def test_edsr_subtracts_the_mean_colour_and_adds_it_again():
    sr = EDSR(EDSRSize(4, 1))
    for parameter in sr.parameters():
        parameter.zero_()
    answer = sr(random_images(1, 5, 6))
    torch.testing.assert_close(answer, torch.tensor([0.4488, 0.4371, 0.4040]).view(1, 3, 1, 1).expand(1, 3, 20, 24))
    assert "mean" not in sr.state_dict()


@torch.no_grad()
def test_residual_generators_start_as_the_identity_and_the_papers_do_not(nets, paper_nets):
    x = random_images(1, 24, 24)
    assert torch.equal(nets.G1(x), x)
    assert torch.equal(nets.G2(x), x)
    assert not torch.allclose(paper_nets.G1(x), x, atol=0.1)


@torch.no_grad()
@pytest.mark.parametrize("blocks", [1, 4, 9])
def test_by_he_the_signal_keeps_its_size_and_by_pytorchs_default_it_does_not(blocks):
    size = GeneratorSize(width=32, blocks=blocks)
    noise = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    torch.manual_seed(0)
    by_default, lively = Generator(size), Generator(size)
    start_by_he(lively)
    assert 0.4 < lively(noise).std() < 4
    assert by_default(noise).std() < 0.06
    assert all((conv.bias == 0).all() for conv in lively.modules() if isinstance(conv, nn.Conv2d))


def test_only_presets_that_say_so_start_by_he(nets, smoke, paper_nets):
    assert (nets.G1.head[2].bias == 0).all()
    assert (nets.G3.head[2].bias == 0).all()
    assert (paper_nets.G1.head[2].bias != 0).any()
    by_default = Networks.from_preset(with_settings(smoke, {"generator.he": False}))
    assert (by_default.G1.head[2].bias != 0).any()


def flat_and_sloping(side=24):
    rows, columns = torch.meshgrid(torch.arange(side) / side, torch.arange(side) / side, indexing="ij")
    return [part.expand(1, 3, side, side) for part in (torch.full_like(rows, 0.7), rows, columns, 0.3 * rows - columns)]


@torch.no_grad()
@pytest.mark.parametrize("kernel", [3, 4, 7])
def test_high_pass_filters_answer_zero_to_flat_and_sloping_areas(kernel):
    conv = nn.Conv2d(3, 6, kernel)
    untouched = conv.weight[3:].clone()
    high_pass(conv, gain=2.0, share=0.5)
    for area in flat_and_sloping():
        assert conv(area)[:, :3].abs().max() < 1e-5
    assert torch.equal(conv.weight[3:], untouched)
    assert conv(random_images(1, 24, 24))[:, :3].std() > 0.05


@torch.no_grad()
def test_small_discriminators_start_blind_to_brightness_and_awake_to_noise(nets):
    for D in (nets.D1, nets.D2):
        first = D.layers[0]
        noise = 0.03 * torch.randn(1, 3, 24, 24, generator=torch.Generator().manual_seed(0))
        assert first(noise).std() > 0.02
        for area in flat_and_sloping():
            assert first(area)[..., 1:-1, 1:-1].abs().max() < 1e-5


def test_equal_seeds_give_equal_weights_and_leave_the_global_generator_alone(smoke):
    torch.manual_seed(123)
    expected = torch.rand(3)
    torch.manual_seed(123)
    first = Networks.from_preset(smoke)
    assert torch.equal(torch.rand(3), expected)
    assert_same_tensors(first.state_dict(), Networks.from_preset(smoke).state_dict())
    other = Networks.from_preset(with_settings(smoke, {"seed": 1}))
    for letter in LETTERS:
        a, b = (next(iter(getattr(nets, letter).parameters())) for nets in (first, other))
        assert not torch.equal(a, b), letter


def test_upscaler_shares_its_weights_with_the_networks(nets):
    upscaler = nets.upscaler()
    assert upscaler.G1 is nets.G1
    assert upscaler.SR is nets.SR


@pytest.mark.parametrize(("blocks", "local_mean"), [(1, 0), (4, 0), (1, 9)])
def test_reach_is_what_the_gradient_says(blocks, local_mean):
    generator = Generator(GeneratorSize(width=4, blocks=blocks, residual=local_mean > 0, local_mean=local_mean)).eval()
    assert receptive_field(generator)[0] == 2 * generator.reach + 1
    sr = EDSR(EDSRSize(features=4, blocks=blocks))
    size = 61
    seen = (influence(sr, size) > 0).any(0).nonzero().flatten()
    middle = size * 4 // 2 // 4
    assert max(middle - seen[0].item(), seen[-1].item() - middle) <= sr.reach


def test_the_residual_scale_multiplies_what_is_added():
    full, tenth = (Generator(GeneratorSize(width=4, blocks=1, residual=True, residual_scale=s)) for s in (1.0, 0.1))
    torch.nn.init.normal_(full.tail[-1].weight)
    tenth.load_state_dict(full.state_dict())
    images = random_images(1, 8, 8)
    assert full(images).sub(images).abs().max() > 0.1
    assert torch.allclose(tenth(images) - images, 0.1 * (full(images) - images), atol=1e-6)


def shifting(**size):
    """A generator that paints everything 20 levels redder, apart from what it adds of its own."""
    torch.manual_seed(0)
    generator = Generator(GeneratorSize(width=4, blocks=1, residual=True, **size))
    torch.nn.init.normal_(generator.tail[-1].weight, std=0.01)
    generator.tail[-1].bias.data = torch.tensor([20 / 255, 0.0, 0.0])
    return generator.requires_grad_(False)


@pytest.mark.parametrize("held_in_training", [False, True])
def test_a_generator_that_keeps_the_local_mean_moves_no_colour(held_in_training):
    images = random_images(2, 40, 56)
    added = shifting()(images) - images
    assert added.mean((2, 3))[:, 0].min() > 15 / 255
    generator = shifting(local_mean=17, held_in_training=held_in_training)
    assert torch.equal(generator.train()(images) - images, added) == (not held_in_training)
    held = generator.eval()(images) - images
    assert held.abs().max() > 1 / 255  # it still draws
    assert held.mean((2, 3)).abs().max() < 0.5 / 255
    # To the letter: what is added when free, without its mean over 17x17 pixels.
    window = added[..., 12:29, 20:37]
    assert torch.allclose(held[..., 20, 28], added[..., 20, 28] - window.mean((2, 3)), atol=1e-6)


def test_an_upscaler_that_keeps_colours_shares_its_weights_and_leaves_the_other_free(nets):
    free = copy.deepcopy(nets.upscaler()).eval()
    kept = free.keeping(17)
    assert (free.G1.local_mean, kept.G1.local_mean) == (0, 17)
    assert kept.reach == free.reach + 8
    assert kept.SR is free.SR
    assert all(a is b for a, b in zip(kept.G1.parameters(), free.G1.parameters(), strict=True))
    assert kept.keeping(0).reach == free.reach
    assert type(SelfEnsemble.of(free).keeping(17)) is SelfEnsemble
    with pytest.raises(ValueError, match="expected an odd number of pixels, or 0, got -1"):
        free.keeping(-1)


def test_the_local_mean_at_an_edge_is_of_the_pixels_that_are_there():
    images = torch.zeros(1, 1, 4, 4)
    images[..., 0, 0] = 4
    assert local_mean(images, 3)[0, 0].tolist()[0] == [1, pytest.approx(4 / 6), 0, 0]
    assert torch.equal(local_mean(torch.ones(1, 3, 5, 7), 17), torch.ones(1, 3, 5, 7))


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("side", [1, 5, 17, 33])
def test_the_local_mean_is_that_of_one_square_window(side, layout):
    images = random_images(2, 20, 11).to(memory_format=layout)
    square = nn.functional.avg_pool2d(images, side, 1, side // 2, count_include_pad=False)
    torch.testing.assert_close(local_mean(images, side), square, atol=1e-6, rtol=0)
