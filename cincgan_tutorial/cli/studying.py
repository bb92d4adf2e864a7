"""``study``: the experiments behind the chapters."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ..baselines import check_truth
from ..degradation import DEGRADATIONS
from ..experiments import (
    ABLATIONS,
    FRAMES,
    LEARNING,
    LONG_SIGNALS,
    OWN,
    QUESTION,
    SIGNALS,
    SPENDING,
    STUDIES,
    SWEEPS,
    SYMPTOMS,
    TABLE,
    bound,
    check_name,
    leave_out,
    repeat,
    run_ablations,
    run_budget,
    run_degradations,
    run_frames,
    run_own_photographs,
    run_signals,
    run_study,
    run_symptoms,
    run_table,
)
from ..training import load_photographs
from ..unpaired import Photograph
from .command import PHOTOS, Command, chosen_preset, held_out, preset_arguments, results_argument


@dataclass(frozen=True)
class _Study:
    """A question and what answers it: called with preset, photographs, held_out, runs and results, by name.

    Attributes:
        question: One line.
        run: What is called.
        takes_name: Whether it is called with ``name`` too, what to call the result.
        takes_seeds: Whether it is called with ``seeds`` too.
        compares: Whether it is called with ``budget`` too.
        tunes: Whether it is called with ``tune`` too.
        takes_degradation: Whether it is called with ``degradation`` too, the name of the one to score under.
    """

    question: str
    run: Callable[..., Path]
    takes_name: bool = False
    takes_seeds: bool = False
    compares: bool = False
    tunes: bool = False
    takes_degradation: bool = False


_SEEDED = {"takes_name": True, "takes_seeds": True}
_STUDIES = {
    **{name: _Study(study.question, partial(run_study, study), takes_name=True) for name, study in STUDIES.items()},
    **{each.name: _Study(each.question, partial(run_signals, each)) for each in (SIGNALS, LONG_SIGNALS)},
    SYMPTOMS.name: _Study(SYMPTOMS.question, partial(run_symptoms, SYMPTOMS)),
    "seeds": _Study("how much the result depends on the seed", repeat, **_SEEDED, takes_degradation=True),
    "left-out": _Study("what few photographs teach, when they take turns to be held out", leave_out, **_SEEDED),
    "table": _Study(TABLE, run_table, **_SEEDED, compares=True, tunes=True),
    "ablations": _Study(ABLATIONS, run_ablations, **_SEEDED, compares=True),
    "degradations": _Study(SWEEPS, run_degradations, **_SEEDED, compares=True, tunes=True),
    "budget": _Study(SPENDING, run_budget, **_SEEDED, compares=True),
    "bound": _Study("what the same networks reach when they are trained on pairs", bound, takes_name=True),
    OWN: _Study(QUESTION, run_own_photographs),
    FRAMES: _Study(LEARNING, run_frames),
}


def _study_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "name", choices=sorted(_STUDIES), help="; ".join(f"{name}: {s.question}" for name, s in _STUDIES.items())
    )
    preset_arguments(p, "; with --record")
    p.add_argument("--photos", metavar="DIR", help=PHOTOS)
    p.add_argument("--held-out", metavar="DIR", help="photographs to score on; left out: the two bundled ones")
    seeded = ", ".join(name for name, study in _STUDIES.items() if study.takes_seeds)
    p.add_argument("--seeds", metavar="N", nargs="+", type=int, help=f"of {seeded} (default: 0 1 2)")
    compared = ", ".join(name for name, study in _STUDIES.items() if study.compares)
    p.add_argument(
        "--budget",
        metavar="S",
        type=float,
        help=f"training seconds of each system, of {compared} (default: what the preset's steps take CinCGAN: minutes"
        " for lesson, more than an hour for mild)",
    )
    tuned = ", ".join(name for name, study in _STUDIES.items() if study.tunes)
    p.add_argument(
        "--tune", metavar="DIR", help=f"photographs to tune denoisers on, of {tuned}; left out: those that are degraded"
    )
    degraded = ", ".join(name for name, study in _STUDIES.items() if study.takes_degradation)
    p.add_argument(
        "--degradation",
        choices=sorted(DEGRADATIONS),
        help=f"what to score under, of {degraded}; with --record (default: the one of the training)",
    )
    named = ", ".join(name for name, study in _STUDIES.items() if study.takes_name)
    p.add_argument("--record", metavar="NAME", help=f"what to call the result, of {named}")
    p.add_argument(
        "--runs", metavar="DIR", type=Path, default=Path("runs"), help="where the runs are kept (default: runs)"
    )
    results_argument(p)


def _study(options: argparse.Namespace) -> int:
    study = _STUDIES[options.name]
    if options.record is not None:
        check_name(options.record)
        if not study.takes_name:
            raise ValueError(f"--record: {options.name} is recorded under its own name; give another --results folder.")
    if options.settings and options.record is None:
        raise ValueError("--set: needs --record NAME, or the result would go by the name of the preset as it is.")
    for option, taken in (
        ("seeds", study.takes_seeds),
        ("budget", study.compares),
        ("tune", study.tunes),
        ("degradation", study.takes_degradation),
    ):
        if getattr(options, option) is not None and not taken:
            raise ValueError(f"--{option}: {options.name} does not use it; leave it out.")
    if options.degradation and options.record is None:
        raise ValueError("--degradation: needs --record NAME, or the result would go by the name of the usual one.")
    photographs = load_photographs(options.photos)
    check_truth(photographs)
    where = study.run(
        preset=chosen_preset(options),
        photographs=photographs,
        held_out=held_out(options.held_out),
        runs=options.runs,
        results=options.results,
        **({"name": options.record} if study.takes_name else {}),
        **({"seeds": options.seeds or [0, 1, 2]} if study.takes_seeds else {}),
        **({"budget": options.budget} if study.compares else {}),
        **({"tune": _tuning(options.tune)} if study.tunes else {}),
        **({"degradation": options.degradation} if study.takes_degradation else {}),
    )
    print(f"Recorded: {where}")
    return 0


def _tuning(folder: str | None) -> Sequence[Photograph] | None:
    return None if folder is None else held_out(folder)


STUDY = Command(
    "study",
    "run the experiments behind the chapters",
    "Train every variant of a study and record the scores; what is finished is not done again.",
    "cycle-one --preset lesson",
    _study_arguments,
    _study,
    needs_less="Take a smaller preset (--preset lesson) or fewer photographs. What is finished is not done again.",
)
