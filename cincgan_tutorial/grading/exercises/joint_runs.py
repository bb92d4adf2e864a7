"""Assignment 4, continued: the two broken runs, and what can be defended. Letters, of which only a digest stands here.

The installed library holds no solution in plain words. A digest of one letter is no secret: whoever wants to can try
them all. It keeps the answer out of sight, not out of reach.
"""

from __future__ import annotations

import hashlib
from typing import Any

from ..exercise import Exercise
from ..laws import Law, expect
from .of_many import CHAPTER_3, CHAPTER_6, CHAPTER_7, Answer

_CURVES = ("LR gan", "LR cycle", "LR identity", "LR tv", "D1", "LR drift", "LR contrast")
_CAUSES = "ABCDEFG"


def digest(exercise: str, key: str, value: str) -> str:
    """Return what stands in a catalogue instead of an answer."""
    return hashlib.sha256(f"{exercise}/{key}/{value}".encode()).hexdigest()[:12]


def _entry(answer: Answer, key: str, known: tuple[str, ...]) -> str:
    given: Any = answer()
    expect(isinstance(given, dict) and key in given, f"a dictionary with the key {key!r}", given)
    value = given[key]
    expect(isinstance(value, str) and value in known, f"{key}: one of {', '.join(known)}", value)
    return str(value)


def _chosen(
    exercise: str, key: str, known: tuple[str, ...], right: tuple[str, ...], words: str, section: str, note: str
) -> Law:
    """Return the law that one entry of a dictionary is right; ``right`` are the digests that are accepted."""

    def holds(answer: Answer) -> None:
        value = _entry(answer, key, known)
        # The right one is not named: that would be the solution.
        expect(digest(exercise, key, value) in right, f"{key}: one that explains what is seen", value, note)

    return Law(key.replace(" ", "-"), words, section, holds=holds)


_HEALTH = CHAPTER_6 + "How the curves should look"
FIRST = Exercise(
    "first_broken_run",
    4,
    2,
    (
        _chosen(
            "first_broken_run",
            "cause",
            tuple(_CAUSES),
            ("e6960e3ceb62",),
            "The cause explains all curves of broken-1.",
            _HEALTH,
            "In a game one side's gain is the other's loss: look at both curves of the game together.",
        ),
        _chosen(
            "first_broken_run",
            "curve",
            _CURVES,
            (
                "e812d1d177de",
                "ce03d36d12f7",
            ),
            "The curve that gives it away could not look like this in a game that is set up rightly.",
            _HEALTH,
            "Which curve is better than it should be?",
        ),
    ),
    _HEALTH,
)
SECOND = Exercise(
    "second_broken_run",
    4,
    2,
    (
        _chosen(
            "second_broken_run",
            "cause",
            tuple(_CAUSES),
            ("2c160327d40d",),
            "The cause explains all curves of broken-2.",
            CHAPTER_3 + "What each term does, shown by its absence",
            "What is wrong with the picture, and which term should have held that?",
        ),
        _chosen(
            "second_broken_run",
            "curve",
            _CURVES,
            (
                "acb6c1efbaeb",
                "bd2f2e6bc58c",
            ),
            "The curve that gives it away lies far from that of the sound run.",
            CHAPTER_3 + "What each term does, shown by its absence",
            "Compare with the sound run, panel by panel, and mind the scales.",
        ),
    ),
    _HEALTH,
)

_PROTOCOL = CHAPTER_7 + "Two scores, and four traps"
_LETTERS = ("A", "B", "C", "D")
DEFENCE = Exercise(
    "defence",
    4,
    3,
    (
        _chosen(
            "defence",
            "shifted",
            _LETTERS,
            ("23ec47b11d23",),
            "Where pictures are shifted, every row of a table is scored in the same way, aligned.",
            _PROTOCOL,
            "What would bicubic enlargement of a perfect but shifted x score?",
        ),
        _chosen(
            "defence",
            "gain",
            _LETTERS,
            ("58a3ff84af86",),
            "A gain smaller than what another seed changes shows nothing.",
            CHAPTER_7 + "How much is luck?",
            "How often would the unchanged method, trained twice, have gained as much?",
        ),
        _chosen(
            "defence",
            "no truth",
            _LETTERS,
            ("7a5304f5455d",),
            "Without a truth no distance to the truth can be given.",
            CHAPTER_7 + "How to score: one result, many numbers",
            "What would the untouched input score?",
        ),
    ),
    _PROTOCOL,
)

EXERCISES = (FIRST, SECOND, DEFENCE)
