"""Assignment 3: the residual block, G1 and G3. The rest is in `networks_judges` and `networks_edsr`."""

from __future__ import annotations

import torch
from hypothesis import strategies as st
from torch import Tensor

from ..exercise import Exercise
from ..laws import Law, expect, expect_close, expect_equal, expect_is_tensor, expect_shape
from .networks_edsr import EXERCISES as ENLARGING
from .networks_judges import EXERCISES as JUDGES
from .of_many import CHAPTER_5, Answer
from .of_networks import (
    NEAR,
    SLOPE,
    active,
    block,
    built,
    conv,
    count_law,
    each_alone_law,
    kernels_law,
    linear_end_law,
    noise,
    set_to,
    set_to_pass,
    size_law,
    unchanged_by,
    values_law,
    zero_padding_law,
)

_G1 = CHAPTER_5 + "G1 and G2: a small residual network"
_G3 = CHAPTER_5 + "G3: the same, going down"
_LIBRARY = "cincgan_tutorial.architectures."
_W = 4


def _convolution(kernel: int, a: int, b: int) -> int:
    return kernel * kernel * a * b + b


# The residual block.


def _skips(answer: Answer, seed: int) -> None:
    network = built(answer, _W)
    set_to(network, 0.0, _W)
    x = noise(1, _W, 3, 5, seed=seed)
    expect_close(network(x), x, NEAR, "the output where all weights and biases are 0", "x + f(x): is the skip there?")


def _activates(answer: Answer, level: float) -> None:
    network = built(answer, _W)
    set_to_pass(network)
    x = torch.full((1, _W, 3, 3), level)
    passed = level if level >= 0 else SLOPE * SLOPE * level
    note = f"LeakyReLU with slope {SLOPE} behind each convolution, the last one included; none behind the sum."
    what = f"the output for {level}, where every convolution passes on what it gets"
    expect_close(network(x), torch.full_like(x, level + passed), NEAR, what, note)


def _has_a_slope(answer: Answer) -> None:
    network = built(answer, _W)
    set_to(network, 0.0, _W)
    x = noise(1, _W, 3, 3).requires_grad_()
    result = network(x)
    expect_is_tensor(result)
    (slope,) = torch.autograd.grad(result.sum(), [x], allow_unused=True)
    expect(slope is not None, "a gradient in the input", "none", "Is x detached in the skip?")
    expect_close(slope, torch.ones_like(x), NEAR, "the gradient in the input where all weights are 0")


_LEVELS = {"level": st.sampled_from([-2.0, -1.0, -0.5, 0.5, 1.0, 2.0])}
_BLOCK_SHAPE = (2, _W, 5, 6)
RESIDUAL_BLOCK = Exercise(
    "ResidualBlock",
    3,
    3,
    (
        size_law(
            _G1,
            (_W,),
            [(_BLOCK_SHAPE, _BLOCK_SHAPE), ((1, _W, 1, 2), (1, _W, 1, 2))],
            "The block keeps the shape of its input.",
        ),
        kernels_law(_G1, (_W,), [(_W, _W, 3, 3)] * 2, "There are two convolutions, both 3x3 and of full width."),
        count_law(
            _G1,
            [((_W,), 2 * _convolution(3, _W, _W)), ((7,), 2 * _convolution(3, 7, 7))],
            "Two convolutions with a bias each, and nothing else: no normalisation.",
        ),
        Law(
            "skip",
            "The input is added: with all weights 0 the block returns x.",
            _G1,
            {"seed": st.integers(0, 99)},
            holds=_skips,
            examples=3,
        ),
        Law(
            "activations",
            "f is activated twice, the second time before the sum; the sum is not.",
            _G1,
            _LEVELS,
            holds=_activates,
            examples=6,
        ),
        zero_padding_law(_G1, (_W,), (1, _W, 6, 6), block),
        values_law(_G1, (_W,), _BLOCK_SHAPE, block, "The output is x + f(x) for any weights."),
        Law("skip-has-a-gradient", "The gradient passes the skip undiminished.", _G1, holds=_has_a_slope),
        unchanged_by(_G1, (_W,), _BLOCK_SHAPE),
        each_alone_law(_G1, (_W,), _BLOCK_SHAPE),
    ),
    _G1,
    (_LIBRARY + "ResidualBlock", _LIBRARY + "edsr.EDSRBlock"),
)


# G1 and G3.


def _generator(x: Tensor, seed: int, down: bool) -> Tensor:
    """Return what the generator of width 4 with two blocks and the values of its shapes makes of x."""
    x = active(conv(x, _W, 7, seed))
    for _ in range(2):
        x = active(conv(x, _W, 4, seed, 2, 1) if down else conv(x, _W, 3, seed))
    x = block(block(x, seed), seed)
    for _ in range(2):
        x = active(conv(x, _W, 3, seed))
    return conv(x, 3, 7, seed)


def _right_G1(x: Tensor, seed: int) -> Tensor:
    return _generator(x, seed, False)


def _right_G3(x: Tensor, seed: int) -> Tensor:
    return _generator(x, seed, True)


def _G1_count(width: int, blocks: int) -> int:
    return _convolution(7, 3, width) + (4 + 2 * blocks) * _convolution(3, width, width) + _convolution(7, width, 3)


def _G3_count(width: int, blocks: int) -> int:
    return _G1_count(width, blocks) + 2 * (_convolution(4, width, width) - _convolution(3, width, width))


def _G1_activates(answer: Answer, level: float, blocks: int) -> None:
    network = built(answer, _W, blocks)
    set_to_pass(network)
    x = torch.full((1, 3, 4, 4), level)
    # A negative value is made smaller by five activations outside the blocks; a block adds what two leave of it.
    passed = level * 2**blocks if level >= 0 else level * SLOPE**5 * (1 + SLOPE * SLOPE) ** blocks
    note = "LeakyReLU stands behind every convolution but the last, in the blocks too; every block has its skip."
    what = f"the output for {level}, where every convolution passes on what it gets"
    expect_close(
        network(x) / abs(passed),
        torch.full_like(x, 1.0 if level > 0 else -1.0),
        NEAR,
        f"{what}, over {abs(passed):.6g}",
        note,
    )


def _halves_early(answer: Answer) -> None:
    network = built(answer, _W, 1)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.fill_(0.0 if parameter.dim() == 1 else 1e-2)
    images = torch.ones(1, 3, 160, 160, requires_grad=True)
    result = network(images)
    expect_shape(result, (1, 3, 40, 40))
    (reached,) = torch.autograd.grad(result[0, 0, 20, 20], [images])
    field = int((reached.abs().sum((0, 1)) > 0).any(0).sum())
    # 7x7 in steps of one pixel, 4x4 of one and of two, then of four: four 3x3, two of them in the block, and 7x7.
    right = 1 + 6 + 3 + 2 * 3 + 4 * (4 * 2 + 6)
    note = "Convolutions two and three are those with stride 2; the blocks work on the small picture."
    expect_equal(field, right, "pixels each way that one output depends on, with one block", note)


_G1_SHAPE, _G3_SHAPE = (2, 3, 6, 8), (2, 3, 8, 16)
_ENDS = [(_W, 3, 7, 7), (3, _W, 7, 7)]
G1 = Exercise(
    "G1",
    3,
    4,
    (
        size_law(_G1, (_W, 2), [(_G1_SHAPE, _G1_SHAPE), ((1, 3, 1, 5), (1, 3, 1, 5))], "Images keep their size."),
        kernels_law(
            _G1,
            (_W, 2),
            [*_ENDS, *[(_W, _W, 3, 3)] * 8],
            "The first and the last convolution are 7x7, all others 3x3, as many as the table says.",
        ),
        count_law(
            _G1,
            [((_W, 1), _G1_count(_W, 1)), ((5, 3), _G1_count(5, 3)), ((64, 6), 609_731)],
            "Has each block weights of its own? Is there normalisation, or a missing bias?",
        ),
        linear_end_law(_G1, (_W, 1), (1, 3, 4, 4), 3),
        Law(
            "activations",
            "LeakyReLU follows every convolution but the last, and every block has its skip.",
            _G1,
            {**_LEVELS, "blocks": st.integers(1, 3)},
            holds=_G1_activates,
            examples=10,
        ),
        zero_padding_law(_G1, (_W, 2), (1, 3, 12, 12), _right_G1),
        values_law(_G1, (_W, 2), _G1_SHAPE, _right_G1, "The layers stand in the order of the table."),
        unchanged_by(_G1, (_W, 2), _G1_SHAPE),
        each_alone_law(_G1, (_W, 2), _G1_SHAPE),
    ),
    _G1,
    (_LIBRARY + "Generator", _LIBRARY + "ResidualBlock", _LIBRARY + "Networks"),
)
G3 = Exercise(
    "G3",
    3,
    3,
    (
        size_law(
            _G3,
            (_W, 2),
            [(_G3_SHAPE, (2, 3, 2, 4)), ((1, 3, 12, 4), (1, 3, 3, 1))],
            "Images become four times smaller each way.",
        ),
        kernels_law(
            _G3,
            (_W, 2),
            [*_ENDS, *[(_W, _W, 4, 4)] * 2, *[(_W, _W, 3, 3)] * 6],
            "The two convolutions that halve the size are 4x4, the others as in G1.",
        ),
        count_law(
            _G3,
            [((_W, 1), _G3_count(_W, 1)), ((5, 3), _G3_count(5, 3)), ((64, 6), 667_075)],
            "Kernel 4 in convolutions two and three, each block with weights of its own, biases, no normalisation.",
        ),
        linear_end_law(_G3, (_W, 1), (1, 3, 8, 8), 3),
        Law(
            "halves-early",
            "Convolutions two and three halve the size; all that follows works on the small picture.",
            _G3,
            holds=_halves_early,
        ),
        zero_padding_law(_G3, (_W, 2), (1, 3, 32, 32), _right_G3),
        values_law(
            _G3, (_W, 2), _G3_SHAPE, _right_G3, "The layers stand in the right order, each with its activation."
        ),
        unchanged_by(_G3, (_W, 2), _G3_SHAPE),
        each_alone_law(_G3, (_W, 2), _G3_SHAPE),
    ),
    _G3,
    (_LIBRARY + "Generator", _LIBRARY + "ResidualBlock", _LIBRARY + "Networks"),
)

EXERCISES = (RESIDUAL_BLOCK, G1, G3, *JUDGES, *ENLARGING)
