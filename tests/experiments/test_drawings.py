"""Drawings say what the networks are: layers, repeats and sizes are read from them, and they are left as they were."""

import matplotlib.pyplot as plt
import pytest
from helpers import assert_same_tensors
from torch import nn

from cincgan_tutorial import drawings
from cincgan_tutorial.architectures import D2_STRIDES, EDSR, Generator, PatchDiscriminator, parameter_count
from cincgan_tutorial.presets import DiscriminatorSize, EDSRSize, GeneratorSize

NORMALISED = DiscriminatorSize(width=4, widest=8, batch_norm=True)


def listed(network, size) -> list[tuple]:
    return [(part.repeat, part.text, part.shape) for part in drawings.parts(network, size)]


def texts(figure) -> str:
    return "\n".join(text.get_text() for axes in figure.axes for text in [*axes.texts, axes.title])


def test_layers_of_a_generator_that_reduces():
    assert listed(Generator(GeneratorSize(width=4, blocks=3), reduce=4), 32) == [
        (1, "conv 7×7", (4, 32, 32)),
        (1, "conv 4×4, stride 2", (4, 16, 16)),
        (1, "conv 4×4, stride 2", (4, 8, 8)),
        (3, "residual block, 2 × conv 3×3", (4, 8, 8)),
        (1, "conv 3×3", (4, 8, 8)),
        (1, "conv 3×3", (4, 8, 8)),
        (1, "conv 7×7", (3, 8, 8)),
    ]


def test_layers_of_edsr():
    assert listed(EDSR(EDSRSize(features=4, blocks=5), scale=2), 8) == [
        (1, "conv 3×3", (4, 8, 8)),
        (5, "residual block, 2 × conv 3×3", (4, 8, 8)),
        (1, "conv 3×3", (4, 8, 8)),
        (1, "conv 3×3", (16, 8, 8)),
        (1, "pixel shuffle ×2", (4, 16, 16)),
        (1, "conv 3×3", (3, 16, 16)),
    ]


def test_layers_of_a_discriminator_and_where_it_normalises():
    parts = drawings.parts(PatchDiscriminator(D2_STRIDES, NORMALISED), 128)
    assert [part.shape for part in parts] == [(4, 64, 64), (8, 32, 32), (8, 16, 16), (8, 15, 15), (1, 14, 14)]
    assert [part.normalised for part in parts] == [False, True, True, True, False]


def test_every_convolution_is_in_a_box(paper_nets):
    for network, size in ((paper_nets.G1, 16), (paper_nets.D1, 32)):
        parts = drawings.parts(network, size)
        convolutions = sum(isinstance(module, nn.Conv2d) for module in network.modules())
        assert convolutions == sum(part.repeat * (2 if part.kind == "block" else 1) for part in parts)


@pytest.mark.parametrize("training", [True, False])
def test_the_network_is_left_as_it_was(training):
    judge = PatchDiscriminator(D2_STRIDES, NORMALISED).train(training)
    before = {name: value.clone() for name, value in judge.state_dict().items()}
    drawings.parts(judge, 128)
    assert_same_tensors(before, judge.state_dict())
    assert judge.training is training
    assert not any(module._forward_hooks for module in judge.modules())


def test_a_drawing_says_all_that_was_read():
    judge = PatchDiscriminator(D2_STRIDES, NORMALISED)
    figure = drawings.architecture(judge, "D2", 128)
    said = texts(figure)
    assert f"D2: {parameter_count(judge):,} parameters" in said
    for part in drawings.parts(judge, 128):
        channels, height, width = part.shape
        assert f"{channels}\n{height}×{width}" in said
    assert said.count("stride 2") == 3
    assert said.count("BatchNorm") == 3
    assert len(figure.axes[0].patches) >= 6
    assert plt.get_fignums() == []


def test_repeated_blocks_are_counted():
    assert "3 × residual block" in texts(drawings.architecture(Generator(GeneratorSize(4, 3)), "G1", 16))


def test_both_cycles_are_one_picture_in_the_papers_letters():
    figure = drawings.cycles()
    said = texts(figure).split("\n")
    for letter in ("x", "\\tilde y", "\\tilde z", "x'", "x''", "y", "z", "G_1", "G_2", "G_3", "SR", "D_1", "D_2"):
        assert said.count(f"${letter}$") == 1, letter
    assert plt.get_fignums() == []
