"""PSNR against training seconds: systems of the table, each trained anew for an eighth, a quarter and half of a budget.

A short training is not the beginning of a long one: its learning rates fall earlier. So every point is a run of its
own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ..degradation import DEGRADATIONS
from ..presets import Preset
from ..unpaired import Photograph, Photographs
from .comparison import arenas, check_apart, scored_contenders, summary
from .contenders import Arena, Contender
from .results import record

SPENDING = "what more training seconds buy"
SHARES = (1 / 8, 1 / 4, 1 / 2, 1.0)
# Beside CinCGAN two that see clean pairs only, and two that see real ones: as many lines as a figure can show.
RIVALS = ("fsrcnn", "edsr", "edsr-plus", "on-pairs")


def run_budget(
    preset: Preset,
    photographs: Photographs,
    held_out: Sequence[Photograph],
    runs: Path,
    results: Path,
    seeds: Sequence[int] = (0,),
    budget: float | None = None,
    name: str | None = None,
) -> Path:
    """Train what is missing, score all, record ``<preset>-budget`` and return its folder.

    The arguments are those of `comparison.run_table`, but nothing is tuned. Runs of the full budget are those of the
    table, where they have been made already.
    """
    check_apart(photographs, held_out)
    budget = arenas(preset, photographs, runs, seeds, budget)[0].budget
    points = []
    for share in SHARES:
        every = arenas(preset, photographs, runs, seeds, share * budget)
        of_seed = [dict(scored_contenders(_rows(arena), arena, held_out)) for arena in every]
        points.append({"budget_seconds": share * budget, "table": summary(of_seed)})
    data = {
        "question": SPENDING,
        "degradation": DEGRADATIONS[preset.degradation].name,
        "photographs": [photograph.name for photograph in held_out],
        "points": points,
    }
    facts = {"preset": preset.name, "seed": list(seeds), "source": photographs.source}
    return record(name or f"{preset.name}-budget", data, facts, results)


def _rows(arena: Arena) -> Iterator[Contender]:
    yield arena.bicubic()
    for key in RIVALS:
        yield arena.trained(key)
    yield arena.cincgan()
