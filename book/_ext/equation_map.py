r"""Which function computes which labelled equation: read from the chapters and the docstrings, shown as a page.

A chapter says it right below the equation, in a paragraph that begins with "computed by" and names functions as the
chapter's code would call them, `` `losses.distance` ``. The function's docstring says it with the equation's label,
``{eq}`eq-lr-cycle` ``. Both have to say the same; `problems` lists where they do not, and the build stops there.

    python book/_ext/equation_map.py    # says what is missing or has moved
"""

from __future__ import annotations

import ast
import re
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = "cincgan_tutorial"
CHAPTERS = "notebooks/*.md"

# A labelled equation as MyST's dollar signs write it; its body holds no blank line and no other dollar sign.
_EQUATION = re.compile(r"^\$\$\n(?P<tex>[^$]+?)\n\$\$[ \t]*\((?P<label>eq-[\w-]+)\)[ \t]*\n", re.MULTILINE)
_LABEL = re.compile(r"\$\$[ \t]*\((eq-[\w-]+)\)|^:label:[ \t]*(eq-[\w-]+)", re.MULTILINE)
_COMPUTED = re.compile(r"\n*computed by\b(?P<names>.*?)(?:\.(?=\s)|[;:]|\n\n|\Z)", re.DOTALL | re.IGNORECASE)
_CODE = re.compile(r"`([A-Za-z_][\w.]*)`")
_REFERENCE = re.compile(r"\{eq\}`([\w-]+)`")


@dataclass(frozen=True)
class Equation:
    """A labelled equation of a chapter, its TeX, and the functions that the text below it names."""

    label: str
    page: str
    tex: str
    functions: tuple[str, ...]


@dataclass(frozen=True)
class Function:
    """A function, method or class of the library whose docstring names equations.

    Attributes:
        names: How a chapter may call it; the first is the module's own.
        file: The module, from the root of the repository.
        lines: First and last line of it there.
        labels: The equations that its docstring names.
        source: Its source, without the indentation of a method.
    """

    names: tuple[str, ...]
    file: str
    lines: tuple[int, int]
    labels: tuple[str, ...]
    source: str


def equations(root: Path = ROOT) -> list[Equation]:
    """Return the labelled equations of all chapters, in reading order."""
    return [found for page in sorted(root.glob(CHAPTERS)) for found in _equations_of(page, root)]


def _equations_of(page: Path, root: Path) -> Iterator[Equation]:
    text = page.read_text("utf-8")
    for match in _EQUATION.finditer(text):
        said = _COMPUTED.match(text, match.end())
        names = tuple(_CODE.findall(said["names"])) if said else ()
        yield Equation(match["label"], page.relative_to(root).with_suffix("").as_posix(), match["tex"], names)


def all_labels(root: Path = ROOT) -> list[str]:
    """Return every label of an equation in the chapters, however the equation is written."""
    text = "\n".join(page.read_text("utf-8") for page in sorted(root.glob(CHAPTERS)))
    return [one or other for one, other in _LABEL.findall(text)]


def functions(root: Path = ROOT) -> list[Function]:
    """Return what in the library names an equation in its docstring, module by module."""
    library = root / LIBRARY
    return [found for path in sorted(library.rglob("*.py")) for found in _functions_of(path, library)]


def _functions_of(path: Path, library: Path) -> Iterator[Function]:
    text = path.read_text("utf-8")
    module = path.relative_to(library).with_suffix("").as_posix().replace("/", ".")
    lines = text.splitlines()
    for name, node in _documented(ast.parse(text)):
        if labels := _REFERENCE.findall(ast.get_docstring(node) or ""):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            last = node.end_lineno or node.lineno
            yield Function(
                names=(f"{module}.{name}", *_short_names(path, name)),
                file=path.relative_to(library.parent).as_posix(),
                lines=(first, last),
                labels=tuple(dict.fromkeys(labels)),
                source=textwrap.dedent("\n".join(lines[first - 1 : last])),
            )


Documented = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def _documented(tree: ast.Module) -> Iterator[tuple[str, Documented]]:
    """Yield the functions, the classes and their methods of a module, by the name that a caller uses."""
    for node in tree.body:
        if isinstance(node, Documented):
            yield node.name, node
        if isinstance(node, ast.ClassDef):
            yield from ((f"{node.name}.{m.name}", m) for m in node.body if isinstance(m, Documented))


def _short_names(path: Path, name: str) -> list[str]:
    """Return the name under which a package hands on what one of its modules defines."""
    front = path.parent / "__init__.py"
    if path.parent.name == LIBRARY or not front.is_file():
        return []
    handed_on = {
        alias.asname or alias.name
        for node in ast.parse(front.read_text("utf-8")).body
        if isinstance(node, ast.ImportFrom) and node.level == 1 and node.module == path.stem
        for alias in node.names
    }
    return [f"{path.parent.name}.{name}"] if name.split(".")[0] in handed_on else []


def computing(equation: Equation, known: Iterable[Function]) -> list[Function]:
    """Return the functions that the text below an equation names, in the order in which it names them."""
    by_name = {name: function for function in known for name in function.names}
    return [by_name[name] for name in equation.functions if name in by_name]


def problems(root: Path = ROOT) -> list[str]:
    """Return one line for each place where a chapter and the library disagree; none when all is tied both ways."""
    told, known = equations(root), functions(root)
    by_name = {name: function for function in known for name in function.names}
    labels = {equation.label: equation for equation in told}
    found = [
        f"{label}: write this equation between lines that hold $$ alone, so that it can be read"
        for label in all_labels(root)
        if label not in labels
    ]
    for equation in told:
        place = f"{equation.page}.md, {equation.label}"
        if not equation.functions:
            found.append(f"{place}: the paragraph below has to begin with 'computed by' and name the function")
        for name in equation.functions:
            if name not in by_name or equation.label not in by_name[name].labels:
                found.append(f"{place}: names {name}, but no docstring of that name has {{eq}}`{equation.label}`")
    for function in known:
        for label in function.labels:
            place = f"{function.file}, line {function.lines[0]}: {function.names[0]}"
            if label not in labels:
                found.append(f"{place} names {label}, which no chapter has")
            elif not set(function.names) & set(labels[label].functions):
                found.append(f"{place} names {label}, but the text below that equation does not name the function")
    return found


def page(told: Sequence[Equation], known: Sequence[Function]) -> str:
    """Return the appendix in MyST: a table of equations and functions, then the source of each function, folded."""
    # The functions below their formula, not in a column of their own: most formulas are as wide as the page allows.
    rows = [f"| {{eq}}`{e.label}` | {_inline(e.tex)}<br>{_links(computing(e, known))} |" for e in told]
    table = "\n".join(["| Equation | Formula, and what computes it |", "|:--|:--|", *rows])
    used = sorted({f for e in told for f in computing(e, known)}, key=lambda f: f.names[0])
    sources = "\n\n".join(_source(function) for function in used)
    return f"{table}\n\n{sources}\n"


def _inline(tex: str) -> str:
    """Return a display formula as one that stands in a line of a table: its bars would end the cell."""
    one_line = re.sub(r"\s+", " ", tex.replace("\\|", "\\Vert ").replace("|", "\\vert ")).strip()
    return f"${one_line.removesuffix('.').removesuffix(',').strip()}$"


def _anchor(function: Function) -> str:
    return "code-" + function.names[0].replace(".", "-").replace("_", "-").lower()


def _links(used: Sequence[Function]) -> str:
    return ", ".join(f"[`{function.names[-1]}`](#{_anchor(function)})" for function in used)


def _source(function: Function) -> str:
    first, last = function.lines
    labels = ", ".join(f"{{eq}}`{label}`" for label in function.labels)
    return (
        f"({_anchor(function)})=\n"
        f"**`{function.names[-1]}`** computes {labels}. `{function.file}`, lines {first} to {last}.\n\n"
        f"::::{{dropdown}} Its source\n:::{{code-block}} python\n{function.source}\n:::\n::::"
    )


def setup(app: Any) -> dict[str, Any]:
    """Register the directive that writes the appendix, and the check that stops the build."""
    from docutils import nodes
    from docutils.statemachine import StringList
    from sphinx.errors import ExtensionError
    from sphinx.util.docutils import SphinxDirective

    class EquationMap(SphinxDirective):
        """The table of equations and functions, with the source of each function."""

        def run(self) -> list[nodes.Node]:
            told, known = equations(), functions()
            for file in {*(f"{e.page}.md" for e in told), *(f.file for f in known)}:
                self.env.note_dependency(str(ROOT / file))
            container = nodes.container()
            self.state.nested_parse(StringList(page(told, known).splitlines(), __file__), 0, container)
            return container.children

    def check(_: Any) -> None:
        if found := problems():
            raise ExtensionError("equations and code do not agree:\n" + "\n".join(found))

    app.add_directive("equation-map", EquationMap)
    app.connect("builder-inited", check)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def main() -> int:
    """Print what is missing; the exit status is 0 when equations and code agree."""
    found = problems()
    print("\n".join(found) or f"{len(equations())} equations, each tied to its code both ways.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
