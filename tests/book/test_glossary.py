"""The glossary is in order and says something, its words are used, and a word is found where it stands."""

import re

import pytest
from first_uses import GLOSSARY, NOT_LINKED, Entry, Finder, entries
from test_links import prose


@pytest.fixture(scope="module")
def glossary(root) -> list[Entry]:
    return entries((root / f"{GLOSSARY}.md").read_text("utf-8"))


def test_entries_stand_in_alphabetical_order(glossary):
    firsts = [entry.terms[0].lower() for entry in glossary]
    assert firsts == sorted(firsts)
    assert len(firsts) > 30


def test_no_term_has_two_entries(glossary):
    terms = [term for entry in glossary for term in entry.terms]
    assert len(terms) == len(set(terms))
    assert set(terms) >= NOT_LINKED


def test_every_entry_says_what_it_means_and_where_it_is_explained(glossary):
    for entry in glossary:
        assert len(entry.meaning.split()) > 8, entry
        assert re.search(r"\[Chapter [1-7]\]\(\.\./notebooks/0[1-7]_\w+\)\.$", entry.meaning), entry


def test_the_chapter_that_an_entry_names_uses_its_word(glossary, root):
    for entry in glossary:
        (number, name) = re.search(r"\[Chapter (\d)\]\(\.\./notebooks/(\w+)\)", entry.meaning).groups()
        assert name.startswith(f"0{number}_")
        text = prose((root / "notebooks" / f"{name}.md").read_text("utf-8")).lower().replace("*", "")
        text = re.sub(r"\s+", " ", text)
        assert any(re.sub(r"(ing|ed|s)$", "", term.lower()) in text for term in entry.terms), entry.terms


KNOWN = [
    Entry(("GAN", "generative adversarial network"), "x"),
    Entry(("critic",), "x"),
    Entry(("patch",), "x"),
    Entry(("PatchGAN",), "x"),
    Entry(("adversarial loss",), "x"),
]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The critic sees.", ["critic"]),
        ("Critics, and two GANs", ["critic", "GAN"]),
        ("a PatchGAN", ["PatchGAN"]),
        (
            "an adversarial\nloss of a generative adversarial network",
            ["adversarial loss", "generative adversarial network"],
        ),
        ("a gan, LSGAN, GAN-like, re-critic, critical", []),
        ("a patch", []),  # an everyday word
    ],
)
def test_terms_are_found_as_whole_words(text, found):
    assert [term for _, term in Finder(KNOWN).found(text)] == found


def test_a_page_without_a_glossary_is_refused():
    with pytest.raises(ValueError, match="it has none"):
        entries("# Glossary\n\nNothing.\n")
