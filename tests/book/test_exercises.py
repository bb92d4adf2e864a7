"""Every exercise says how hard it is, and has one folded solution."""

import re
from pathlib import Path

import pytest

CHAPTERS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.md"))


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_exercises_are_graded_and_solved(chapter: Path) -> None:
    text = chapter.read_text(encoding="utf-8")
    exercises = re.findall(r"^:::\{exercise\} (.+)\n:label: (\S+)$", text, flags=re.MULTILINE)
    assert len(exercises) == text.count("{exercise}") >= 3
    for title, _ in exercises:
        assert re.match(r"★{1,3} \S", title), f"{title}: no stars"
    solutions = re.findall(r"^:::\{solution(?:-start)?\} (\S+)\n:class: dropdown$", text, flags=re.MULTILINE)
    assert sorted(solutions) == sorted(label for _, label in exercises)
    assert len({title.count("★") for title, _ in exercises}) > 1, "all equally hard"
