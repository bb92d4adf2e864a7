"""Every link, reference and citation in the sources leads somewhere. Offline, and without building the book."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

PAGES = ("book/*.md", "book/course/*.md", "notebooks/*.md")
PLAIN = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")

FENCE = re.compile(
    r"^(?P<fence>`{3,}|~{3,})(?P<info>[^\n]*)\n(?P<body>.*?)^(?P=fence)[ \t]*$", re.MULTILINE | re.DOTALL
)
ROLE = re.compile(r"\{(?P<role>[\w:]+)\}`(?P<text>[^`]+)`")
MATH = re.compile(r"^:::\{math\}.*?^:::|\$\$.*?\$\$|\$[^$\n]+\$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)", re.DOTALL)
LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(\s*<?(?P<target>[^)\s>]*)>?(?:\s+\"[^\"]*\")?\s*\)")
DIRECTIVE_FILE = re.compile(
    r"^[`:~]{3,}\{(?:figure|image|include|literalinclude|glue-figure)\}[ \t]+(?P<target>\S+)", re.MULTILINE
)
LABELS = (
    re.compile(r"^\((?P<label>[^)\s]+)\)=\s*$", re.MULTILINE),
    re.compile(r"^:(?:label|name):[ \t]*(?P<label>\S+)", re.MULTILINE),
    re.compile(r"^(?:label|name):[ \t]*(?P<label>\S+)", re.MULTILINE),
    re.compile(r"\$\$[ \t]*\((?P<label>[^)\s]+)\)"),
    re.compile(r"\{[^{}\n]*#(?P<label>[\w:.-]+)[^{}\n]*\}"),
    re.compile(r"\\label\{(?P<label>[^}]+)\}"),
)
DIRECTIVE_REFERENCE = re.compile(r"^[`:~]{3,}\{solution(?:-start|-end)?\}[ \t]+(?P<label>\S+)", re.MULTILINE)
SPHINX_PAGES = {"genindex", "search"}  # labels that every book has
REFERENCE_ROLES = {"ref", "eq", "numref", "prf:ref", "math:numref"}


def prose(text: str) -> str:
    """A page without its front matter, its code cells and its code blocks; directives stay, fenced by colons."""
    return _without_code(re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.DOTALL))


def _without_code(text: str) -> str:
    def keep(match: re.Match[str]) -> str:
        info = match["info"].strip()
        if not info.startswith("{") or info.startswith(("{code", "{literal")):
            return ""
        return f":::{info}\n{_without_code(match['body'])}:::"

    return FENCE.sub(keep, text)


def labels_of(text: str) -> set[str]:
    return {match["label"].lower() for pattern in LABELS for match in pattern.finditer(prose(text))}


def all_labels(root: Path) -> set[str]:
    """Labels that any page of the book defines; Sphinx ignores their case."""
    return {label for page in pages(root) for label in labels_of(page.read_text("utf-8"))}


def pages(root: Path) -> list[Path]:
    return sorted(path for pattern in PAGES for path in root.glob(pattern))


def citation_keys(root: Path) -> set[str]:
    return set(re.findall(r"^@\w+\{([^,\s]+),", (root / "book" / "references.bib").read_text("utf-8"), re.MULTILINE))


def broken(page: Path, labels: set[str], keys: set[str]) -> Iterator[str]:
    """Yield each target in a page that leads nowhere."""
    text = prose(page.read_text("utf-8"))
    here = page.parent

    for match in DIRECTIVE_FILE.finditer(text):
        if "://" not in match["target"] and not (here / match["target"]).is_file():
            yield f"file {match['target']}"
    for match in DIRECTIVE_REFERENCE.finditer(text):
        if match["label"].lower() not in labels:
            yield f"exercise {match['label']}"
    for match in ROLE.finditer(text):
        target = re.sub(r".*<([^<>]+)>$", r"\1", match["text"], flags=re.DOTALL).strip()
        if match["role"] in REFERENCE_ROLES and target.lower() not in labels | SPHINX_PAGES:
            yield f"{match['role']} {target}"
        elif match["role"] == "doc" and not _is_page(here, target):
            yield f"doc {target}"
        elif match["role"].startswith("cite"):
            yield from (f"cite {key.strip()}" for key in target.split(",") if key.strip() not in keys)

    for match in LINK.finditer(MATH.sub("", CODE.sub("", ROLE.sub("", text)))):
        target = match["target"]
        if re.match(r"(?:https?|mailto):", target):
            continue
        file, _, fragment = target.partition("#")
        if file.lower() in labels:  # MyST also takes a bare label as a target.
            continue
        is_there = not file or (here / file).exists() or _is_page(here, file)
        if not target:
            yield "link with no target"
        elif not is_there or (fragment and fragment.lower() not in labels):
            yield f"link {target}"


def _is_page(folder: Path, name: str) -> bool:
    return bool(name) and (folder / f"{name}.md").is_file()


def toc_entries(root: Path) -> list[str]:
    """All files of the table of contents, as written there."""
    toc = yaml.safe_load((root / "_toc.yml").read_text("utf-8"))
    return [toc["root"]] + [entry["file"] for part in toc["parts"] for entry in part["chapters"]]


def page_paths() -> list[Path]:
    root = Path(__file__).resolve().parents[2]
    return [*pages(root), *(root / name for name in PLAIN)]


@pytest.mark.parametrize("page", page_paths(), ids=lambda path: path.name)
def test_page_has_no_broken_link(root, page):
    assert list(broken(page, all_labels(root), citation_keys(root))) == []


def test_every_entry_of_the_table_of_contents_is_a_page(root):
    missing = [e for e in toc_entries(root) if not (root / e).is_file() and not (root / f"{e}.md").is_file()]
    assert missing == []


def test_every_page_is_in_the_table_of_contents(root):
    listed = {entry.removesuffix(".md") for entry in toc_entries(root)}
    written = {page.relative_to(root).with_suffix("").as_posix() for page in pages(root)}
    assert written - listed == set()


def test_a_label_is_defined_once(root):
    seen: dict[str, str] = {}
    for page in pages(root):
        for pattern in LABELS[:4]:
            for match in pattern.finditer(prose(page.read_text("utf-8"))):
                label = match["label"].lower()
                assert label not in seen, f"{label}: in {seen[label]} and in {page.name}"
                seen[label] = page.name


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("[a](gone.md)", ["link gone.md"]),
        ("![a](gone.png)", ["link gone.png"]),
        ("[a](there.md)", []),
        ("[a](there)", []),
        ("[a](there.md#known)", []),
        ("[a](#known)", []),
        ("[](known)", []),
        ("[a](#unknown)", ["link #unknown"]),
        ("[a]()", ["link with no target"]),
        ("[a](https://example.org/x)", []),
        ("{ref}`known`", []),
        ("{ref}`the index <genindex>`", []),
        ("{ref}`text <Known>`", []),
        ("{ref}`text <unknown>`", ["ref unknown"]),
        ("{eq}`unknown`", ["eq unknown"]),
        ("{cite}`key`", []),
        ("{cite:p}`key,nokey`", ["cite nokey"]),
        ("{doc}`there`", []),
        ("{doc}`gone`", ["doc gone"]),
        ("`[a](gone.md)`", []),
        ("```python\n[a](gone.md)\n```", []),
        ("```{code-cell} ipython3\nx[0](gone)\n```", []),
        (":::{figure} gone.png\nText\n:::", ["file gone.png"]),
        (":::{solution} unknown\nText\n:::", ["exercise unknown"]),
        ("```{note}\n[a](gone.md)\n```", ["link gone.md"]),
        ("```{math}\n[a](gone)\n```", []),
        ("$[a](gone)$ and $$[a](gone)$$", []),
    ],
)
def test_what_counts_as_broken(tmp_path, text, found):
    (tmp_path / "there.md").write_text("(known)=\n# There\n", "utf-8")
    page = tmp_path / "page.md"
    page.write_text(f"---\nkey: value\n---\n\n# Page\n\n{text}\n", "utf-8")
    assert list(broken(page, labels_of("(known)=\n# There\n"), {"key"})) == found


@pytest.mark.parametrize(
    "text",
    [
        "(a-b)=\n# T",
        "```{math}\n:label: a-b\nx\n```",
        ":::{exercise} T\n:label: a-b\n:::",
        "$$\nx\n$$ (a-b)",
        "```{figure} x.png\n---\nname: a-b\n---\n```",
        "{#a-b}\nParagraph",
    ],
)
def test_what_counts_as_a_label(text):
    assert labels_of(text) == {"a-b"}
