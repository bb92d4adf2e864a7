"""Laws that the networks of assignment 3 share: sizes, counts, and known weights whose right output is known.

Answers may name, nest and order their layers as they like. So weights are set by their shape: parameters of equal shape
get equal values, and then it does not matter which of them belongs to which layer.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from hypothesis import strategies as st
from torch import Tensor, nn

from ..laws import Law, expect, expect_close, expect_equal, expect_is_tensor, expect_shape, expect_unchanged
from ..strategies import seeds
from .of_many import Answer

Shape = tuple[int, ...]
SLOPE = 0.2
# Deep sums of float32.
NEAR = 1e-3


def built(answer: Answer, *arguments: Any) -> nn.Module:
    """Return the network that an answer makes; `Broken` where it is no module."""
    network = answer(*arguments)
    note = "Is the class derived from nn.Module?"
    expect(isinstance(network, nn.Module), "an nn.Module", type(network).__name__, note)
    return network


def values(shape: Shape, seed: int, gain: float = 1.0) -> Tensor:
    """Return the values of all parameters of a shape: random, and of a size that keeps signals alike through layers."""
    generator = torch.Generator().manual_seed(seed + 7 * sum(shape) + len(shape))
    fan_in = math.prod(shape[1:]) if len(shape) > 1 else 25
    return gain * torch.randn(shape, generator=generator) / math.sqrt(fan_in)


@torch.no_grad()
def set_by_shape(network: nn.Module, seed: int) -> None:
    """Give every parameter the values of its shape; BatchNorm keeps its own."""
    kept = {id(p) for m in network.modules() if isinstance(m, nn.BatchNorm2d) for p in m.parameters()}
    for parameter in network.parameters():
        if id(parameter) not in kept:
            parameter.copy_(values(tuple(parameter.shape), seed))


@torch.no_grad()
def set_to_pass(network: nn.Module) -> None:
    """Let every convolution pass its channels on as they are: a one in the middle of each filter, no bias."""
    for parameter in network.parameters():
        parameter.zero_()
        if parameter.dim() == 4:
            middle = parameter.shape[-1] // 2
            for channel in range(min(parameter.shape[:2])):
                parameter[channel, channel, middle, middle] = 1


@torch.no_grad()
def set_to(network: nn.Module, last_bias: float, channels: int) -> None:
    """Set all parameters to 0, apart from biases with so many channels."""
    for parameter in network.parameters():
        parameter.fill_(last_bias if tuple(parameter.shape) == (channels,) else 0.0)


def conv(x: Tensor, out: int, kernel: int, seed: int, stride: int = 1, padding: int | None = None) -> Tensor:
    """Return what a convolution with the values of its shape makes of x."""
    weight, bias = values((out, x.shape[1], kernel, kernel), seed), values((out,), seed)
    padding = kernel // 2 if padding is None else padding
    return F.conv2d(x, weight.to(x), bias.to(x), stride=stride, padding=padding)


def active(x: Tensor) -> Tensor:
    """Return LeakyReLU of x."""
    return F.leaky_relu(x, SLOPE)


def block(x: Tensor, seed: int) -> Tensor:
    """Return what a residual block with the values of its shapes makes of x."""
    width = x.shape[1]
    return x + active(conv(active(conv(x, width, 3, seed)), width, 3, seed))


def noise(*shape: int, seed: int = 0) -> Tensor:
    """Return an input of both signs."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def count_law(section: str, cases: Sequence[tuple[tuple[Any, ...], int]], note: str) -> Law:
    """Return the law of how many numbers a network may learn; a case is the arguments and the count."""

    def holds(answer: Answer, case: int) -> None:
        arguments, right = cases[case]
        network = built(answer, *arguments)
        found = sum(parameter.numel() for parameter in network.parameters())
        shapes = Counter("x".join(map(str, p.shape)) for p in network.parameters() if p.dim() == 4)
        listed = ", ".join(f"{many} of {shape}" for shape, many in shapes.items())
        got = f"{found:,} (convolutions: {listed or 'none'})"
        expect(found == right, f"{right:,} parameters for the arguments {arguments}", got, note)

    words = "The network has as many parameters as the task's layers have: right kernels, widths, biases, and no more."
    return Law("parameters", words, section, {"case": st.integers(0, len(cases) - 1)}, holds=holds, examples=len(cases))


def kernels_law(section: str, arguments: tuple[Any, ...], right: Sequence[Shape], words: str) -> Law:
    """Return the law of the shapes of all convolutions' weights, in any order."""

    def holds(answer: Answer) -> None:
        network = built(answer, *arguments)
        shapes = sorted(tuple(parameter.shape) for parameter in network.parameters() if parameter.dim() == 4)
        what = f"weights of the convolutions for the arguments {arguments}, as (out, in, kernel, kernel)"
        expect_equal(shapes, sorted(right), what)

    return Law("kernels", words, section, holds=holds)


def size_law(
    section: str, arguments: tuple[Any, ...], cases: Sequence[tuple[Shape, Shape]], words: str, name: str = "size"
) -> Law:
    """Return the law of what size comes out; a case is the size that goes in and the one that comes out."""

    def holds(answer: Answer, case: int) -> None:
        network = built(answer, *arguments)
        shape, right = cases[case]
        expect_shape(network(torch.zeros(shape)), right, f"the output for an input of {'x'.join(map(str, shape))}")

    return Law(name, words, section, {"case": st.integers(0, len(cases) - 1)}, holds=holds, examples=len(cases))


def values_law(
    section: str, arguments: tuple[Any, ...], shape: Shape, right: Callable[[Tensor, int], Tensor], words: str
) -> Law:
    """Return the law that a network with weights set by shape returns what ``right(x, seed)`` computes."""

    def holds(answer: Answer, seed: int) -> None:
        network = built(answer, *arguments)
        set_by_shape(network, seed)
        x = noise(*shape, seed=seed)
        expected = right(x, seed)
        note = "Do the layers stand in another order, or is an activation missing or too many?"
        expect_close(network(x), expected, NEAR, "the output with weights that the law has set", note)

    return Law("values", words, section, {"seed": seeds()}, holds=holds, examples=4)


def zero_padding_law(
    section: str, arguments: tuple[Any, ...], shape: Shape, right: Callable[[Tensor, int], Tensor]
) -> Law:
    """Return the law that what lies beyond the border counts as zero."""

    def holds(answer: Answer) -> None:
        network = built(answer, *arguments)
        set_by_shape(network, 1)
        x = torch.ones(shape)
        expected, got = right(x, 1), network(x)
        expect_is_tensor(got)
        expect_shape(got, tuple(expected.shape))
        expect_close(got[..., 0, 0], expected[..., 0, 0], NEAR, "the corner of the output for an input of ones")

    words = "Beyond the border lie zeros: not a reflection, not the last pixel over and over."
    return Law("zero-padding", words, section, holds=holds)


def linear_end_law(section: str, arguments: tuple[Any, ...], shape: Shape, channels: int) -> Law:
    """Return the law that the last convolution's output is returned as it is."""

    def holds(answer: Answer, bias: float) -> None:
        network = built(answer, *arguments)
        set_to(network, bias, channels)
        got = network(noise(*shape))
        expect_is_tensor(got)
        note = "No sigmoid, tanh or LeakyReLU behind the last convolution, and no skip around the whole network."
        what = f"the output where all weights are 0 and the last bias is {bias}"
        expect_close(got, torch.full(tuple(got.shape), bias), NEAR, what, note)

    words = "The last convolution's output is returned as it is: not activated, not squashed, not added to the input."
    return Law("linear-end", words, section, {"bias": st.sampled_from([-5.0, 5.0])}, holds=holds, examples=2)


def unchanged_by(section: str, arguments: tuple[Any, ...], shape: Shape) -> Law:
    """Return the law that a network leaves its input as it was, and answers the same twice."""

    def holds(answer: Answer, seed: int) -> None:
        network = built(answer, *arguments).eval()
        set_by_shape(network, seed)
        x = noise(*shape, seed=seed)
        before = x.clone()
        first = network(x)
        expect_is_tensor(first)
        expect_unchanged(x, before)
        expect_close(network(x), first, 1e-6, "the output of a second call", "Is there dropout, or other chance?")

    words = "The input is the same after the call, and a second call gives the same output."
    return Law("leaves-its-input", words, section, {"seed": seeds()}, holds=holds, examples=3)


def each_alone_law(section: str, arguments: tuple[Any, ...], shape: Shape) -> Law:
    """Return the law that, in eval mode, each image of a batch comes out as it would by itself."""

    def holds(answer: Answer, seed: int) -> None:
        network = built(answer, *arguments).eval()
        set_by_shape(network, seed)
        x = noise(*shape, seed=seed)
        together = network(x)
        expect_is_tensor(together)
        expect_close(network(x[1:2]), together[1:2], NEAR, "the second image by itself", "Is a batch normalised?")

    words = "In eval mode each image of a batch comes out as it would by itself."
    return Law("each-image-alone", words, section, {"seed": seeds()}, holds=holds, examples=2)
