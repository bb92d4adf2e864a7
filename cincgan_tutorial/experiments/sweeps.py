"""How each system falls as the degradation grows in one direction: the trained systems of the table, trained on one.

Where does unpaired learning win, and where a denoiser? Nothing is trained here.
"""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..degradation import DEGRADATIONS, SYNTHETIC_MILD, Degradation, Mixture
from ..front_end import progress_bar
from ..images import replacing
from ..metrics import psnr
from ..presets import Preset
from ..training.validation import spread
from ..unpaired import Photograph, Photographs
from .comparison import arenas, check_apart, comparison_folder, contenders_of_table, identity
from .contenders import CINCGAN, TRAINED, Arena, Contender, missing
from .evaluate import aligned_score, noisy
from .results import record

SWEEPS = "how each system falls as blur, noise, its correlation, shift and compression grow"
# Photographs that are scored at most: there are two dozen degradations, and slow denoisers.
_MOST = 6

_BLURS = (0.0, 1.0, 1.5, 2.0, 2.5, 3.0)
_NOISES = (0.0, 4.0, 8.0, 12.0, 16.0, 24.0)
_SHIFTS = (0.0, 1.0, 2.0)
_QUALITIES = (95, 75, 50, 30)


def sweeps(base: Degradation) -> dict[str, dict[float, Degradation]]:
    """Return the degradations of each sweep by the value that grows; whatever else the base does stays.

    * ``blur``: both sigmas, HR pixels.
    * ``correlated noise``, ``white noise``: read-out noise in units of 1/255, without any photon noise.
    * ``shift``: the largest shift, HR pixels, scored as if nobody knew of it; ``shift, aligned``: at the best shift.
    * ``jpeg``: the quality, falling.
    """
    base = (SYNTHETIC_MILD if isinstance(base, Mixture) else base).without_shift()

    def noise(std: float, correlated: bool) -> Degradation:
        return replace(base, noise_std_8bit=std, poisson_peak=math.inf, correlated=correlated)

    # A kernel has to be there to be off its centre.
    blurred = replace(base, blur_sigma=base.blur_sigma or (1.0, 1.0))
    shifted = {shift: replace(blurred, max_shift=shift) for shift in _SHIFTS}
    return {
        "blur": {sigma: replace(base, blur_sigma=(sigma, sigma) if sigma else None) for sigma in _BLURS},
        "correlated noise": {std: noise(std, True) for std in _NOISES},
        "white noise": {std: noise(std, False) for std in _NOISES},
        "shift": shifted,
        "shift, aligned": shifted,
        "jpeg": {float(quality): replace(base, jpeg_quality=quality) for quality in _QUALITIES},
    }


def run_degradations(
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
    """Score the trained systems of the table on every sweep, record ``<preset>-degradations``, return its folder.

    The arguments are those of `comparison.run_table`, as they were given to it.

    Raises:
        ValueError: A system has not been trained with this preset, seed and budget, or a photograph was trained on.
    """
    tune = photographs.x if tune is None else tune
    check_apart(photographs, held_out, tune)
    if not comparison_folder(preset, runs).is_dir():
        raise _not_trained(comparison_folder(preset, runs))
    every = arenas(preset, photographs, runs, seeds, budget)
    chosen = spread(held_out, _MOST)
    of_seed: list[dict[str, Any]] = []
    names: dict[str, str] = {}
    for arena in every:
        _check_trained(arena)
        found = list(contenders_of_table(arena, tune))
        names |= {contender.key: contender.name for contender in found}
        with progress_bar(len(found), f"sweeps, seed {arena.preset.seed}") as bar:
            rows = {}
            for contender in found:
                rows[contender.key] = _swept(contender, arena, chosen)
                bar.update()
        of_seed.append(rows)
    data = {
        "question": SWEEPS,
        "base": DEGRADATIONS[preset.degradation].name,
        "budget_seconds": every[0].budget,
        "photographs": [photograph.name for photograph in chosen],
        "systems": names,
        "sweeps": _means(of_seed),
        "left_out": {"BM3D+EDSR": missing("bm3d")} if missing("bm3d") else {},
    }
    facts = {"preset": preset.name, "seed": list(seeds), "source": photographs.source}
    return record(name or f"{preset.name}-degradations", data, facts, results)


def _check_trained(arena: Arena) -> None:
    for key in (*TRAINED, CINCGAN):
        if not (arena.folder / key / "weights.safetensors").is_file():
            raise _not_trained(arena.folder / key)


def _not_trained(folder: Path) -> ValueError:
    return ValueError(
        f"{folder}: not trained. This study trains nothing; first, with the same --preset, --seeds, --budget and"
        " --runs: study table"
    )


def _swept(contender: Contender, arena: Arena, photographs: Sequence[Photograph]) -> dict[str, dict[str, float]]:
    """Return the mean PSNR at each value of each sweep; scored once, and then read."""
    path = arena.folder / contender.key / "sweeps.json"
    every = sweeps(DEGRADATIONS[arena.preset.degradation])
    asked = {
        "photographs": [photograph.sha256 for photograph in photographs],
        "sweeps": {sweep: {f"{value:g}": repr(one) for value, one in of.items()} for sweep, of in every.items()},
        "of": identity(contender),
    }
    if path.is_file():
        known = json.loads(path.read_text(encoding="utf-8"))
        if known["asked"] == asked:
            return known["psnr"]
    scores = {
        sweep: {f"{value:g}": _mean(contender, one, arena, photographs, sweep) for value, one in of.items()}
        for sweep, of in every.items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        temporary.write_text(json.dumps({"asked": asked, "psnr": scores}), encoding="utf-8")
    return scores


def _mean(
    contender: Contender, degradation: Degradation, arena: Arena, photographs: Sequence[Photograph], sweep: str
) -> float:
    scores = []
    for photograph in photographs:
        x, z = noisy(photograph, degradation, arena.preset.scale)
        scores.append(aligned_score(psnr, contender.upscale(x), z, shifted=sweep.endswith("aligned")))
    return statistics.fmean(scores)


def _means(of_seed: Sequence[Mapping[str, Mapping[str, Mapping[str, float]]]]) -> dict[str, Any]:
    """Return values, mean over the seeds, and their standard deviation, by sweep and system."""
    found: dict[str, Any] = {}
    first = of_seed[0]
    for sweep, values in next(iter(first.values())).items():
        scores = {key: [[rows[key][sweep][value] for rows in of_seed] for value in values] for key in first}
        found[sweep] = {
            "values": [float(value) for value in values],
            "psnr": {key: [statistics.fmean(seeds) for seeds in points] for key, points in scores.items()},
            "spread": {
                key: [statistics.stdev(seeds) if len(seeds) > 1 else None for seeds in points]
                for key, points in scores.items()
            },
        }
    return found
