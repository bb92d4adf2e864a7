"""A catalogue that fails when it is used, for the test that a fault of the grader's own is a row too."""

from cincgan_tutorial.grading.exercise import Exercise

EXERCISES = {"roughness": Exercise("roughness", 1, 1, None, "Chapter 3")}
