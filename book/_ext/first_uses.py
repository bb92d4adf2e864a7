"""Links the first use of each word of the glossary on a page to its entry there, and lists these places in the index.

The chapters' sources stay plain: they are also notebooks, and outside this book a role would be shown as it is typed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

GLOSSARY = "book/glossary"
# Everyday words, verbs, and what stands in every second sentence: they have an entry, and no link leads to it.
NOT_LINKED = frozenset({"control", "domain", "judge", "norm", "pair", "patch", "step", "protocol", "LR", "HR"})
# Only running text is linked. What is itself a link, a heading, code, a formula or an output stays as it is.
_LEFT_ALONE = (nodes.reference, nodes.literal, nodes.title, nodes.math, nodes.raw, addnodes.pending_xref, nodes.table)


@dataclass(frozen=True)
class Entry:
    """An entry of the glossary: its terms, which mean the same, and what they mean."""

    terms: tuple[str, ...]
    meaning: str


def entries(text: str) -> list[Entry]:
    """Return the entries of a glossary written in MyST: terms are its lines that are not indented."""
    block = re.search(r"^```\{glossary\}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    if block is None:
        raise ValueError(f"{GLOSSARY}.md: expected a block that begins with ```{{glossary}}; it has none.")
    found = []
    for part in block[1].strip("\n").split("\n\n"):
        lines = part.splitlines()
        names = tuple(line for line in lines if not line.startswith(" "))
        found.append(Entry(names, " ".join(line.strip() for line in lines[len(names) :])))
    return found


class Finder:
    """Finds terms in running text: the longest first, also in the plural and at the start of a sentence."""

    def __init__(self, known: list[Entry]) -> None:
        by_term = {term: entry for entry in known for term in entry.terms if term not in NOT_LINKED}
        self.terms = sorted(by_term, key=len, reverse=True)
        self.entry_of = by_term
        self.pattern = re.compile(rf"(?<![\w-])(?:{'|'.join(f'({_written(term)})' for term in self.terms)})(?![\w-])")

    def found(self, text: str) -> Iterator[tuple[re.Match[str], str]]:
        """Yield each place where a term stands, with the term as the glossary has it."""
        for match in self.pattern.finditer(text):
            yield match, self.terms[(match.lastindex or 1) - 1]


def _written(term: str) -> str:
    first, rest = term[0], re.escape(term[1:]).replace(r"\ ", r"\s+")
    return f"[{first.upper()}{first}]{rest}s?" if first.islower() else f"{first}{rest}s?"


class FirstUses(SphinxTransform):
    """Turns the first use of each term of the glossary into a link, and notes it in the index."""

    default_priority = 500

    def apply(self, **_: Any) -> None:
        """Walk through the page once."""
        file = Path(self.app.srcdir, f"{GLOSSARY}.md")
        if self.env.docname == GLOSSARY or not file.is_file():
            return
        self.env.note_dependency(str(file))
        finder, seen = Finder(entries(file.read_text("utf-8"))), set[Entry]()
        for text in list(self._running_text()):
            self._link(text, finder, seen)

    def _running_text(self) -> Iterator[nodes.Text]:
        for paragraph in self.document.findall(nodes.paragraph):
            for text in paragraph.findall(nodes.Text):
                parents = _parents(text)
                if not any(isinstance(node, _LEFT_ALONE) or _is_output(node) for node in parents):
                    yield text

    def _link(self, text: nodes.Text, finder: Finder, seen: set[Entry]) -> None:
        plain, end = text.astext(), 0
        parts: list[nodes.Node] = []
        for match, term in finder.found(plain):
            if (entry := finder.entry_of[term]) in seen:
                continue
            seen.add(entry)
            parts += [nodes.Text(plain[end : match.start()]), *self._linked(match[0], term)]
            end = match.end()
        if parts:
            text.parent.replace(text, [*parts, nodes.Text(plain[end:])])

    def _linked(self, shown: str, term: str) -> list[nodes.Node]:
        place = f"first-{nodes.make_id(term)}"
        entry = addnodes.index(entries=[("single", term, place, "", None)])
        link = addnodes.pending_xref(
            "", nodes.inline("", shown), refdomain="std", reftype="term", reftarget=term, refdoc=self.env.docname
        )
        link["refexplicit"], link["refwarn"], link["classes"] = True, True, ["first-use"]
        return [entry, nodes.target("", "", ids=[place]), link]


def _parents(node: nodes.Node) -> Iterator[nodes.Element]:
    parent = node.parent
    while parent is not None:
        yield parent
        parent = parent.parent


def _is_output(node: nodes.Element) -> bool:
    return bool({"cell_output", "cell_input", "cell"} & set(node.get("classes", ())))


def list_the_index(app: Sphinx, doctree: nodes.document) -> None:
    """Put the index below the last part of the table of contents."""
    if app.env.docname != app.config.root_doc:
        return
    trees = list(doctree.findall(addnodes.toctree))
    if trees:
        trees[-1]["entries"].append(("Index", "genindex"))


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the transform."""
    app.add_transform(FirstUses)
    app.connect("doctree-read", list_the_index, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
