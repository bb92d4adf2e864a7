"""The ablations: CinCGAN with one thing changed, each trained for the same seconds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ..baselines.structures import ARTICLE, OURS
from ..presets import Preset
from ..unpaired import Photograph, Photographs
from .comparison import arenas, check_apart, record_comparison, scored_contenders
from .contenders import Arena, Contender
from .study import slug

ABLATIONS = "what CinCGAN loses without each of its parts, in equal time"


def run_ablations(
    preset: Preset,
    photographs: Photographs,
    held_out: Sequence[Photograph],
    runs: Path,
    results: Path,
    seeds: Sequence[int] = (0,),
    budget: float | None = None,
    name: str | None = None,
) -> Path:
    """Train what is missing, score all, record ``<preset>-ablations`` and return its folder.

    The arguments are those of `comparison.run_table`, but nothing is tuned. CinCGAN itself is the run of the table,
    where that has been made already with the same seeds and budget. All are scored with free colours, so that what a
    part does to them shows.
    """
    check_apart(photographs, held_out)
    every = arenas(preset, photographs, runs, seeds, budget)
    of_seed = [dict(scored_contenders(_rows(arena), arena, held_out)) for arena in every]
    more = {"settings": {key(label): dict(settings) for label, settings in (ARTICLE | OURS).items()}}
    return record_comparison(name or f"{preset.name}-ablations", ABLATIONS, every, of_seed, results, more)


def key(label: str) -> str:
    """Return the name of a variant's folder."""
    return f"cincgan-{slug(label)}"


def _rows(arena: Arena) -> Iterator[Contender]:
    yield arena.bicubic()
    yield arena.cincgan(keep_colours=False)
    for label, settings in (ARTICLE | OURS).items():
        yield arena.cincgan(key(label), label, settings, keep_colours=False)
