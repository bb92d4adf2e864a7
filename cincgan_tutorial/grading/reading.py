"""Reading a submission: its cells as text, and the few statements that an answer needs.

The notebook is data here: nothing of it runs, and of its outputs and metadata nothing is believed. What an answer does
not need (training, figures, scratch cells, a ``check`` of one's own) is left out when it is marked.
"""

from __future__ import annotations

import ast
import json
import stat
import symtable
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

LONGEST_FILE = 20 * 2**20
# Cell magics whose cell is Python all the same.
_PYTHON_MAGICS = ("%%time", "%%timeit", "%%capture", "%%prun")


class NotANotebook(ValueError):  # noqa: N818 - says what it is
    """A file is no notebook that can be graded; says why."""


@dataclass(frozen=True)
class Statement:
    """One statement at the top of a cell.

    Attributes:
        cell: "cell 3": code cells are counted from 1.
        node: Its syntax tree.
        code: Its text, lines as in the cell.
    """

    cell: str
    node: ast.stmt
    code: str

    @cached_property
    def _names(self) -> tuple[frozenset[str], frozenset[str]]:
        table = symtable.symtable(ast.unparse(self.node), self.cell, "exec")
        bound = {s.get_name() for s in table.get_symbols() if s.is_assigned() or s.is_imported()}
        used = {s.get_name() for s in table.get_symbols() if s.is_referenced()} | set(_global_names(table))
        return frozenset(bound), frozenset(used)

    @property
    def bound(self) -> frozenset[str]:
        """The names it gives a value."""
        return self._names[0]

    @property
    def used(self) -> frozenset[str]:
        """The names it needs, also those that its functions need when they run."""
        return self._names[1]

    @cached_property
    def touched(self) -> frozenset[str]:
        """The names whose values it changes: ``sizes.append(3)``, ``sizes[0] = 3``, ``net.width = 3``.

        Not ``loss(x).backward()``: that changes what ``loss`` returned, and a training loop is no part of an answer.
        """
        if isinstance(self.node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            return frozenset()
        found = set()
        for node in ast.walk(self.node):
            if isinstance(node, (ast.Attribute, ast.Subscript)) and isinstance(node.ctx, (ast.Store, ast.Del)):
                found.add(root_name(node, through_calls=False))
            elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
                found.add(
                    root_name(node.value.func, through_calls=False)
                    if isinstance(node.value.func, ast.Attribute)
                    else ""
                )
        return frozenset(found - {""})

    @property
    def star(self) -> bool:
        """Whether it imports everything of a module."""
        return isinstance(self.node, ast.ImportFrom) and self.node.names[0].name == "*"

    @property
    def imports(self) -> bool:
        """Whether it is an import."""
        return isinstance(self.node, (ast.Import, ast.ImportFrom))


@dataclass(frozen=True)
class Notebook:
    """The code of a submission.

    Attributes:
        statements: All that can be read, in order.
        unreadable: Cells that are not Python, with the reason.
    """

    statements: tuple[Statement, ...]
    unreadable: tuple[str, ...]

    def needed(self, name: str) -> tuple[Statement, ...]:
        """Return the statements that a name depends on, in order; none if nothing defines it."""
        modules = {bound for statement in self.statements if statement.imports for bound in statement.bound}
        # A star brings names that can't be told from here.
        names, chosen = {name}, {index for index, statement in enumerate(self.statements) if statement.star}
        grown = True
        while grown:
            grown = False
            for index, statement in enumerate(self.statements):
                if index not in chosen and names & (statement.bound | (statement.touched - modules)):
                    chosen.add(index)
                    names |= statement.used
                    grown = True
        kept = tuple(self.statements[index] for index in sorted(chosen))
        return kept if any(name in statement.bound for statement in kept) else ()


def read_notebook(path: Path) -> Notebook:
    """Read a notebook's code cells.

    Raises:
        NotANotebook: It can't be read, is too long, or is no notebook of format 4.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise NotANotebook("Not a file.")
        if status.st_size > LONGEST_FILE:
            size, most = (f"{bytes_ / 2**20:.0f} MB" for bytes_ in (status.st_size, LONGEST_FILE))
            raise NotANotebook(f"{size}: more than {most}. Clear its outputs and hand it in again.")
        cells = json.loads(path.read_text("utf-8"))["cells"]
        sources = [_text(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except OSError as error:
        raise NotANotebook(f"Can't be read: {error.strerror}.") from error
    except (KeyError, TypeError) as error:
        raise NotANotebook("Not a notebook of format 4: it has no list of cells.") from error
    except (ValueError, RecursionError) as error:
        if isinstance(error, NotANotebook):
            raise
        raise NotANotebook("Not a notebook: the file is not JSON.") from error
    return from_cells(sources)


def from_cells(sources: Iterable[str]) -> Notebook:
    """Return the code of these cells."""
    statements: list[Statement] = []
    unreadable = []
    for number, source in enumerate(sources, 1):
        label = f"cell {number}"
        try:
            statements.extend(_statements(label, _without_magics(source)))
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            line = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
            unreadable.append(f"{label}{line} is not Python: {error.msg if isinstance(error, SyntaxError) else error}")
    return Notebook(tuple(statements), tuple(unreadable))


def root_name(node: ast.expr, through_calls: bool = True) -> str:
    """Return the name that a chain of attributes and items begins with, or ''. What a call returns has no name."""
    while isinstance(node, (ast.Attribute, ast.Subscript)) or (through_calls and isinstance(node, ast.Call)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def pieces(statements: Iterable[Statement]) -> list[tuple[str, str]]:
    """Return the code of statements, each with its cell."""
    return [(statement.cell, statement.code) for statement in statements]


def _text(source: object) -> str:
    if isinstance(source, str):
        return source
    if not isinstance(source, list) or not all(isinstance(part, str) for part in source):
        raise TypeError("the source of a cell is not text")
    return "".join(source)


def _without_magics(source: str) -> str:
    """Blank what IPython understands and Python does not, line for line."""
    lines = source.splitlines()
    first = next((line.strip() for line in lines if line.strip()), "")
    if first.startswith("%%") and not first.startswith(_PYTHON_MAGICS):
        return ""
    return "\n".join(
        "" if line.lstrip().startswith(("%", "!")) and not _inside(lines, i) else line for i, line in enumerate(lines)
    )


def _inside(lines: list[str], index: int) -> bool:
    """Whether a line goes on an expression that an earlier one began."""
    before = "\n".join(lines[:index])
    return sum(map(before.count, "([{")) > sum(map(before.count, ")]}"))


def _statements(label: str, source: str) -> Iterator[Statement]:
    lines = source.splitlines()
    for node in ast.parse(source).body:
        for part in _one_name_each(node):
            yield Statement(label, part, _code(part, lines))


def _one_name_each(node: ast.stmt) -> list[ast.stmt]:
    """Split an import of several names: an answer that needs torch does not need what else is on its line."""
    if isinstance(node, ast.Import):
        return [ast.copy_location(ast.Import([alias]), node) for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [ast.copy_location(ast.ImportFrom(node.module, [alias], node.level), node) for alias in node.names]
    return [node]


def _code(node: ast.stmt, lines: list[str]) -> str:
    """The text of a statement after as many empty lines that its line numbers are those of the cell."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    first = min([node.lineno, *(decorator.lineno for decorator in decorators)])
    text = lines[first - 1 : node.end_lineno]
    own = "\n".join(text)
    try:
        alone = len(ast.parse(own).body) == 1 and not isinstance(node, (ast.Import, ast.ImportFrom))
    except SyntaxError:
        alone = False
    return "\n" * (first - 1) + (own if alone else ast.unparse(node))


def _global_names(table: symtable.SymbolTable) -> Iterator[str]:
    for child in table.get_children():
        for symbol in child.get_symbols():
            if symbol.is_global() and symbol.is_referenced():
                yield symbol.get_name()
        yield from _global_names(child)


def names_of_imports(statements: Iterable[Statement]) -> Mapping[str, str]:
    """Return what each imported name stands for: ``{"F": "torch.nn.functional"}``."""
    found: dict[str, str] = {}
    for statement in statements:
        for node in ast.walk(statement.node):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    found[alias.asname or alias.name.split(".")[0]] = (
                        alias.name if alias.asname else alias.name.split(".")[0]
                    )
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    found[alias.asname or alias.name] = f"{'.' * node.level}{node.module or ''}.{alias.name}"
    return found
