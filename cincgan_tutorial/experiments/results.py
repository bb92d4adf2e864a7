"""Recorded results: what the book shows was measured by a run and written down with its provenance.

A result is a folder: ``result.json`` with the keys ``provenance`` and ``data``, and pictures or a log beside it.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..degradation import Degradation
from ..provenance import provenance
from ..training import read_log
from ..weights import Trained
from .evaluate import Row

_PACKAGE = Path(__file__).resolve().parent.parent
# Beside the book in a checkout; inside the package where it was installed without one (see pyproject.toml).
RESULTS = _PACKAGE / "results" if (_PACKAGE / "results").is_dir() else _PACKAGE.parent / "book" / "results"


@dataclass(frozen=True)
class Recorded:
    """A result as it was written down."""

    name: str
    folder: Path
    provenance: dict[str, Any]
    data: dict[str, Any]

    @property
    def log(self) -> list[dict[str, Any]]:
        """The training log that was recorded with it; empty where there is none."""
        return read_log(self.folder / "log.jsonl")

    def caption(self) -> str:
        """Return the line that stands below its figures and tables."""
        facts = self.provenance
        return (
            f"Provenance: result={self.name}, preset={facts['preset']}, photographs={facts['source']},"
            f" seed={facts['seed']}, {facts['device']}, {str(facts['date'])[:10]}, commit {facts['commit'][:10]}."
            f" {facts['command']}"
        )


def evaluation_data(
    trained: Trained, rows: Sequence[Row], clean: Mapping[str, float], degradation: Degradation | None, seed: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return data and facts of an evaluation, for `record`: every score, and how the networks were trained.

    ``degradation`` is ``None`` where x was given.
    """
    data = {
        "degradation": degradation.name if degradation else "as given",
        "shifted": degradation is None or degradation.max_shift > 0,
        "photographs": list(rows[0].psnr),
        "rows": [
            {"system": row.system, "psnr": row.psnr, "ssim": row.ssim}
            | ({"protocols": row.protocols} if row.protocols else {})
            for row in rows
        ],
        "lr_psnr": finite(clean),
        "training": {key: trained.facts[key] for key in ("command", "commit", "device", "date", "source", "seconds")}
        | {"photographs": {half: len(trained.facts[f"{half}_photographs"]) for half in ("x", "yz")}},
    }
    return data, {"preset": trained.preset.name, "seed": seed, "source": trained.facts["source"]}


def finite(scores: Mapping[str, float]) -> dict[str, float | None]:
    """Return scores as JSON can hold them: ``None`` for the infinite PSNR of equal images, as where x is y."""
    return {name: value if math.isfinite(value) else None for name, value in scores.items()}


def rows_of(result: Recorded) -> list[Row]:
    """Return the rows of a recorded evaluation."""
    return rows_from(result.data)


def rows_from(data: Mapping[str, Any]) -> list[Row]:
    """Return the rows that `evaluation_data` wrote."""
    return [Row(row["system"], row["psnr"], row["ssim"], row.get("protocols", {})) for row in data["rows"]]


def recorded(name: str, folder: Path | None = None) -> Recorded:
    """Read a recorded result.

    Raises:
        ValueError: There is none of that name, it is damaged, or it was trained at ``smoke``: such networks know
            nothing.
    """
    where = (RESULTS if folder is None else folder) / name
    try:
        content = json.loads((where / "result.json").read_text(encoding="utf-8"))
        result = Recorded(name, where, content["provenance"], content["data"])
        preset = result.provenance["preset"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{where}: no readable result ({error!r}).") from error
    if preset == "smoke":
        raise ValueError(f"{where}: trained at smoke, which proves that code runs and nothing else; it is never shown.")
    return result


def check_name(name: str) -> None:
    """Raise `ValueError` unless ``name`` can be the folder of a result."""
    if Path(name).name != name or name in ("", ".", ".."):
        raise ValueError(f"{name!r}: expected a plain name for a result, without folders.")


def record(
    name: str,
    data: Mapping[str, Any],
    facts: Mapping[str, Any],
    folder: Path,
    files: Mapping[str, Path] | None = None,
) -> Path:
    """Write a result folder; it replaces an older one of that name only when it is complete.

    Args:
        name: Name of the result.
        data: The measurements, ready for JSON.
        facts: What `provenance` can't know: preset, seed, source of the photographs; also overrides for what it does.
        folder: Where results are kept.
        files: Further files, by the name they get.
    """
    check_name(name)
    if facts.get("preset") == "smoke" and folder.resolve() == RESULTS.resolve():
        raise ValueError(
            "a smoke run proves that code runs and is never recorded for the book; give another --results."
        )
    folder.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=f".{name}.", dir=folder))
    try:
        content = {"provenance": provenance() | dict(facts), "data": dict(data)}
        (building / "result.json").write_text(
            json.dumps(content, indent=1, allow_nan=False) + os.linesep, encoding="utf-8"
        )
        for file_name, source in (files or {}).items():
            shutil.copyfile(source, building / file_name)
        building.chmod(0o755)
        target = folder / name
        if target.exists():
            old = Path(tempfile.mkdtemp(prefix=f".{name}.old.", dir=folder))
            target.rename(old / name)
            try:
                building.rename(target)
            except OSError:
                (old / name).rename(target)
                raise
            finally:
                shutil.rmtree(old)
        else:
            building.rename(target)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return folder / name
