"""Assignment 3, continued: receptive fields and the PatchGAN."""

from __future__ import annotations

import itertools

import torch
import torch.nn.functional as F
from hypothesis import strategies as st
from torch import Tensor, nn

from ..exercise import Exercise
from ..laws import Law, expect, expect_close, expect_equal, expect_is_tensor, expect_shape
from .of_many import CHAPTER_5, Answer
from .of_networks import (
    NEAR,
    SLOPE,
    Shape,
    active,
    built,
    conv,
    count_law,
    each_alone_law,
    kernels_law,
    linear_end_law,
    noise,
    set_by_shape,
    unchanged_by,
    values_law,
    zero_padding_law,
)

JUDGES_SECTION = CHAPTER_5 + "D1 and D2: how much does a judge see?"
_LIBRARY = "cincgan_tutorial.architectures."
_W = 4


# The receptive field.


def seen(kernels: list[int], strides: list[int]) -> int:
    """Return how many pixels one output depends on, by going back layer by layer."""
    first, last = 0, 0
    for kernel, stride in zip(reversed(kernels), reversed(strides), strict=True):
        first, last = first * stride, last * stride + kernel - 1
    return last - first + 1


def _field(answer: Answer, kernels: list[int], strides: list[int]) -> None:
    expect_equal(answer(kernels, strides), seen(kernels, strides), "the receptive field")


def _one_layer(answer: Answer, kernel: int, stride: int) -> None:
    note = "One convolution sees its kernel. Its own stride says where the next output looks."
    expect_equal(answer([kernel], [stride]), kernel, "the receptive field of one convolution", note)
    expect_equal(answer([], []), 1, "the receptive field of no convolution", "One pixel sees itself.")


def _stride_counts_behind(answer: Answer, kernel: int) -> None:
    note = "A stride widens the steps of all layers *behind* it, in the product of all strides so far."
    expect_equal(answer([1, kernel], [2, 1]), 1 + 2 * (kernel - 1), f"kernel {kernel} behind a stride of 2", note)
    expect_equal(answer([kernel, 1], [1, 2]), kernel, f"kernel {kernel} before a stride of 2", note)
    expect_equal(
        answer([1, 1, kernel], [2, 2, 1]), 1 + 4 * (kernel - 1), f"kernel {kernel} behind two strides of 2", note
    )


def _is_a_whole_number(answer: Answer) -> None:
    got = answer([4] * 5, [2, 2, 2, 1, 1])
    expect(isinstance(got, int) and not isinstance(got, bool), "an int", f"{type(got).__name__}: {got}")
    expect_equal(got, 70, "the receptive field of D2")
    expect_equal(answer([4] * 5, [1] * 5), 16, "the receptive field of D1")


def _lists_stay(answer: Answer) -> None:
    kernels, strides = [4, 3, 5], [2, 1, 1]
    answer(kernels, strides)
    expect_equal((kernels, strides), ([4, 3, 5], [2, 1, 1]), "both lists after the call")


_LAYERS = st.lists(st.tuples(st.integers(1, 7), st.integers(1, 3)), max_size=5)


def _stack(answer: Answer, layers: list[tuple[int, int]]) -> None:
    _field(answer, [kernel for kernel, _ in layers], [stride for _, stride in layers])


RECEPTIVE_FIELD = Exercise(
    "receptive_field",
    3,
    2,
    (
        Law(
            "one-layer",
            "One convolution sees as many pixels as its kernel has, whatever its own stride.",
            JUDGES_SECTION,
            {"kernel": st.integers(1, 7), "stride": st.integers(1, 3)},
            holds=_one_layer,
            examples=10,
        ),
        Law(
            "strides-count-behind",
            "A stride multiplies the steps of the layers behind it, not of its own and not of those before.",
            JUDGES_SECTION,
            {"kernel": st.integers(2, 7)},
            holds=_stride_counts_behind,
            examples=6,
        ),
        Law(
            "d1-and-d2",
            "D1 sees 16 pixels and D2 sees 70, as whole numbers.",
            JUDGES_SECTION,
            holds=_is_a_whole_number,
        ),
        Law(
            "any-stack",
            "The field is right for any kernels and strides.",
            JUDGES_SECTION,
            {"layers": _LAYERS},
            holds=_stack,
            examples=40,
        ),
        Law("leaves-its-input", "The lists are the same after the call.", JUDGES_SECTION, holds=_lists_stay),
    ),
    JUDGES_SECTION,
    (_LIBRARY + "receptive_field", _LIBRARY + "influence"),
)


# The PatchGAN. Its five convolutions have five shapes, so any weights can be set and known.

_PATCH, _PIXELS = (2, 2, 2, 1, 1), (1, 1, 1, 1, 1)
_WIDTHS = (3, _W, 2 * _W, 4 * _W, 8 * _W, 1)


def _judge(x: Tensor, seed: int, strides: tuple[int, ...], training: bool = True) -> Tensor:
    """Return the scores of a judge of width 4 with the values of its shapes."""
    for number, stride in enumerate(strides[:-1]):
        x = conv(x, _WIDTHS[number + 1], 4, seed, stride, 1)
        if number > 0 and training:
            x = F.batch_norm(x, None, None, training=True)
        elif number > 0:
            x = x / (1 + 1e-5) ** 0.5
        x = active(x)
    return conv(x, 1, 4, seed, strides[-1], 1)


def _right_judge(x: Tensor, seed: int) -> Tensor:
    return _judge(x, seed, _PATCH)


def _plain_judge(x: Tensor, seed: int) -> Tensor:
    return _judge(x, seed, _PIXELS)


def _has_batch_norms(answer: Answer) -> None:
    network = built(answer, _PATCH, _W)
    widths = sorted(m.num_features for m in network.modules() if isinstance(m, nn.BatchNorm2d))
    note = "BatchNorm2d behind convolutions two, three and four: not behind the first, not behind the last."
    expect_equal(widths, [2 * _W, 4 * _W, 8 * _W], "channels of the BatchNorm2d layers", note)


def _sees(answer: Answer, strides: tuple[int, ...]) -> None:
    network = built(answer, strides, _W).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.fill_(1.0 if parameter.dim() == 1 else 0.01)
    x = torch.ones(1, 3, 192, 192, requires_grad=True)
    result = network(x)
    expect_is_tensor(result)
    middle = (result.shape[-2] // 2, result.shape[-1] // 2)
    (reached,) = torch.autograd.grad(result[0, 0, middle[0], middle[1]], [x])
    field = int((reached.abs().sum((0, 1)) > 0).any(0).sum())
    note = "Kernel 4 in all five, and the strides as given, in their order."
    expect_equal(
        field, seen([4] * 5, list(strides)), f"pixels each way that a score depends on with strides {strides}", note
    )


def _size_for(answer: Answer, strides: tuple[int, ...]) -> None:
    side = 80
    right = side
    for stride in strides:
        right = (right + 2 - 4) // stride + 1
    network = built(answer, strides, _W)
    note = "Padding 1 on each side, in all five."
    expect_shape(
        network(noise(2, 3, side, side)),
        (2, 1, right, right),
        f"the scores of 80x80 pixels with strides {strides}",
        note,
    )


def _normalises_before(answer: Answer, seed: int) -> None:
    network = built(answer, _PIXELS, _W).train()
    set_by_shape(network, seed)
    x = noise(3, 3, 12, 12, seed=seed)
    note = "Convolution, BatchNorm, LeakyReLU: in this order."
    expect_close(
        network(x), _plain_judge(x, seed), NEAR, "the scores in training mode with weights that the law has set", note
    )


def _eval_values(answer: Answer, seed: int) -> None:
    network = built(answer, _PIXELS, _W).eval()
    set_by_shape(network, seed)
    x = noise(2, 3, 12, 12, seed=seed)
    right = _judge(x, seed, _PIXELS, training=False)
    note = f"LeakyReLU with slope {SLOPE} behind the first four convolutions."
    expect_close(network(x), right, NEAR, "the scores in eval mode with weights that the law has set", note)


def _judge_count(width: int) -> int:
    widths = (3, width, 2 * width, 4 * width, 8 * width, 1)
    convolutions = sum(16 * a * b + b for a, b in itertools.pairwise(widths))
    return convolutions + 2 * (2 + 4 + 8) * width


_STRIDES = st.sampled_from([_PATCH, _PIXELS, (2, 1, 1, 1, 1), (1, 2, 1, 2, 1), (1, 1, 1, 1, 2)])
_KERNELS: list[Shape] = [(b, a, 4, 4) for a, b in itertools.pairwise(_WIDTHS)]
PATCH_DISCRIMINATOR = Exercise(
    "PatchDiscriminator",
    3,
    4,
    (
        kernels_law(
            JUDGES_SECTION,
            (_PATCH, _W),
            _KERNELS,
            "There are five convolutions, all 4x4, of the widths that the task gives.",
        ),
        Law(
            "size",
            "Each convolution has padding 1 and its own stride: the map of scores has the size that follows.",
            JUDGES_SECTION,
            {"strides": _STRIDES},
            holds=_size_for,
            examples=5,
        ),
        Law(
            "receptive-field",
            "A score depends on as many pixels as the strides say: 16 or 70 for D1 and D2.",
            JUDGES_SECTION,
            {"strides": _STRIDES},
            holds=_sees,
            examples=5,
        ),
        Law(
            "batch-norm",
            "BatchNorm stands behind convolutions two, three and four, and nowhere else.",
            JUDGES_SECTION,
            holds=_has_batch_norms,
        ),
        linear_end_law(JUDGES_SECTION, (_PIXELS, _W), (2, 3, 12, 12), 1),
        count_law(
            JUDGES_SECTION,
            [((_PATCH, _W), _judge_count(_W)), ((_PIXELS, 3), _judge_count(3))],
            "Five convolutions, each with a bias, and three BatchNorm2d with two numbers a channel.",
        ),
        Law(
            "activations",
            "LeakyReLU follows the first four convolutions.",
            JUDGES_SECTION,
            {"seed": st.integers(0, 999)},
            holds=_eval_values,
            examples=3,
        ),
        Law(
            "norm-then-activation",
            "BatchNorm stands between its convolution and LeakyReLU.",
            JUDGES_SECTION,
            {"seed": st.integers(0, 999)},
            holds=_normalises_before,
            examples=3,
        ),
        zero_padding_law(JUDGES_SECTION, (_PIXELS, _W), (2, 3, 16, 16), _plain_judge),
        values_law(JUDGES_SECTION, (_PATCH, _W), (3, 3, 48, 64), _right_judge, "The scores are right for any weights."),
        unchanged_by(JUDGES_SECTION, (_PIXELS, _W), (2, 3, 12, 12)),
        each_alone_law(JUDGES_SECTION, (_PIXELS, _W), (2, 3, 12, 12)),
    ),
    JUDGES_SECTION,
    (_LIBRARY + "PatchDiscriminator", _LIBRARY + "Networks"),
)

_FIELDS = sorted({seen([4] * 5, [*strides, 1]) for strides in itertools.product((1, 2), repeat=4)})


def _strides_are_allowed(answer: Answer, field: int) -> None:
    got = answer(field)
    expect(isinstance(got, (tuple, list)) and len(got) == 5, "five strides", got)
    expect(all(stride in (1, 2) for stride in got), "strides of 1 or 2", got)
    expect_equal(got[-1], 1, f"the last of {tuple(got)}")


def _strides_see(answer: Answer, field: int) -> None:
    got = answer(field)
    expect(isinstance(got, (tuple, list)) and len(got) == 5, "five strides", got)
    sees = seen([4] * 5, [int(stride) for stride in got])
    expect_equal(sees, field, f"what kernels of 4 with the strides {tuple(got)} see, in pixels")


STRIDES_SEEING = Exercise(
    "strides_seeing",
    3,
    2,
    (
        Law(
            "five-of-one-or-two",
            "There are five strides, each 1 or 2, the last one 1.",
            JUDGES_SECTION,
            {"field": st.sampled_from(_FIELDS)},
            holds=_strides_are_allowed,
            examples=len(_FIELDS),
        ),
        Law(
            "sees-the-field",
            "With these strides five convolutions of kernel 4 see exactly the field that was asked for.",
            JUDGES_SECTION,
            {"field": st.sampled_from(_FIELDS)},
            holds=_strides_see,
            examples=len(_FIELDS),
        ),
    ),
    JUDGES_SECTION,
    (_LIBRARY + "receptive_field",),
)

EXERCISES = (RECEPTIVE_FIELD, PATCH_DISCRIMINATOR, STRIDES_SEEING)
