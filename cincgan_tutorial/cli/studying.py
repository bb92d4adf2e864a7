"""``study``: the experiments behind the chapters."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ..experiments import SIGNALS, STUDIES, bound, repeat, run_signals, run_study
from ..presets import PRESETS, preset_named
from ..training import load_photographs
from .command import PHOTOS, Command, held_out, results_argument


@dataclass(frozen=True)
class _Study:
    """A question and what answers it: called with preset, photographs, held_out, runs and results, by name."""

    question: str
    run: Callable[..., Path]
    takes_seeds: bool = False


_STUDIES = {
    **{name: _Study(study.question, partial(run_study, study)) for name, study in STUDIES.items()},
    SIGNALS.name: _Study(SIGNALS.question, partial(run_signals, SIGNALS)),
    "seeds": _Study("how much the result depends on the seed", repeat, takes_seeds=True),
    "bound": _Study("what the same networks reach when they are trained on pairs", bound),
}


def _study_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "name", choices=sorted(_STUDIES), help="; ".join(f"{name}: {s.question}" for name, s in _STUDIES.items())
    )
    p.add_argument("--preset", default="lesson", help=f"{', '.join(PRESETS)} (default: lesson)")
    p.add_argument("--photos", metavar="DIR", help=PHOTOS)
    p.add_argument("--held-out", metavar="DIR", help="photographs to score on; left out: the two bundled ones")
    seeded = ", ".join(name for name, study in _STUDIES.items() if study.takes_seeds)
    p.add_argument("--seeds", metavar="N", nargs="+", type=int, default=[0, 1, 2], help=f"of {seeded} (default: 0 1 2)")
    p.add_argument(
        "--runs", metavar="DIR", type=Path, default=Path("runs"), help="where the runs are kept (default: runs)"
    )
    results_argument(p)


def _study(options: argparse.Namespace) -> int:
    study = _STUDIES[options.name]
    photographs = load_photographs(options.photos)
    if photographs.x_is_lr:
        raise ValueError(
            f"{options.photos}: LR photographs as they came. A study compares with the truth behind x, which nobody"
            " has: give a folder of HR photographs."
        )
    where = study.run(
        preset=preset_named(options.preset),
        photographs=photographs,
        held_out=held_out(options.held_out),
        runs=options.runs,
        results=options.results,
        **({"seeds": options.seeds} if study.takes_seeds else {}),
    )
    print(f"Recorded: {where}")
    return 0


STUDY = Command(
    "study",
    "run the experiments behind the chapters",
    "Train every variant of a study and record the scores; what is finished is not done again.",
    "cycle-one --preset lesson",
    _study_arguments,
    _study,
)
