"""Laws tried on right and wrong answers: what is said, and that it is always the same."""

import warnings

import pytest
import torch
from hypothesis import strategies as st

from cincgan_tutorial.grading import LawsBroken, check
from cincgan_tutorial.grading.catalogue import EXERCISES
from cincgan_tutorial.grading.exercise import Exercise
from cincgan_tutorial.grading.laws import (
    Broken,
    Law,
    expect_close,
    expect_equal,
    expect_like,
    expect_number,
    expect_shape,
    expect_unchanged,
    shown,
)
from cincgan_tutorial.grading.strategies import filled, images, numbers, scores
from cincgan_tutorial.grading.trying import Refusal, try_all, try_law


def mean_of_squares(answer, image):
    before = image.clone()
    expect_close(answer(image), before.square().mean(), 1e-5, "the mean of squares")
    expect_unchanged(image, before)


SQUARES = Law("squares", "It is the mean of squares.", "Chapter 3", {"image": images()}, holds=mean_of_squares)
FIXED = Law(
    "known", "Of ones it is 1.", "Chapter 3", holds=lambda answer: expect_close(answer(torch.ones(2)), 1.0, 1e-6)
)
EXERCISE = Exercise("squares", 2, 4, (FIXED, SQUARES), "Chapter 3")


@pytest.fixture(autouse=True)
def catalogue(monkeypatch):
    monkeypatch.setitem(EXERCISES, "squares", EXERCISE)


def right(image):
    return (image * image).mean()


def test_a_right_answer_passes(capsys):
    report = check("squares", right)
    assert report.passed
    assert report.required() is None
    assert capsys.readouterr().out == "squares: all 2 laws hold.\n"


def test_a_wrong_answer_is_told_the_law_the_input_both_sides_and_the_section(capsys):
    report = check("squares", lambda image: image.mean())
    assert (report.held, report.passed) == (1, False)
    text = capsys.readouterr().out
    for part in ("1 of 2 laws hold", "It is the mean of squares.", "image = 1x3x2x2", "expected", "got", "Chapter 3"):
        assert part in text


def test_the_counterexample_is_small():
    outcome = try_law(SQUARES, lambda image: image.square().mean() + (image.shape[2] > 3))
    assert "1x3x4x2" in outcome.example


def test_the_report_is_the_same_every_time():
    assert str(try_all(EXERCISE, torch.sum)) == str(try_all(EXERCISE, torch.sum))


def test_an_error_of_the_answer_is_part_of_the_report():
    outcome = try_law(SQUARES, lambda image: image.no_such_thing)
    assert "AttributeError" in outcome.got


def test_an_unwritten_answer_is_said_once():
    def stub(image):
        raise NotImplementedError("Square first.")

    report = try_all(EXERCISE, stub)
    assert len(report.outcomes) == 1
    assert "Square first." in str(report)


def test_a_change_in_place_is_found():
    outcome = try_law(SQUARES, lambda image: image.square_().mean())
    assert "in place" in outcome.note


def test_an_answer_that_changes_its_mind_is_found():
    calls = []

    def fickle(image):
        calls.append(1)
        return right(image) + (len(calls) == 3)

    assert not try_law(SQUARES, fickle).holds


def test_a_refusal_ends_the_trial():
    def refused(image):
        raise Refusal("No.")

    report = try_all(EXERCISE, refused)
    assert (report.refused, report.held, report.passed) == ("No.", 0, False)


def test_a_result_that_a_law_stumbles_over_is_a_broken_law():
    law = Law("x", "x", "x", {"image": images()}, holds=lambda answer, image: answer(image).shape)
    assert "AttributeError" in try_law(law, lambda image: None).got


def test_required_raises_the_report():
    with pytest.raises(LawsBroken, match="1 of 2 laws hold") as caught:
        check("squares", lambda image: image.mean()).required()
    assert caught.value._render_traceback_()[0] == "squares: 1 of 2 laws hold."


def test_names_and_kinds_are_checked():
    with pytest.raises(ValueError, match="Did you mean 'squares'"):
        check("sqares", right)
    with pytest.raises(TypeError, match="without brackets"):
        check("squares", torch.ones(3))


@pytest.mark.parametrize(
    ("call", "expected", "got"),
    [
        (lambda: expect_close(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.5]), 1e-3), "2.5", "2]"),
        (lambda: expect_close(torch.ones(2, 1), torch.ones(1, 2), 1e-3), "shape 1x2", "shape 2x1"),
        (lambda: expect_close(float("nan"), 1.0, 1e-3), "1", "nan"),
        (lambda: expect_close(torch.tensor(float("inf")), 1.0, 1e-3), "1", "inf"),
        (lambda: expect_close(None, 1.0, 1e-3), "1", "nothing (None)"),
        (lambda: expect_close(torch.zeros(5, 5), torch.eye(5), 1e-3), "1 at (0, 0)", "0 (5 of 25"),
        (lambda: expect_shape(torch.ones(2), (2, 1)), "shape 2x1", "shape 2"),
        (lambda: expect_like(torch.ones(2).double(), torch.ones(2)), "float32", "float64"),
        (lambda: expect_number(torch.ones(2)), "one number", "shape 2"),
        (lambda: expect_number(float("inf")), "finite", "inf"),
        (lambda: expect_equal(3, 4, "the count"), "the count: 4", "3"),
        (lambda: expect_unchanged(torch.ones(1), torch.zeros(1)), "[0]", "[1]"),
    ],
)
def test_both_sides_are_said(call, expected, got):
    with pytest.raises(Broken) as caught:
        call()
    assert expected in caught.value.expected
    assert got in caught.value.got


def test_close_things_are_close():
    expect_close(1.00001, torch.tensor(1.0), 1e-4)
    expect_close(torch.tensor([1000.01]), torch.tensor([1000.0]), 1e-4)
    assert expect_number(torch.tensor(2.0)) == 2.0


def test_a_number_with_a_graph_behind_it_is_a_number():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert expect_number(torch.tensor(2.0, requires_grad=True)) == 2.0
        expect_close(torch.tensor(2.0, requires_grad=True), 2.0, 1e-4)


def test_drawn_tensors_are_simple_first():
    assert filled((1, 1, 2, 2), 0, 0.0, 1.0).flatten().tolist() == [0, 0, 1, 0]
    assert filled((3,), 1, 0.0, 1.0).tolist() == [0, 0.5, 1]
    assert torch.equal(filled((4, 4), 7, -1.0, 1.0), filled((4, 4), 7, -1.0, 1.0))
    assert -1 <= filled((4, 4), 7, -1.0, 1.0).min() < 0


@pytest.mark.parametrize("strategy", [images(), scores(), numbers(-1, 1), st.just(0)])
def test_strategies_draw(strategy):
    seen = []
    law = Law("x", "x", "x", {"value": strategy}, holds=lambda answer, value: seen.append(value))
    assert try_law(law, right).holds
    assert len(seen) >= 1


def test_shown_is_short():
    assert shown(torch.tensor(0.5)) == "0.5"
    assert shown(torch.zeros(9, 9)) == "9x9, 0 everywhere"
    assert "values from 0 to 99" in shown(torch.arange(100.0))
    assert len(shown("x" * 3 + "y")) == 4
    assert len(shown(list(range(1000)))) > 0
