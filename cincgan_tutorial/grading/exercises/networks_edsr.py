"""Assignment 3, continued: EDSR's up-sampler, and a student's own numbers."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from hypothesis import strategies as st
from torch import Tensor

from ..exercise import Exercise
from ..laws import Law, expect_close, expect_equal
from ..variants import Constants
from .networks_judges import JUDGES_SECTION, seen
from .of_many import CHAPTER_5, Answer, own_number
from .of_networks import (
    NEAR,
    built,
    conv,
    count_law,
    each_alone_law,
    noise,
    set_to,
    size_law,
    unchanged_by,
    values_law,
    zero_padding_law,
)

_SR = CHAPTER_5 + "SR: EDSR"
_LIBRARY = "cincgan_tutorial.architectures."


# The up-sampler.


def _enlarged(x: Tensor, seed: int, stages: int) -> Tensor:
    for _ in range(stages):
        x = F.pixel_shuffle(conv(x, 4 * x.shape[1], 3, seed), 2)
    return x


def _by_two(x: Tensor, seed: int) -> Tensor:
    return _enlarged(x, seed, 1)


def _by_four(x: Tensor, seed: int) -> Tensor:
    return _enlarged(x, seed, 2)


def _shuffles(answer: Answer) -> None:
    network = built(answer, 3, 2)
    set_to(network, 0.0, 12)
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.dim() == 1:
                parameter.copy_(torch.arange(12.0))
    result = network(torch.zeros(1, 3, 1, 1))
    expected = torch.arange(12.0).view(1, 3, 2, 2)
    note = "Channel 4c + 2i + j goes to channel c, row 2y + i, column 2x + j."
    expect_close(result, expected, NEAR, "one pixel enlarged, where channel k of the convolution is k everywhere", note)


def _not_activated(answer: Answer, bias: float) -> None:
    network = built(answer, 3, 2)
    set_to(network, bias, 12)
    result = network(noise(1, 3, 2, 2))
    expect_close(
        result, torch.full((1, 3, 4, 4), bias), NEAR, f"the output where all weights are 0 and the biases {bias}"
    )


def _stages_differ(answer: Answer) -> None:
    network = built(answer, 3, 4)
    shapes = [tuple(parameter.shape) for parameter in network.parameters() if parameter.dim() == 4]
    note = "Scale 4 is two stages, each with a convolution of its own."
    expect_equal(shapes, [(12, 3, 3, 3)] * 2, "weights of the convolutions for scale 4", note)


UPSAMPLER = Exercise(
    "Upsampler",
    3,
    3,
    (
        size_law(
            _SR,
            (3, 2),
            [((2, 3, 4, 5), (2, 3, 8, 10)), ((1, 3, 1, 2), (1, 3, 2, 4))],
            "Scale 2 doubles both sides and keeps the channels.",
        ),
        size_law(
            _SR,
            (3, 4),
            [((2, 3, 4, 5), (2, 3, 16, 20))],
            "Scale 4 makes both sides four times as long.",
            "size-by-four",
        ),
        Law(
            "two-stages",
            "Scale 4 has two stages, each a 3x3 convolution to four times the channels, with its own weights.",
            _SR,
            holds=_stages_differ,
        ),
        count_law(
            _SR,
            [((3, 2), 9 * 3 * 12 + 12), ((3, 4), 2 * (9 * 3 * 12 + 12)), ((5, 2), 9 * 5 * 20 + 20)],
            "One 3x3 convolution with a bias for each factor of 2.",
        ),
        Law(
            "pixel-shuffle",
            "Channel 4c + 2i + j becomes the pixels in row 2y + i and column 2x + j of channel c.",
            _SR,
            holds=_shuffles,
        ),
        Law(
            "not-activated",
            "Nothing is activated.",
            _SR,
            {"bias": st.sampled_from([-3.0, 3.0])},
            holds=_not_activated,
            examples=2,
        ),
        zero_padding_law(_SR, (3, 2), (1, 3, 5, 5), _by_two),
        values_law(_SR, (3, 4), (2, 3, 4, 5), _by_four, "The enlarged features are right for any weights."),
        unchanged_by(_SR, (3, 2), (2, 3, 4, 5)),
        each_alone_law(_SR, (3, 2), (2, 3, 4, 5)),
    ),
    _SR,
    (_LIBRARY + "EDSR",),
)


# A student's own numbers.


def _own_field(known: Constants) -> list[float]:
    layers = range(1, 5)
    return [float(seen([int(known[f"k{i}"]) for i in layers], [int(known[f"s{i}"]) for i in layers]))]


def _own_parameters(known: Constants) -> list[float]:
    widths = [3, *[int(known["width"])] * 3, 1]
    return [float(sum(int(known[f"k{i}"]) ** 2 * widths[i - 1] * widths[i] + widths[i] for i in range(1, 5)))]


_EACH = "k * k * a * b + b for each convolution from a to b channels."
_STEP_BY_STEP = "Each kernel k adds k - 1 steps; a step is the product of the strides before it."
OWN_NETWORK = Exercise(
    "own_network",
    3,
    2,
    (
        own_number(JUDGES_SECTION, 3, "field", _own_field, _STEP_BY_STEP, 0.5),
        own_number(
            JUDGES_SECTION,
            3,
            "parameters",
            _own_parameters,
            "k * k * a * b + b for each convolution from a to b channels.",
            0.5,
        ),
    ),
    JUDGES_SECTION,
)

EXERCISES = (UPSAMPLER, OWN_NETWORK)
