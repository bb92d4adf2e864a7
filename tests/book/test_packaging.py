"""What an installation without the repository needs is listed in pyproject.toml."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]


def test_every_package_is_listed() -> None:
    folders = {path.parent.relative_to(ROOT).as_posix() for path in (ROOT / "cincgan_tutorial").rglob("__init__.py")}
    assert {name.replace(".", "/") for name in SETTINGS["packages"]} == folders | {"cincgan_tutorial/results"}


def test_recorded_results_and_weights_travel_with_the_package() -> None:
    results = ROOT / SETTINGS["package-dir"]["cincgan_tutorial.results"]
    assert (results / "lesson-val" / "result.json").is_file()
    patterns = SETTINGS["package-data"]
    library, runs = ROOT / "cincgan_tutorial", ROOT / "cincgan_tutorial" / "grading"
    for folder, package in (
        (results, "cincgan_tutorial.results"),
        (library, "cincgan_tutorial"),
        (runs, "cincgan_tutorial.grading"),
    ):
        packed = {path for pattern in patterns[package] for path in folder.glob(pattern) if path.is_file()}
        wanted = {
            path
            for path in folder.rglob("*")
            if path.is_file()
            and path.suffix in (".safetensors", ".json", ".jsonl", ".png")
            and (folder != library or runs not in path.parents)
        }
        assert wanted <= packed
