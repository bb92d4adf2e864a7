"""Every correct answer passes, whatever its style; and what has not been written passes no law."""

import importlib
import warnings
from pathlib import Path

import pytest
import torch

from cincgan_tutorial.grading import EXERCISES, check

FOLDER = Path(__file__).parent / "correct"


def answers():
    """Every answer of every style as (style, exercise)."""
    for path in sorted(FOLDER.glob("*.py")):
        module = importlib.import_module(f"correct.{path.stem}")
        yield from ((path.stem, name) for name in vars(module) if name in EXERCISES)


ANSWERS = list(answers())
# The first style that has an exercise is tried with every run of the tests, the others with the long ones.
STYLES = ("convolutions", "stopped", "sequential", "matrices", "loops", "parameters", "frozen")
_FIRST = {name: style for style, name in sorted(ANSWERS, key=lambda answer: STYLES.index(answer[0]), reverse=True)}
WRITTEN = [
    name for name, exercise in EXERCISES.items() if not name.startswith(("own_", "first_", "second_", "defence"))
]


def test_there_are_many_answers_and_most_exercises_have_several():
    assert len(ANSWERS) >= 40
    assert len(_FIRST) >= 20
    by_exercise = {name: [style for style, other in ANSWERS if other == name] for name in WRITTEN}
    assert [name for name, styles in by_exercise.items() if not styles] == []
    assert sum(len(styles) >= 2 for styles in by_exercise.values()) >= 20


def parameters():
    for style, name in ANSWERS:
        marks = () if _FIRST[name] == style else (pytest.mark.slow,)
        yield pytest.param(style, name, marks=marks, id=f"{style}-{name}")


@pytest.mark.parametrize(("style", "name"), list(parameters()))
def test_a_correct_answer_passes(style, name):
    report = check(name, getattr(importlib.import_module(f"correct.{style}"), name))
    assert report.passed, str(report)


@pytest.mark.parametrize("name", ["gaussian_kernel", "noisy", "degrade"])
def test_right_values_may_have_a_graph_behind_them(name):
    """As from an nn.Conv2d whose weight was set; and the laws ask for numbers without a warning of torch."""
    right, one = getattr(importlib.import_module("correct.matrices"), name), torch.nn.Parameter(torch.ones(()))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report = check(name, lambda *arguments: right(*arguments) * one)
    assert report.passed, str(report)


@pytest.mark.parametrize("name", EXERCISES)
def test_what_is_not_written_passes_no_law(name):
    def unwritten(*arguments):
        raise NotImplementedError("a hint")

    report = check(name, unwritten)
    assert report.held == 0
    assert "a hint" in str(report)


def test_laws_have_names_of_their_own_and_a_section_that_exists(root):
    for exercise in EXERCISES.values():
        names = [law.name for law in exercise.laws]
        assert len(set(names)) == len(names), exercise.name
        for section in {exercise.section, *(law.section for law in exercise.laws)}:
            page, title = section.split(", ", 1)
            assert f"\n## {title}\n" in (root / page).read_text("utf-8"), section


def test_what_may_not_be_imported_is_there():
    for exercise in EXERCISES.values():
        for dotted in exercise.library:
            module, name = dotted.rsplit(".", 1)
            thing = getattr(importlib.import_module(module), name)
            assert callable(thing), dotted
