"""Every wrong answer is refused, by laws; all were written by someone who had not read the laws."""

import collections

import pytest
from wrong import WRONG, Wrong

from cincgan_tutorial.grading import EXERCISES, check

# One of each exercise with every run of the tests, the others with the long ones.
_FIRST = {wrong.exercise: wrong for wrong in reversed(WRONG)}


def parameters():
    for wrong in WRONG:
        marks = () if _FIRST[wrong.exercise] is wrong else (pytest.mark.slow,)
        yield pytest.param(wrong, marks=marks, id=wrong.name)


def test_there_are_many_of_them_for_every_exercise_and_no_two_the_same():
    of_exercise = collections.Counter(wrong.exercise for wrong in WRONG)
    assert len(WRONG) >= 60
    assert set(of_exercise) == set(EXERCISES)
    assert min(of_exercise.values()) >= 3
    assert len({wrong.name for wrong in WRONG}) == len(WRONG)


@pytest.mark.parametrize("wrong", list(parameters()))
def test_a_wrong_answer_is_refused_by_a_law(wrong: Wrong):
    report = check(wrong.exercise, wrong.answer)
    assert not report.passed, wrong.mistake
    assert not report.refused, "refused, but not by a law"
