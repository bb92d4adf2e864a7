"""Studies: the same training again with one thing changed, so that a chapter can say what that thing does."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..baselines import check_truth
from ..degradation import DEGRADATIONS, Degradation
from ..images import write_png
from ..inference import super_resolve
from ..presets import Preset, with_settings
from ..training import Run, resume, train
from ..unpaired import Photograph, Photographs
from ..weights import Trained, load_weights
from .evaluate import cleaning_scores, evaluate, noisy
from .example import EXAMPLE_BOX, example
from .results import finite, record
from .systems import systems

Settings = Mapping[str, Any]


@dataclass(frozen=True)
class Study:
    """A question, and the settings whose runs answer it.

    Attributes:
        name: What the result is called.
        question: One line.
        common: Settings of every variant.
        variants: Further settings by label; the first variant is what the others are compared with.
        base: Settings of a run whose weights all variants begin with; ``None`` where they begin at random. A variant
            with other networks begins with another such run, of its own networks.
        measures: "lr" scores G1(x) against the clean LR image; "hr" scores SR(G1(x)) against the photograph.
        protocols: Of "hr", the `protocols.PROTOCOLS` to score by beside PSNR and SSIM.
        degradations: Of "hr", names of other degradations to score under too; no variant is trained on them.
    """

    name: str
    question: str
    common: Settings
    variants: Mapping[str, Settings]
    base: Settings | None = None
    measures: str = "lr"
    protocols: Sequence[str] = ("vif",)
    degradations: Sequence[str] = ()


# Settings that give a network other weights to begin with.
_OF_NETWORKS = ("generator.", "discriminator.", "sr.")


def run_study(
    study: Study,
    preset: Preset,
    photographs: Photographs,
    held_out: Sequence[Photograph],
    runs: Path,
    results: Path,
    name: str | None = None,
) -> Path:
    """Train what is missing of a study, score all of it, record it, and return the result's folder.

    Args:
        study: What to vary.
        preset: The settings it varies.
        photographs: What every variant is trained on.
        held_out: What every variant is scored on; no network may have seen them.
        runs: Run folders are made in ``runs/<name>-<preset>/<variant>``, and ``base`` beside them; finished ones are
            kept, interrupted ones resumed.
        results: The result is written to ``results/<name>``.
        name: What to call the result; left out: as the study is called.
    """
    check_truth(photographs)
    name = name or study.name
    folder = runs / f"{name}-{preset.name}"
    rows: dict[str, dict[str, Any]] = {}
    pictures: dict[str, Path] = {}
    seconds = 0.0
    for label, changed in study.variants.items():
        settings = {**study.common, **changed}
        if study.base is not None:
            own = {key: value for key, value in changed.items() if key.startswith(_OF_NETWORKS)}
            base = "-".join(["base", *(slug(f"{key} {value}") for key, value in own.items())])
            settings["start"] = trained_in(
                folder / base, with_settings(preset, {**study.base, **own}), photographs
            ).as_posix()
        run = trained_in(folder / slug(label), with_settings(preset, settings), photographs)
        trained = load_weights(run)
        seconds += sum(trained.facts["seconds"].values())
        rows[label] = scores_of(trained, held_out, study.measures, study.protocols, study.degradations) | {
            "settings": dict(changed),
            "trained": {key: trained.facts[key] for key in ("commit", "device", "date")},
        }
        pictures[f"{slug(label)}.png"] = write_png(run / "example.png", example_of(trained, study.measures))
    data = {
        "question": study.question,
        "common": dict(study.common),
        "measures": study.measures,
        "variants": rows,
        "untouched": _untouched(trained, held_out, study.measures),
        "seconds": round(seconds),
    }
    facts = {"preset": preset.name, "seed": preset.seed, "source": photographs.source}
    return record(name, data, facts, results, pictures)


def slug(label: str) -> str:
    """Return a label as a file name: letters, digits and hyphens."""
    return "-".join("".join(c if c.isalnum() or c in " -" else "" for c in label).split())


def _untouched(trained: Trained, held_out: Sequence[Photograph], measures: str) -> dict[str, float]:
    """Return what leaving the input as it is scores: x itself against y, or its bicubic enlargement against z."""
    if measures == "hr":
        return evaluate(trained, held_out, chosen={"bicubic": systems(trained)["bicubic"]})[0].psnr
    return cleaning_scores(trained, held_out)["x"]


def trained_in(folder: Path, preset: Preset, photographs: Photographs) -> Path:
    """Return the folder of a finished run with these settings, training or resuming it where it is not finished."""
    if not (folder / "config.json").is_file():
        return train(preset, photographs, folder).folder
    saved = replace(Run.open(folder).preset, precision=preset.precision)
    if saved != preset:
        raise ValueError(f"{folder}: holds a run with other settings. Remove it, or give another --runs folder.")
    Run.open(folder).check_photographs(photographs)
    return resume(folder, photographs).folder


@torch.no_grad()
def scores_of(
    trained: Trained,
    held_out: Sequence[Photograph],
    measures: str,
    protocols: Sequence[str] = ("vif",),
    degradations: Sequence[str] = (),
) -> dict[str, Any]:
    """Score one variant on each photograph: PSNR, SSIM and ``protocols`` of its z and PSNR of its y, or that alone.

    With PSNR of y alone goes, in units of 1/255, how far G1 moves the mean of the colour it moves most: the mean over
    the photographs. With z go its scores under other degradations, called ``under``, where ``degradations`` names any.
    """
    if measures == "hr":
        cleaned = cleaning_scores(replace(trained, before_joint=trained.nets.upscaler()), held_out)["G1(x)"]
        under = {name: _of_z(trained, held_out, protocols, DEGRADATIONS[name].without_shift()) for name in degradations}
        own = _of_z(trained, held_out, protocols) | {"lr_psnr": finite(cleaned)}
        return own | ({"under": under} if under else {})
    degradation = DEGRADATIONS[trained.preset.degradation].without_shift()
    drifts = []
    for photograph in held_out:
        x, _ = noisy(photograph, degradation, trained.preset.scale)
        drifts.append((trained.nets.G1(x).clamp(0, 1) - x).mean((0, 2, 3)).abs().max().item() * 255)
    scores = cleaning_scores(trained, held_out)["G1(x)"]
    return {"psnr": scores, "colour_drift_8bit": statistics.fmean(drifts)}


def _of_z(
    trained: Trained, held_out: Sequence[Photograph], protocols: Sequence[str], degradation: Degradation | None = None
) -> dict[str, dict[str, float]]:
    final = {"CinCGAN": systems(trained)["CinCGAN"]}
    row = evaluate(trained, held_out, degradation, chosen=final, protocols=protocols)[0]
    return {"psnr": row.psnr, "ssim": row.ssim, **row.protocols}


@torch.no_grad()
def example_of(trained: Trained, measures: str) -> Tensor:
    """Return the running example's crop as this variant restores it: LR for cycle one, HR for cycle two."""
    x, _ = example(DEGRADATIONS[trained.preset.degradation])
    if measures == "lr":
        return EXAMPLE_BOX.cut(trained.nets.G1(x)[0].clamp(0, 1), trained.preset.scale)
    return EXAMPLE_BOX.cut(super_resolve(trained.nets.upscaler(), x)[0])
