"""The table: the article's rows under one budget, from one or more seeds, scored by one rule.

Killed and started again, a study goes on where it was: what is trained is not trained again, what is scored is not
scored again, and what is recorded is the same, times aside.
"""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from tqdm.auto import tqdm

from ..baselines import check_truth
from ..degradation import BICUBIC, DEGRADATIONS
from ..images import replacing, write_png
from ..presets import EDSRSize, Preset
from ..provenance import provenance
from ..seeds import check_seeds
from ..unpaired import Photograph, Photographs
from .contenders import CINCGAN, TRAINED, Arena, Contender, missing
from .evaluate import score_all
from .example import EXAMPLE_BOX, example
from .paper import row_of_paper
from .results import Recorded, record

Row = dict[str, Any]

# What contenders are scored by, and the digits that are shown.
SCORES = {"psnr": 2, "ssim": 4, "vif": 3}

TABLE = "what every system of the article reaches in equal time"


def usual_budget(preset: Preset, photographs: Photographs, runs: Path) -> float:
    """Return what CinCGAN takes, in seconds, for all the steps of a preset: each system of a table gets as long."""
    pace = _arena(preset, photographs, runs, budget=1.0).pace_of_cincgan(CINCGAN, preset)
    return sum((stage.steps + stage.warm_up) * pace[name] for name, stage in preset.stages().items() if stage.steps)


@dataclass(frozen=True)
class Scores:
    """A contender's scores, and on clean input, reduced by bicubic, its and bicubic's mean PSNR."""

    psnr: dict[str, float]
    ssim: dict[str, float]
    vif: dict[str, float]
    clean_psnr: float
    clean_bicubic: float


def run_table(
    preset: Preset,
    photographs: Photographs,
    held_out: Sequence[Photograph],
    runs: Path,
    results: Path,
    seeds: Sequence[int] = (0,),
    budget: float | None = None,
    tune: Sequence[Photograph] | None = None,
    name: str | None = None,
) -> Path:
    """Train what is missing, score all, record ``<preset>-table`` and return its folder.

    Args:
        preset: Sizes and settings; its seed is replaced.
        photographs: What every system is trained on.
        held_out: What every system is scored on, degraded from seed 0 each time.
        runs: Runs are kept in ``runs/comparison-<preset>``.
        results: Where the result is written.
        seeds: At least one.
        budget: Training seconds of each system; left out, see `usual_budget`.
        tune: Photographs to tune the denoisers on; left out, those of X.
        name: What to call the result instead.

    Raises:
        ValueError: A photograph that is scored was trained on or tuned on.
    """
    tune = photographs.x if tune is None else tune
    check_apart(photographs, held_out, tune)
    every = arenas(preset, photographs, runs, seeds, budget)
    of_seed = [dict(scored_contenders(contenders_of_table(arena, tune), arena, held_out)) for arena in every]
    more = {"left_out": _left_out(preset)}
    return record_comparison(name or f"{preset.name}-table", TABLE, every, of_seed, results, more)


def _left_out(preset: Preset) -> dict[str, str]:
    """Return the rows of the article that are not in the table, each with the reason."""
    left_out = {"BM3D+EDSR": missing("bm3d")} if missing("bm3d") else {}
    if preset.sr != EDSRSize():
        left_out["EDSR-32x256"] = "the size that the paper plugs in: its architecture is tested, it is not trained here"
    return left_out


def arenas(
    preset: Preset, photographs: Photographs, runs: Path, seeds: Sequence[int], budget: float | None
) -> list[Arena]:
    """Return one arena for each seed; a budget that is left out is `usual_budget`, and is said."""
    check_seeds(seeds)
    if budget is None:
        budget = usual_budget(preset, photographs, runs)
        said = f"note: the budget of each system is {budget:.0f} s, what all steps of {preset.name} take CinCGAN here"
        tqdm.write(said, file=sys.stderr)
    if not budget > 0:
        raise ValueError(f"budget: expected a positive number of seconds, got {budget}.")
    return [_arena(replace(preset, seed=seed), photographs, runs, budget) for seed in seeds]


def _arena(preset: Preset, photographs: Photographs, runs: Path, budget: float) -> Arena:
    return Arena(preset, photographs, comparison_folder(preset, runs), budget)


def comparison_folder(preset: Preset, runs: Path) -> Path:
    """Return where the runs of all seeds and budgets of a preset are kept."""
    return runs / f"comparison-{preset.name}"


def check_apart(photographs: Photographs, held_out: Sequence[Photograph], tune: Sequence[Photograph] = ()) -> None:
    """Raise `ValueError` if a photograph that is scored was trained on or tuned on, or if X has no truth."""
    check_truth(photographs)
    for what, others in (("trained", photographs.x + photographs.yz), ("tuned", tuple(tune))):
        seen = {photograph.sha256 for photograph in others}
        for photograph in held_out:
            if photograph.sha256 in seen:
                raise ValueError(f"{photograph.name}: systems are {what} on it, so its score would flatter them.")


def contenders_of_table(arena: Arena, tune: Sequence[Photograph]) -> Iterator[Contender]:
    """Return the rows of the table in their order; each is trained when it is asked for."""
    yield arena.bicubic()
    for key in TRAINED:
        contender = arena.trained(key)
        yield contender
        if key == "edsr":
            yield from arena.denoised(contender, tune)
    yield arena.cincgan()


def scored_contenders(
    contenders: Iterator[Contender], arena: Arena, held_out: Sequence[Photograph]
) -> Iterator[tuple[str, Row]]:
    """Score contenders one after the other; yields key and row. The first is bicubic."""
    clean_bicubic: float | None = None
    for contender in contenders:
        scores = _scored(contender, arena, held_out, clean_bicubic)
        clean_bicubic = scores.clean_bicubic
        row = {"system": contender.name, "admitted_by": contender.admitted_by, **asdict(scores)}
        yield contender.key, row | {"facts": dict(contender.facts)}


def _scored(contender: Contender, arena: Arena, held_out: Sequence[Photograph], clean_bicubic: float | None) -> Scores:
    """Score a contender and take its picture, or read what it scored on these photographs before."""
    degradation, scale = DEGRADATIONS[arena.preset.degradation], arena.preset.scale
    path = scores_path(arena, contender.key)
    asked = {
        "photographs": [photograph.sha256 for photograph in held_out],
        "degradation": degradation.name,
        "scores": list(SCORES),
        "of": identity(contender),
    }
    if path.is_file():
        known = json.loads(path.read_text(encoding="utf-8"))
        if known["asked"] == asked:
            return Scores(**known["scores"])
    system = {contender.name: contender.upscale}
    (row,) = score_all(system, held_out, degradation.without_shift(), scale, protocols=["vif"])
    (clean,) = score_all(system, held_out, BICUBIC, scale)
    clean_bicubic = clean.mean_psnr if clean_bicubic is None else clean_bicubic
    scores = Scores(row.psnr, row.ssim, row.protocols["vif"], clean.mean_psnr, clean_bicubic)
    path.parent.mkdir(parents=True, exist_ok=True)
    x, _ = example(degradation)
    write_png(picture_path(arena, contender.key), EXAMPLE_BOX.cut(contender.upscale(x)[0]))
    with replacing(path) as temporary:
        temporary.write_text(json.dumps({"asked": asked, "scores": asdict(scores)}), encoding="utf-8")
    return scores


def scores_path(arena: Arena, key: str) -> Path:
    """Return where the scores of a contender are kept."""
    return arena.folder / key / "scores.json"


def picture_path(arena: Arena, key: str) -> Path:
    """Return where the running example is kept as a contender restores it."""
    return arena.folder / key / "example.png"


def identity(contender: Contender) -> dict[str, Any]:
    """Return what has to be the same for earlier scores to count: how long it was trained, and its noise level."""
    return {name: contender.facts[name] for name in ("steps", "level", "date") if name in contender.facts}


def admitted(rows: Mapping[str, Row], key: str) -> bool:
    """Return whether a row may be shown: the network that it stands on beats bicubic on clean input."""
    judge = rows[key]["admitted_by"]
    if not judge:
        return True
    return bool(rows[judge]["clean_psnr"] > rows[judge]["clean_bicubic"])


def summary(of_seed: Sequence[Mapping[str, Row]]) -> list[dict[str, Any]]:
    """Return one line for each system: mean over photographs and seeds, and the spread of the seeds' means.

    The spread is the standard deviation of as many means as there are seeds; ``None`` where there is one.
    """
    lines = []
    for key, first in of_seed[0].items():
        rows = [rows[key] for rows in of_seed]
        line: dict[str, Any] = {"key": key, "system": first["system"], "paper": row_of_paper(key, first["system"])}
        for score in SCORES:
            means = [statistics.fmean(row[score].values()) for row in rows]
            line[score] = statistics.fmean(means)
            line[f"{score}_spread"] = statistics.stdev(means) if len(means) > 1 else None
        line |= {
            "clean_psnr": statistics.fmean(row["clean_psnr"] for row in rows),
            "clean_bicubic": statistics.fmean(row["clean_bicubic"] for row in rows),
            "admitted": all(admitted(rows, key) for rows in of_seed),
            "sees_pairs": first["facts"]["sees_pairs"],
            "parameters": first["facts"]["parameters"],
            "source": first["facts"]["source"],
            "seconds": [sum(row["facts"].get("seconds", {}).values()) for row in rows],
            "steps": first["facts"].get("steps", {}),
        }
        lines.append(line)
    return lines


def markdown(lines: Sequence[Mapping[str, Any]]) -> str:
    """Return the lines of `summary` as a Markdown table; what was not admitted stands below it, with the reason."""
    shown = ["| System | Pairs | PSNR (dB) | SSIM | VIF | Weights | Seconds |", "|:--|:--|--:|--:|--:|--:|--:|"]
    below = []
    for line in lines:
        if not line["admitted"]:
            below.append(why_not_shown(line))
            continue
        scores = [_with_spread(line[score], line[f"{score}_spread"], digits) for score, digits in SCORES.items()]
        pairs = "x and z" if line["sees_pairs"] else ""
        seconds = f"{statistics.fmean(line['seconds']):.0f}"
        shown.append(f"| {' | '.join([line['system'], pairs, *scores, str(line['parameters']['used']), seconds])} |")
    return "\n".join([*shown, "", *below]) + "\n"


def why_not_shown(line: Mapping[str, Any]) -> str:
    """Say why a line of `summary` that was not admitted is not in the table."""
    return (
        f"{line['system']} is not shown. It, or what it begins with, has not learnt enough:"
        f" {line['clean_psnr']:.2f} dB on clean input, where bicubic has {line['clean_bicubic']:.2f}."
    )


def _with_spread(mean: float, spread: float | None, digits: int) -> str:
    return f"{mean:.{digits}f}" if spread is None else f"{mean:.{digits}f} ± {spread:.{digits}f}"


def record_comparison(
    name: str,
    question: str,
    arenas_of_seeds: Sequence[Arena],
    of_seed: Sequence[Mapping[str, Row]],
    results: Path,
    more: Mapping[str, Any],
) -> Path:
    """Record a comparison: the table, a JSON file for each run with its provenance, a picture for each system."""
    arena = arenas_of_seeds[0]
    facts = {
        "preset": arena.preset.name,
        "seed": [arena.preset.seed for arena in arenas_of_seeds],
        "source": arena.photographs.source,
    }
    here = provenance()
    files = {f"{key}.png": picture_path(arena, key) for key in of_seed[0]}
    for one, rows in zip(arenas_of_seeds, of_seed, strict=True):
        for key, row in rows.items():
            files[f"{key}-seed{one.preset.seed}.json"] = _write_run(one, key, row, here | facts)
    lines = summary(of_seed)
    files["table.md"] = arena.runs / "table.md"
    with replacing(files["table.md"]) as temporary:
        temporary.write_text(markdown(lines), encoding="utf-8")
    data = {
        "question": question,
        "budget_seconds": arena.budget,
        "degradation": DEGRADATIONS[arena.preset.degradation].name,
        "photographs": list(next(iter(of_seed[0].values()))["psnr"]),
        "trained_on": {"x": len(arena.photographs.x), "yz": len(arena.photographs.yz)},
        "table": lines,
        "runs": {
            str(one.preset.seed): {key: {score: row[score] for score in SCORES} for key, row in rows.items()}
            for one, rows in zip(arenas_of_seeds, of_seed, strict=True)
        },
    }
    return record(name, data | dict(more), facts, results, files)


def run_of(result: Recorded, key: str, seed: int = 0) -> Row:
    """Return what is recorded of one system and seed: its scores, photograph by photograph, and its facts."""
    return json.loads((result.folder / f"{key}-seed{seed}.json").read_text(encoding="utf-8"))["data"]


def _write_run(arena: Arena, key: str, row: Row, facts: Mapping[str, Any]) -> Path:
    """Write the JSON of one run: how it was trained stands in the place of how it was scored."""
    trained = {
        name: row["facts"][name] for name in ("command", "commit", "device", "date", "versions") if name in row["facts"]
    }
    content = {"provenance": dict(facts) | trained | {"seed": arena.preset.seed}, "data": row}
    path = arena.folder / key / "row.json"
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1, allow_nan=False), encoding="utf-8")
    return path
