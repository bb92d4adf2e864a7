"""What a chapter needs, for the card at its head: time and memory, measured where a run was recorded, else said so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .experiments import RESULTS, Recorded, recorded
from .presets import PRESETS
from .tables import Markdown, markdown_table

HARDWARE = ("CPU", "T4", "large GPU")
NOT_MEASURED = "not measured"
_TRAINS = "06_training"
# A space at which no line breaks.
_JOIN = "\N{NO-BREAK SPACE}"
# Recorded with another recipe of their preset: worth showing, but not what the preset takes today.
OTHER_RECIPES = ("mild-val-2500", "mild-val-8000", "mild-val-20000", "mild-val-held", "mild-7500")
_OF_STAGES = "Time and memory, at `smoke` of the whole chapter, else of the three stages:"


def of_chapter(name: str, folder: Path | None = None) -> Markdown:
    """Return time and memory of a chapter, by preset and hardware.

    Where a chapter trains, a preset's time is that of its three stages in the shortest run that was recorded by itself
    (others may have shared the machine), on one CPU core or two, and its memory the most that a stage needed.

    Args:
        name: The chapter's file without its ending, such as ``05_architectures``.
        folder: Where results are kept; by default the book's.
    """
    measured = recorded("chapters", folder)
    chapters = measured.data["chapters"]
    if name not in chapters:
        raise ValueError(f"{name}: expected one of {', '.join(chapters)}.")
    own = chapters[name]
    cells = {
        (own["preset"], hardware_of(measured.provenance["device"])): [_time(own["seconds"]), _size(own["peak_MB"])]
    }
    presets = [own["preset"]]
    if name == _TRAINS:
        presets = list(PRESETS)
        cells |= _of_training(folder)
    rows = [
        [preset, *(", ".join(cells.get((preset, what), [NOT_MEASURED])) for what in HARDWARE)] for preset in presets
    ]
    said = _OF_STAGES if name == _TRAINS else "Time and memory of the cells:"
    return Markdown(f"{said}\n\n{markdown_table(['Preset', *HARDWARE], rows)!r}")


def hardware_of(device: str) -> str:
    """Return the column that a device belongs to, by its name as `provenance.device_name` gives it."""
    if device.endswith("threads"):
        return HARDWARE[0]
    return HARDWARE[1] if device.endswith("T4") else HARDWARE[2]


def _of_training(folder: Path | None) -> dict[tuple[str, str], list[str]]:
    """Return what is known of training, by preset and hardware."""
    taken: dict[tuple[str, str], list[float]] = {}
    for result in _every(folder):
        if result.name in OTHER_RECIPES:
            continue
        training = result.data.get("training", {})
        seconds = training.get("seconds", {})
        if set(seconds) == {"pretrain", "first", "joint"}:
            place = result.provenance["preset"], hardware_of(training["device"])
            taken.setdefault(place, []).append(sum(seconds.values()))
    found = {place: [_time(min(runs))] for place, runs in taken.items()}
    bench = recorded("bench", folder)
    hardware = hardware_of(bench.provenance["device"])
    for preset in PRESETS:
        needed = [row.get("gpu_MB", row["peak_MB"]) for row in bench.data["memory"] if row["size"] == preset]
        if needed:
            found.setdefault((preset, hardware), [f"time {NOT_MEASURED}"]).append(_size(max(needed)))
    return found


def _every(folder: Path | None) -> Iterator[Recorded]:
    """Yield every recorded result that may be shown."""
    for path in sorted((RESULTS if folder is None else folder).glob("*/result.json")):
        yield recorded(path.parent.name, folder)


def _time(seconds: float) -> str:
    """Return seconds in words, rounded."""
    return f"{seconds:.0f}{_JOIN}s" if seconds < 90 else f"{seconds / 60:.0f}{_JOIN}min"


def _size(megabytes: Any) -> str:
    return f"{megabytes / 1000:.1f}{_JOIN}GB"
