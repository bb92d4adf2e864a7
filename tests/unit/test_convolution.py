"""Convolution with fewer multiplications: PyTorch's results and gradients; elsewhere PyTorch's own way."""

import pytest
import torch
from helpers import random_images
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from cincgan_tutorial.architectures import D1_STRIDES, Conv2d, PatchDiscriminator, convolution

USUAL = "ConvolutionBackward0"


@pytest.fixture(autouse=True)
def without_matrix_instructions(monkeypatch):
    monkeypatch.setattr("torch.cpu._is_amx_tile_supported", lambda: False)


@pytest.fixture
def narrow_counts_as_wide(monkeypatch):
    monkeypatch.setattr(convolution, "_WIDE", 1)


def both(channels, results, kernel, dtype=torch.float64, **options):
    """Our convolution and PyTorch's with the same weights."""
    torch.manual_seed(0)
    ours = Conv2d(channels, results, kernel, **options).to(dtype)
    plain = nn.Conv2d(channels, results, kernel, **options).to(dtype)
    plain.load_state_dict(ours.state_dict())
    return ours, plain


def images_of(channels, height, width, dtype=torch.float64):
    images = torch.randn(2, channels, height, width, dtype=dtype, generator=torch.Generator().manual_seed(1))
    return images.to(memory_format=torch.channels_last)


def way_of(result):
    return result.grad_fn.name()


@pytest.mark.usefixtures("narrow_counts_as_wide")
@pytest.mark.parametrize("results", [1, 3])
@pytest.mark.parametrize(
    ("kernel", "padding", "size"),
    [(4, 1, (8, 8)), (4, 1, (9, 6)), (4, 0, (4, 7)), (2, 1, (5, 5)), ((2, 4), (0, 2), (6, 7)), (4, 3, (2, 2))],
)
@pytest.mark.parametrize("bias", [True, False])
def test_results_and_gradients_are_those_of_pytorch(results, kernel, padding, size, bias):
    convs = both(5, results, kernel, padding=padding, bias=bias)
    given = [images_of(5, *size).requires_grad_() for _ in convs]
    ours, plain = (conv(images) for conv, images in zip(convs, given, strict=True))
    assert way_of(ours) != USUAL == way_of(plain)
    assert torch.allclose(ours, plain, rtol=1e-12, atol=1e-12)
    gradient = torch.randn(plain.shape, dtype=plain.dtype, generator=torch.Generator().manual_seed(2))
    for result in (ours, plain):
        result.backward(gradient)
    pairs = [tuple(given[n].grad for n in (0, 1))]
    pairs += [(a.grad, b.grad) for a, b in zip(*(conv.parameters() for conv in convs), strict=True)]
    assert len(pairs) == 2 + bias
    for a, b in pairs:
        assert torch.allclose(a, b, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("apply", [convolution.in_halves, convolution.tap_by_tap])
def test_gradients_have_gradients(apply):
    torch.manual_seed(0)
    weight, bias = torch.randn(1, 2, 4, 4).double().requires_grad_(), torch.randn(1).double().requires_grad_()
    given = images_of(2, 5, 4).requires_grad_(), weight, bias
    assert torch.autograd.gradgradcheck(lambda *each: apply(*each, (1, 1)) ** 2, given)


def test_nine_multiplications_do_for_sixteen():
    counts = []
    for conv in both(128, 256, 4, torch.float32, padding=1):
        with FlopCounterMode(display=False) as counter:
            conv(images_of(128, 9, 9, torch.float32))
        counts.append(counter.get_total_flops())
    assert counts[0] * 16 == counts[1] * 9


@pytest.mark.parametrize(
    ("channels", "results", "kernel", "options"),
    [
        (128, 255, 4, {}),  # too narrow for it to pay
        (128, 256, 3, {}),  # no halves
        (128, 256, 4, {"stride": 2}),
        (128, 256, 2, {"dilation": 2}),
        (128, 1, 4, {"stride": 2}),
        (256, 256, 4, {"groups": 2}),
        (128, 256, 4, {"padding": 1, "padding_mode": "reflect"}),
        (128, 256, 4, {"padding": "same"}),
        (128, 1, 4, {"padding": 4}),
    ],
)
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
def test_where_it_does_not_pay_or_is_not_written_it_is_pytorchs_to_the_bit(channels, results, kernel, options):
    ours, plain = both(channels, results, kernel, torch.float32, **options)
    images = images_of(channels, 6, 6, torch.float32)
    assert way_of(ours(images)) == USUAL
    assert torch.equal(ours(images), plain(images))


@pytest.mark.parametrize(("results", "faster"), [(256, "in halves"), (1, "tap by tap")])
def test_a_single_image_another_device_and_matrix_instructions_go_pytorchs_way(monkeypatch, results, faster):
    ours, plain = both(128, results, 4, torch.float32, padding=1)
    images = images_of(128, 6, 6, torch.float32)
    assert way_of(ours(images)) != USUAL, faster
    assert torch.equal(ours(images[0]), plain(images[0]))
    assert way_of(ours.to("meta")(images.to("meta"))) == USUAL
    monkeypatch.setattr("torch.cpu._is_amx_tile_supported", lambda: True)
    assert torch.equal(both(128, results, 4, torch.float32, padding=1)[0](images), plain(images))


@pytest.mark.parametrize("results", [256, 1])
def test_an_image_smaller_than_the_kernel_is_refused_as_pytorch_refuses_it(results):
    for conv in both(128, results, 4, torch.float32):
        with pytest.raises(RuntimeError, match=r"Kernel size can't be greater than actual input size"):
            conv(images_of(128, 3, 6, torch.float32))


@pytest.mark.parametrize(
    ("channels", "results", "least", "most"), [(128, 256, 2, 3), (256, 512, 2, 3), (256, 1, 0.8, 1.25)]
)
def test_in_half_width_numbers_the_rounding_error_is_two_to_three_times_as_large_in_halves_and_the_same_tap_by_tap(
    channels, results, least, most
):
    ours, plain = both(channels, results, 4, torch.float32, padding=1)
    images = images_of(channels, 12, 12, torch.float32)
    exact = plain.double()(images.double())
    plain.float()

    def error(conv):
        with torch.autocast("cpu", torch.bfloat16):
            return ((conv(images.bfloat16()).double() - exact).norm() / exact.norm()).item()

    assert least < error(ours) / error(plain) < most


def test_in_halves_what_the_way_back_needs_takes_more_than_twice_the_memory():
    needed = []
    for conv in both(256, 512, 4, torch.float32, padding=1):
        kept = {}

        def keep(tensor, kept=kept):
            storage = tensor.untyped_storage()
            kept[storage.data_ptr()] = storage  # held, so that no other takes its place
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor), torch.autocast("cpu"):
            result = conv(images_of(256, 29, 29, torch.bfloat16).requires_grad_())
        assert result.requires_grad
        needed.append(sum(storage.nbytes() for storage in kept.values()))
    assert 2 < needed[0] / needed[1] < 4


def test_a_single_result_for_each_pixel_is_summed_in_32_bits():
    conv, _ = both(8, 1, 4, torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        assert conv(images_of(8, 6, 6, torch.bfloat16)).dtype == torch.float32


def test_the_discriminators_convolve_so_and_in_the_layout_of_training_their_results_stay_in_it():
    D = PatchDiscriminator(D1_STRIDES)
    convs = [layer for layer in D.layers if isinstance(layer, nn.Conv2d)]
    assert {type(conv) for conv in convs} == {Conv2d}
    ways, results = [], []

    def note(_, __, result):
        ways.append(way_of(result))  # now: the activation overwrites the result
        results.append(result)

    for conv in convs:
        conv.register_forward_hook(note)
    D.to(memory_format=torch.channels_last)(random_images(2, 12, 13).to(memory_format=torch.channels_last))
    assert [way == USUAL for way in ways] == [True, True, False, False, False]
    assert all(result.is_contiguous(memory_format=torch.channels_last) for result in results)
