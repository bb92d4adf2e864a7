"""What an answer may not be made of: the library's own function, and ways around the look at it.

A look at the syntax tree is no proof: it refuses what a student writes to save work, and the plain tricks. What it does
not see still gives no mark by itself: the judge believes values only (see `isolation`).
"""

from __future__ import annotations

import ast
import functools
import importlib
import importlib.util
import inspect
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .exercise import Exercise
from .reading import Notebook, Statement, names_of_imports, root_name

LIBRARY = "cincgan_tutorial"
# Shorter functions are often written alike by two who never met.
_SHORTEST_COPY = 30

_MODULES = {
    "builtins", "code", "codecs", "ctypes", "gc", "http", "importlib", "inspect", "io", "linecache", "marshal",
    "multiprocessing", "os", "pathlib", "pickle", "pkgutil", "requests", "runpy", "shutil", "signal", "socket", "ssl",
    "subprocess", "sys", "tempfile", "threading", "traceback", "urllib", "zipimport",
}  # fmt: skip
_NAMES = {
    "__builtins__", "__import__", "__loader__", "__spec__", "breakpoint", "compile", "eval", "exec", "globals", "input",
    "locals", "open", "vars",
}  # fmt: skip
_ATTRIBUTES = {
    "_getframe", "_current_frames", "ag_frame", "cr_frame", "f_back", "f_builtins", "f_code", "f_globals", "f_locals",
    "gi_frame", "settrace", "setprofile", "tb_frame", "tb_next", "with_traceback",
}  # fmt: skip
_DUNDERS = {
    "__add__", "__call__", "__class__", "__doc__", "__enter__", "__exit__", "__getitem__", "__init__", "__iter__",
    "__len__", "__mul__", "__name__", "__post_init__", "__setattr__", "__version__",
}  # fmt: skip
_BY_NAME = {"getattr", "setattr", "delattr", "hasattr"}
_GRADER = {"apart", "away", "catalogue", "checking", "isolation", "laws", "limits", "marking", "refusing", "trying"}
_FILES = {"remove", "unlink", "rmtree", "rmdir", "removedirs"}


def refusal(exercise: Exercise, statements: Sequence[Statement], known: Mapping[str, str] | None = None) -> str:
    """Return why an answer made of these statements is refused, or ''.

    Args:
        exercise: The exercise.
        statements: All that the answer needs.
        known: What further names stand for: ``{"F": "torch.nn.functional"}``.
    """
    imports = {**(known or {}), **names_of_imports(statements)}
    short = {name.rsplit(".", 1)[-1] for name in exercise.library}
    for statement in statements:
        for node in ast.walk(statement.node):
            reason = (
                _forbidden_import(node, exercise.library)
                or _forbidden_use(node, imports, short)
                or _trick(node, imports)
            )
            if reason:
                return f"{reason} ({statement.cell}, line {getattr(node, 'lineno', statement.node.lineno)})."
            if isinstance(node, (ast.FunctionDef, ast.Lambda)) and (copied := _copied(node, exercise.library)):
                return f"It copies the library's {copied} ({statement.cell}, line {node.lineno}). Write it yourself."
    return ""


def remarks(notebook: Notebook, needed: Iterable[Statement]) -> list[str]:
    """Return what a person should look at in the part of a notebook that was not run."""
    ran = {id(statement) for statement in needed}
    imports = names_of_imports(notebook.statements)
    found: dict[str, None] = {}
    for statement in notebook.statements:
        if id(statement) in ran:
            continue
        for node in ast.walk(statement.node):
            if reason := _suspicious(node, imports):
                found[f"{statement.cell} {reason} (not run)"] = None
    return [*found, *notebook.unreadable]


def _forbidden_import(node: ast.AST, library: Sequence[str]) -> str:
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        names = [f"{node.module or ''}.{alias.name}" for alias in node.names]
    else:
        return ""
    for name in names:
        top, *rest = name.split(".")
        if top in _MODULES:
            return f"It imports {top}, which no answer needs"
        if top != LIBRARY:
            continue
        if rest[:1] == ["grading"] and rest != ["grading", "check"]:
            return "It reaches into the grader"
        if "*" in rest or any(_same_thing(name, dotted) for dotted in library):
            what = rest[-1] if rest and "*" not in rest else "functions, all at once"
            return f"It imports the library's own {what}"
    return ""


def _same_thing(name: str, dotted: str) -> bool:
    """Whether an import brings a library name: itself, from wherever it is offered, or as part of a listed module."""
    return name == dotted or name.startswith(dotted + ".") or name.split(".")[-1] == dotted.split(".")[-1]


def _forbidden_use(node: ast.AST, imports: Mapping[str, str], short: set[str]) -> str:
    if isinstance(node, ast.Attribute) and node.attr in short:
        stands_for = imports.get(root_name(node), "")
        if stands_for.split(".")[0] == LIBRARY:
            return f"It uses the library's own {node.attr}"
    return ""


def _trick(node: ast.AST, imports: Mapping[str, str]) -> str:
    match node:
        case ast.Name(id=name) if name in _NAMES:
            return f"It uses {name}, which no answer needs"
        case ast.Attribute(attr=name) if name in _ATTRIBUTES:
            return f"It walks the stack ({name})"
        case ast.Attribute(attr=name) if name in _MODULES and name not in ("code", "signal", "io"):
            return f"It reaches {name}, which no answer needs"
        case ast.Attribute(attr=name) if name.startswith("__") and name.endswith("__") and name not in _DUNDERS:
            return f"It uses {name}, which no answer needs"
        case ast.Call(func=ast.Name(id=name), args=[of, *_]) if name in _BY_NAME and root_name(of) in imports:
            return f"It looks into {root_name(of)} with {name}, which no answer needs"
    return ""


def _suspicious(node: ast.AST, imports: Mapping[str, str]) -> str:
    match node:
        case ast.FunctionDef(name="check") | ast.Name(id="check", ctx=ast.Store()) | ast.ClassDef(name="check"):
            return "redefines check"
        case ast.Attribute(ctx=ast.Store()) if imports.get(root_name(node), "").startswith(LIBRARY):
            return "patches the library"
        case ast.Attribute(attr=name) if name in _ATTRIBUTES:
            return f"walks the stack ({name})"
        case ast.Attribute(attr=name) if name in _FILES and imports.get(root_name(node), "").split(".")[0] in _MODULES:
            return f"deletes files ({name})"
        case ast.Attribute(attr=name) if imports.get(root_name(node), "").split(".")[0] in (
            "socket",
            "urllib",
            "requests",
        ):
            return f"opens a network connection ({name})"
        case ast.Import(names=[ast.alias(name="socket" | "requests" | "gc" | "ctypes" as name)]):
            return f"imports {name}"
        case ast.ImportFrom(module=str(module)) if module.removeprefix(f"{LIBRARY}.grading.").split(".")[0] in _GRADER:
            return "reaches into the grader"
        case ast.While(test=ast.Constant(value=value)) if value and not _leaves(node):
            return "loops for ever"
        case ast.Call(func=ast.Name(id=name)) if name in ("exec", "eval", "__import__"):
            return f"uses {name}"
    return ""


def _leaves(loop: ast.AST) -> bool:
    return any(isinstance(node, (ast.Break, ast.Return, ast.Raise)) for node in ast.walk(loop))


def _copied(node: ast.FunctionDef | ast.Lambda, library: Sequence[str]) -> str:
    form = _normal_form(node)
    if form.count("(") < _SHORTEST_COPY:
        return ""
    for dotted in library:
        for name, theirs in _forms(dotted):
            if form == theirs:
                return name
    return ""


@functools.cache
def _forms(dotted: str) -> tuple[tuple[str, str], ...]:
    """The normal forms of the functions of a dotted name of the library, which may be a class or a module."""
    thing = library_thing(dotted)
    if not (inspect.isclass(thing) or inspect.isfunction(thing) or inspect.ismodule(thing)):
        return ()
    tree = ast.parse(textwrap.dedent(inspect.getsource(thing)))
    short = dotted.rsplit(".", 1)[-1]
    return tuple((short, _normal_form(node)) for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def library_thing(dotted: str) -> Any:
    """Return what a dotted name of the library stands for.

    Raises:
        ValueError: Nothing.
    """
    found: Any = importlib.import_module(LIBRARY)
    path = LIBRARY
    for part in dotted.split(".")[1:]:
        path = f"{path}.{part}"
        # A function may have its module's name and hide it: `cincgan_tutorial.cycle_one.cycle_one`.
        if inspect.ismodule(found) and hasattr(found, "__path__") and importlib.util.find_spec(path) is not None:
            found = importlib.import_module(path)
        elif hasattr(found, part):
            found = getattr(found, part)
        else:
            raise ValueError(f"the library has no {dotted}.")
    return found


class _Renamed(ast.NodeTransformer):
    """Gives every name the number of its first appearance, and drops what says nothing: annotations, docstrings."""

    def __init__(self, local: set[str]) -> None:
        self.local, self.numbers = local, dict[str, str]()

    def _number(self, name: str) -> str:
        return self.numbers.setdefault(name, f"v{len(self.numbers)}") if name in self.local else name

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Name(self._number(node.id), node.ctx)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        return ast.arg(self._number(node.arg))

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        value = node.value or ast.Constant(None)
        return self.visit(ast.Assign([node.target], value))


def _normal_form(node: ast.FunctionDef | ast.Lambda) -> str:
    """A function without its names, annotations and docstring, as text."""
    body: list[ast.stmt] = [ast.Return(node.body)] if isinstance(node, ast.Lambda) else list(node.body)
    if isinstance(node, ast.FunctionDef) and ast.get_docstring(node) is not None:
        body = body[1:]
    local = {inner.arg for inner in ast.walk(node) if isinstance(inner, ast.arg)}
    local |= {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store)}
    # A copy: the tree that was given is read again.
    text = ast.unparse(ast.fix_missing_locations(ast.Module(body, [])))
    renamed = _Renamed(local)
    arguments = [renamed.visit(ast.arg(argument.arg)).arg for argument in (*node.args.posonlyargs, *node.args.args)]
    return ",".join(arguments) + ast.dump(renamed.visit(ast.parse(text)))
