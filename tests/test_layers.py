"""The house: a module imports from lower floors only, files and functions stay short, nothing is called utils."""

import ast
from pathlib import Path

import pytest
from helpers import LIBRARY

PACKAGE = "cincgan_tutorial"
# Some floors have an order of their own: images use png, presets use settings, challenge and perceptual use metrics,
# figures and tables show experiments, widgets show figures, __main__ starts cli.
FLOORS = {
    "images": 0, "settings": 0, "presets": 0.1, "seeds": 0, "provenance": 0, "front_end": 0,
    "jpeg": -0.1, "png": -0.1, "pictures": 0.1, "page_curve": 0, "legible": 0, "page_views": 0.1, "reductions": 0.2,
    "data": 0.1, "decoded": 0.1, "div2k": 2.1,
    "degradation": 1, "losses": 1, "architectures": 1, "metrics": 1,
    "challenge": 1.1, "perceptual": 1.1, "protocols": 2,
    "cycle_one": 2, "cycle_two": 2, "unpaired": 2, "inference": 2, "weights": 2,
    "enlargement": 2.1, "comparison_page": 2.2,
    "training": 3, "survey": 3.1, "at_hand": 3.1, "baselines": 4,
    "experiments": 5.0, "tables": 5.1, "figures": 5.1, "score_figures": 5.2, "comparison_figures": 5.2, "drawings": 5.2,
    "symptom_figures": 5.2, "data_tables": 5.2, "control_tables": 5.2, "speed": 5.2,
    "needs": 5.2, "widgets": 5.3, "grading": 5.3,
    "cli": 6.0, "__main__": 6.1,
}  # fmt: skip
LONGEST_FILE, LONGEST_FUNCTION = 400, 60


def modules(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*.py") if path != root / "__init__.py")


def top(parts: tuple[str, ...]) -> str:
    """The name that has a floor: the module, or the package it is in."""
    return parts[0].removesuffix(".py")


def imported(path: Path, root: Path) -> set[str]:
    """Top-level names of this library that a file imports, anywhere in it, in whatever way."""
    package = path.relative_to(root).parts[:-1]
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name.split(".") for alias in node.names]
            found |= {name[1] for name in names if name[0] == PACKAGE and len(name) > 1}
        elif isinstance(node, ast.ImportFrom):
            module = tuple((node.module or "").split(".")) if node.module else ()
            if node.level:
                base = (*package[: len(package) - node.level + 1], *module)
            elif module[0] == PACKAGE:
                base = module[1:]
            else:
                continue
            found |= {base[0]} if base else {alias.name for alias in node.names}
    return found


def violations(root: Path) -> list[str]:
    wrong = []
    for path in modules(root):
        own = top(path.relative_to(root).parts)
        if own not in FLOORS:
            wrong.append(f"{own}: has no floor")
            continue
        for other in sorted(imported(path, root) - {own}):
            if other in FLOORS and FLOORS[other] >= FLOORS[own]:
                wrong.append(f"{path.relative_to(root)} (floor {FLOORS[own]}) imports {other} (floor {FLOORS[other]})")
    return wrong


def test_modules_import_from_lower_floors_only():
    assert len(modules(LIBRARY)) > 20
    assert violations(LIBRARY) == []


def test_the_reader_of_imports_finds_what_is_there():
    assert imported(LIBRARY / "losses.py", LIBRARY) == {"images", "presets"}
    assert {"architectures", "unpaired", "weights", "training"} <= imported(LIBRARY / "training" / "loop.py", LIBRARY)


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("images.py", "from .losses import Terms"),
        ("losses.py", "from . import training"),
        ("losses.py", "import cincgan_tutorial.training.loop"),
        ("losses.py", "from cincgan_tutorial.weights import Trained"),
        ("losses.py", "def f():\n    from .cycle_one import cycle_one"),
        ("architectures/edsr.py", "from ..unpaired import Photograph"),
        ("architectures/edsr.py", "from .. import weights"),
        ("cycle_one.py", "from .cycle_two import cycle_two"),
        ("utils.py", "x = 1"),
    ],
)
def test_a_violation_is_found(tmp_path, file, line):
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text(line, encoding="utf-8")
    assert len(violations(tmp_path)) == 1


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("losses.py", "from .images import Images"),
        ("training/loop.py", "from .steps import x\nfrom ..weights import y\nfrom . import run"),
        ("cli.py", "import torch, cincgan_tutorial\nfrom cincgan_tutorial.training import train"),
    ],
)
def test_the_right_direction_is_allowed(tmp_path, file, line):
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text(line, encoding="utf-8")
    assert violations(tmp_path) == []


def test_files_and_functions_are_short_and_nothing_is_a_drawer():
    too_long = []
    for path in LIBRARY.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if len(text.splitlines()) > LONGEST_FILE:
            too_long.append(f"{path.name}: {len(text.splitlines())} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                lines = body[-1].end_lineno - body[0].lineno + 1 if body else 0
                if lines > LONGEST_FUNCTION:
                    too_long.append(f"{path.name}: {node.name} has {lines} lines")
    assert too_long == []
    assert not [path for path in LIBRARY.rglob("*") if path.stem in ("utils", "util", "helpers", "common", "misc")]
