"""Two small exercises, and submissions to them: what tests of the grader grade."""

import json

import torch
from hypothesis import strategies as st

from cincgan_tutorial.grading.exercise import Exercise
from cincgan_tutorial.grading.laws import Law, expect_close, expect_number, expect_unchanged
from cincgan_tutorial.grading.strategies import images


def _roughness(image):
    return (image[..., 1:, :] - image[..., :-1, :]).abs().mean()


def _is_the_mean(answer, image):
    before = image.clone()
    expect_close(answer(image), _roughness(before), 1e-5, "the mean step down")
    expect_unchanged(image, before)


def _has_a_slope(answer, image):
    image.requires_grad_()
    expected = torch.autograd.grad(_roughness(image), image)[0]
    result = answer(image)
    expect_number(result)
    result.backward()
    expect_close(image.grad, expected, 1e-5, "the gradient")


def _doubles(answer, channels):
    layer = answer(channels)
    x = torch.ones(1, channels, 2, 2)
    with torch.no_grad():
        layer.weight.fill_(2.0)
    expect_close(layer(x), 2 * x, 1e-5, "twice the input")


ROUGHNESS = Exercise(
    "roughness",
    1,
    3,
    (
        Law(
            "mean",
            "It is the mean of the steps down, without sign.",
            "Chapter 3",
            {"image": images()},
            holds=_is_the_mean,
        ),
        Law("slope", "It has the right gradient.", "Chapter 3", {"image": images()}, holds=_has_a_slope, examples=5),
    ),
    "Chapter 3",
    ("cincgan_tutorial.losses.total_variation", "cincgan_tutorial.losses.distance"),
)
SCALE = Exercise(
    "Scale",
    1,
    2,
    (Law("doubles", "Each channel has its weight.", "Chapter 5", {"channels": st.integers(1, 4)}, holds=_doubles),),
    "Chapter 5",
    ("cincgan_tutorial.architectures.Generator",),
)
EXERCISES = {exercise.name: exercise for exercise in (ROUGHNESS, SCALE)}

RIGHT = """\
import torch, os
from torch import nn
def roughness(image):
    step = image[..., 1:, :] - image[..., :-1, :]
    return step.abs().mean()
"""
LAYER = """\
class Scale(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
    def forward(self, x):
        return x * self.weight[:, None, None]
"""
GRADED = 'from cincgan_tutorial.grading import check\ncheck("roughness", roughness)\ncheck("Scale", Scale)'


def notebook(*cells):
    """The text of a notebook of these code cells."""
    made = [
        {"cell_type": "code", "execution_count": None, "id": f"c{i}", "metadata": {}, "outputs": [], "source": cell}
        for i, cell in enumerate(cells)
    ]
    return json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
