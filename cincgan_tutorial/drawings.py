"""Chapters 2 and 5: drawings of the networks, made from the networks themselves, and of the two cycles around them.

What a drawing says of a layer (kernel, stride, channels, size of its output) is read while an image passes through, so
no drawing can tell another story than the code.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, Rectangle
from torch import Tensor, nn

from .architectures import ResidualBlock, parameter_count
from .architectures.edsr import EDSRBlock
from .figures import COLOURS

_BLOCKS = (ResidualBlock, EDSRBlock)
_SHOWN = (nn.Conv2d, nn.PixelShuffle, nn.BatchNorm2d, *_BLOCKS)
_BLUE, _VERMILION, _GREEN, _PURPLE = COLOURS[:4]


@dataclass(frozen=True)
class Part:
    """One box of a drawing.

    Attributes:
        kind: "conv", "block" or "shuffle".
        text: What it does, such as "conv 7x7".
        shape: Channels, height and width of its output.
        repeat: How many of these follow each other.
        normalised: Whether BatchNorm follows.
    """

    kind: str
    text: str
    shape: tuple[int, int, int]
    repeat: int = 1
    normalised: bool = False


def parts(network: nn.Module, size: int) -> list[Part]:
    """Return the layers that an image of ``size`` x ``size`` pixels passes through, in their order.

    The inside of a residual block is not listed; equal blocks that follow each other are one part.
    """
    inside = {id(m) for block in network.modules() if isinstance(block, _BLOCKS) for m in block.modules()} - {
        id(block) for block in network.modules() if isinstance(block, _BLOCKS)
    }
    found: list[Part] = []

    def note(module: nn.Module, _: Any, output: Tensor) -> None:
        shape = (output.shape[1], output.shape[2], output.shape[3])
        if isinstance(module, nn.BatchNorm2d):
            found[-1] = replace(found[-1], normalised=True)
        elif found and isinstance(module, _BLOCKS) and found[-1] == _part(module, shape, found[-1].repeat):
            found[-1] = replace(found[-1], repeat=found[-1].repeat + 1)
        else:
            found.append(_part(module, shape))

    shown = [m for m in network.modules() if isinstance(m, _SHOWN) and id(m) not in inside]
    hooks = [module.register_forward_hook(note) for module in shown]
    was_training = network.training
    try:
        with torch.no_grad():
            network.eval()(torch.zeros(1, 3, size, size))  # BatchNorm's statistics stay as they are
    finally:
        network.train(was_training)
        for hook in hooks:
            hook.remove()
    return found


def _part(module: nn.Module, shape: tuple[int, int, int], repeat: int = 1) -> Part:
    if isinstance(module, nn.Conv2d):
        kernel, stride = module.kernel_size[0], module.stride[0]
        return Part("conv", f"conv {kernel}×{kernel}" + (f", stride {stride}" if stride > 1 else ""), shape)
    if isinstance(module, nn.PixelShuffle):
        return Part("shuffle", f"pixel shuffle ×{module.upscale_factor}", shape)
    kernel = next(m.kernel_size[0] for m in module.modules() if isinstance(m, nn.Conv2d))
    return Part("block", f"residual block, 2 × conv {kernel}×{kernel}", shape, repeat)


_COLOUR_OF = {"conv": _BLUE, "block": _VERMILION, "shuffle": _GREEN}


def architecture(network: nn.Module, name: str, size: int) -> Figure:
    """Draw a network as a row of boxes, one for each layer: what it does, channels, and height x width of its output.

    The box is as high as its output is, on a logarithmic scale.

    Args:
        network: Takes (1, 3, size, size).
        name: Its letter, for the title.
        size: Height and width of the image that passes through.
    """
    shown = [Part("image", "image", (3, size, size)), *parts(network, size)]
    figure, axes = plt.subplots(figsize=(0.68 * len(shown) + 0.3, 2.6), layout="constrained")
    for place, part in enumerate(shown):
        _box(axes, place, part)
    axes.set_xlim(-0.6, len(shown) - 0.4)
    axes.set_ylim(-1.4, 0.9)
    axes.axis("off")
    axes.set_title(f"{name}: {parameter_count(network):,} parameters", fontsize=10)
    plt.close(figure)
    return figure


def _box(axes: Axes, place: int, part: Part) -> None:
    """Draw one box, what it does inside it, and its output's size below it."""
    channels, height, width = part.shape
    tall = 1.3 + 0.2 * math.log2(height / 32)
    colour = _COLOUR_OF.get(part.kind, "#666666")
    axes.add_patch(
        Rectangle((place - 0.36, -tall / 2), 0.72, tall, facecolor=colour, alpha=0.22, edgecolor=colour, linewidth=1)
    )
    text = (f"{part.repeat} × " if part.repeat > 1 else "") + part.text + (", BatchNorm" if part.normalised else "")
    axes.text(place, 0, text.replace(", ", ",\n"), rotation=90, ha="center", va="center", fontsize=8)
    axes.text(place, -0.95, f"{channels}\n{height}×{width}", ha="center", va="top", fontsize=7.5)
    if place:
        axes.annotate("", (place - 0.36, 0), (place - 0.64, 0), arrowprops={"arrowstyle": "->", "linewidth": 0.8})


# Where the images of both cycles stand, in the letters of the paper.
_IMAGES = {
    "$x$": (0, 0), "$\\tilde y$": (2, 0), "$\\tilde z$": (4, 0), "$x'$": (2, 1.25), "$x''$": (4, 2.1),
    "$y$": (1.15, -1.2), "$z$": (3.15, -1.2),
}  # fmt: skip


def cycles() -> Figure:
    """Draw both cycles as one picture, in the paper's letters.

    x is cleaned and enlarged, G2 and G3 lead back, D1 and D2 compare with y and z. Given images are grey.
    """
    figure, axes = plt.subplots(figsize=(6.4, 4.6), layout="constrained")
    for label, (right, up) in _IMAGES.items():
        given = label in ("$x$", "$y$", "$z$")
        axes.text(
            right, up, label, ha="center", va="center", fontsize=14,
            bbox={"boxstyle": "round,pad=0.35", "facecolor": "#e8e8e8" if given else "white", "edgecolor": "#444444"},
        )  # fmt: skip
    _arrow(axes, "$x$", "$\\tilde y$", "$G_1$", _BLUE)
    _arrow(axes, "$\\tilde y$", "$\\tilde z$", "$SR$", _VERMILION)
    _arrow(axes, "$\\tilde y$", "$x'$", "$G_2$", _BLUE)
    _arrow(axes, "$\\tilde z$", "$x''$", "$G_3$", _VERMILION)
    _same(axes, "$x'$", "cycle one:\nthe same?", _BLUE, bend=0.25, at=(1.05, 0.55))
    _same(axes, "$x''$", "cycle two:\nthe same?", _VERMILION, bend=0.35, at=(1.0, 2.1))
    _judge(axes, "$\\tilde y$", "$y$", "$D_1$", _BLUE)
    _judge(axes, "$\\tilde z$", "$z$", "$D_2$", _VERMILION)
    axes.annotate(
        "", (3.1, -1.48), (1.2, -1.48),
        arrowprops={"arrowstyle": "-|>", "connectionstyle": "arc3,rad=0.25", "color": "#444444", "linewidth": 0.8},
    )  # fmt: skip
    axes.text(2.15, -1.85, "a pair: $SR(y)$ should be $z$", ha="center", va="top", fontsize=8.5, color="#444444")
    axes.set_xlim(-0.5, 4.7)
    axes.set_ylim(-2.1, 2.5)
    axes.axis("off")
    plt.close(figure)
    return figure


def _arrow(axes: Axes, start: str, end: str, label: str, colour: str) -> None:
    """Draw a network as an arrow from its input to its output."""
    (a, b), (c, d) = _IMAGES[start], _IMAGES[end]
    axes.add_patch(
        FancyArrowPatch((a, b), (c, d), shrinkA=17, shrinkB=17, arrowstyle="-|>", mutation_scale=14, color=colour)
    )
    beside = (0, 0.14) if b == d else (0.22, 0)
    axes.text((a + c) / 2 + beside[0], (b + d) / 2 + beside[1], label, ha="center", fontsize=12, color=colour)


def _same(axes: Axes, end: str, label: str, colour: str, bend: float, at: tuple[float, float]) -> None:
    """Draw the comparison of an image that has come back with x, as a dashed line."""
    a, b = _IMAGES[end]
    axes.add_patch(
        FancyArrowPatch(
            (a, b), _IMAGES["$x$"], shrinkA=17, shrinkB=15, arrowstyle="<|-|>", mutation_scale=10, color=colour,
            linestyle="--", linewidth=1, connectionstyle=f"arc3,rad={bend}",
        )
    )  # fmt: skip
    axes.text(*at, label, ha="center", va="center", fontsize=8.5, color=colour)


def _judge(axes: Axes, fake: str, real: str, label: str, colour: str) -> None:
    """Draw a discriminator as a circle that looks at a generated and at a real image."""
    middle = (_IMAGES[fake][0], -1.2)
    for image in (fake, real):
        axes.add_patch(
            FancyArrowPatch(
                _IMAGES[image], middle, shrinkA=16, shrinkB=16, arrowstyle="-|>", mutation_scale=9, color=colour,
                linewidth=1,
            )
        )  # fmt: skip
    axes.text(
        *middle, label, ha="center", va="center", fontsize=11, color=colour,
        bbox={"boxstyle": "circle,pad=0.25", "facecolor": "white", "edgecolor": colour},
    )  # fmt: skip
