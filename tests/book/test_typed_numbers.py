"""No measured number is typed into the prose of a section that reports results: it would outlive its result.

A section reports results where one of its cells reads a recorded one or scores networks. In its prose a decimal may
stand in a formula, in code, in the address of a link, in a sentence that names the paper or another source, and in
`DEFINED`, where a definition gives it. All else comes out of a cell, from `book/results`.
"""

import re
from pathlib import Path

import pytest

CHAPTERS = ("03_cycle_one", "04_cycle_two", "06_training", "07_experiments")
REPORTS = re.compile(r"\b(recorded|evaluate|rows_of|table_here)\(")
DECIMAL = re.compile(r"(?<![\w.])\d+\.\d+(?![\w.]*\w)")
# Whose number it is, said in the sentence itself.
SOURCE = re.compile(r"\bthe (paper|article)('s)?\b|\bpublic implementation\b", re.IGNORECASE)
# Numbers that a definition gives, by chapter and the words around them.
DEFINED = {
    ("06_training", "below 0.5, which is chance"),
    ("04_cycle_two", "A weight of 0.01 then means"),
    ("07_experiments", "CC BY-SA 4.0"),
    ("07_experiments", "CC BY 2.0"),
}

_CODE = re.compile(r"^(`{3,})\{?.*?^\1[ ]*$", re.MULTILINE | re.DOTALL)
_NOT_PROSE = (
    re.compile(r"\$\$.*?\$\$(?: *\([\w-]+\))?", re.DOTALL),
    re.compile(r"\$[^$\n]+(?:\n[^$\n]+)?\$"),
    re.compile(r"\{[\w:-]+\}`[^`]*`"),
    re.compile(r"`[^`]*`"),
    re.compile(r"(?<=\])\([^)]*\)"),
    re.compile(r"^:[\w-]+:.*$|^:::.*$", re.MULTILINE),
)


def sections(text: str) -> dict[str, str]:
    """The sections of a chapter by their headings of the second level, code included."""
    parts = re.split(r"^## +(.+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def reports(section: str) -> bool:
    """Whether a cell of a section reads a recorded result or scores networks."""
    return any(REPORTS.search(code.group()) for code in _CODE.finditer(section))


def sentences(section: str) -> list[str]:
    """The sentences of a section's prose, each on one line."""
    prose = _CODE.sub("\n\n", section)
    for other in _NOT_PROSE:
        prose = other.sub(" ", prose)
    paragraphs = (" ".join(part.split()) for part in re.split(r"\n\s*\n|\n(?=\* )", prose))
    return [found for part in paragraphs for found in re.split(r"(?<=[.!?:;])\s+(?=[A-Z*])", part) if found]


def typed(chapter: str, section: str) -> list[str]:
    """The sentences of a section in which a decimal was typed that no rule allows."""
    allowed = [words for where, words in DEFINED if where == chapter]
    found = []
    for sentence in sentences(section):
        rest = sentence
        for words in allowed:
            rest = rest.replace(words, "")
        if DECIMAL.search(rest) and not SOURCE.search(sentence):
            found.append(sentence)
    return found


@pytest.fixture(scope="module")
def chapters(root: Path) -> dict[str, str]:
    return {name: (root / "notebooks" / f"{name}.md").read_text("utf-8") for name in CHAPTERS}


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_no_decimal_is_typed_where_results_are_reported(chapters, chapter):
    reporting = {title: body for title, body in sections(chapters[chapter]).items() if reports(body)}
    assert reporting, "no section reports results"
    assert {title: typed(chapter, body) for title, body in reporting.items() if typed(chapter, body)} == {}


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_decimal_typed_into_any_reporting_section_is_found(chapters, chapter):
    for title, body in sections(chapters[chapter]).items():
        if reports(body):
            assert typed(chapter, body.rstrip() + "\n\nCleaning first gains 0.83 dB over bicubic.\n"), title
            assert typed(chapter, f"\n\nIt loses\n1.2 dB, that is all.\n{body}"), title


def test_the_known_sections_count_as_reports(chapters):
    found = {title for text in chapters.values() for title, body in sections(text).items() if reports(body)}
    assert {
        "What each term does, shown by its absence",
        "Did the second cycle earn its place?",
        "How the curves should look",
        "The same, seen",
        "What each departure buys",
        "Which checkpoint? A signal without pairs",
        "The table",
        "Every row of the article",
        "Other structures",
        "How much is luck?",
        "What would pairs give?",
        "How few photographs will do?",
        "What an unpaired method learns: this X, and no other",
        "Your own camera: two folders and no pairs",
    } <= found


@pytest.mark.parametrize(
    "prose",
    [
        "It gains 0.8 dB.",
        "It gains **+0.8** dB.",
        "(Here 21.35, there less.)",
        "* **No TV** costs 0.12 dB.",
        "The paper has its own data. Ours gives 22.1 dB.",
        "At 0.55 the judge is content.",
        "| bicubic | 22.10 |",
        "See `tables` and [chapter 7](07.md): 0.25 dB.",
    ],
)
def test_what_is_found(prose):
    assert typed("06_training", prose)


@pytest.mark.parametrize(
    "prose",
    [
        "The paper prints 22.85 dB.",
        "Weights are $\\lambda = 0.5$ and `0.01`; see [there](https://example.org/1.2/3.4).",
        "$$\nx = 0.5 y\n$$ (eq-any)",
        "D1 should stay clearly below 0.5, which is chance, and above 0.",
        "```{code-cell} ipython3\nprint(0.25)\n```",
        "Version 3.11.7 of it, and 2x2 pixels.",
        "Twelve photographs, 1 seed.",
    ],
)
def test_what_is_allowed(prose):
    assert typed("06_training", prose) == []


def test_every_definition_is_still_in_its_chapter(chapters):
    for chapter, words in DEFINED:
        assert words in " ".join(chapters[chapter].split()), words
