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
from ..degradation import DEGRADATIONS
from ..images import write_png
from ..inference import super_resolve
from ..presets import Preset, with_settings
from ..training import Run, resume, train
from ..unpaired import Photograph, Photographs
from ..weights import Trained, load_weights
from .evaluate import cleaning_scores, evaluate, noisy
from .example import EXAMPLE_BOX, example
from .results import record
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
    """

    name: str
    question: str
    common: Settings
    variants: Mapping[str, Settings]
    base: Settings | None = None
    measures: str = "lr"


# What a setting does to colours is to show in its score.
COLOURS_FREE = {"generator.local_mean": 0}
_ONLY_ONE = COLOURS_FREE | {"pretrain.steps": 0, "joint.steps": 0, "first.steps": 600}
_ONLY_JOINT = COLOURS_FREE | {"pretrain.steps": 0, "first.steps": 0}
_CONTROL = {"joint.cycle_two.gan": 0, "joint.cycle_two.cycle": 0, "joint.cycle_two.tv": 0}
# Numbers in an LR patch and in an HR patch: a sum over one is so many times the mean. Adam takes no notice of a factor
# that all terms of a network have in common, so every weight is divided by the numbers in an LR patch.
_LR_NUMBERS, _HR_NUMBERS = 3 * 32**2, 3 * 128**2
_SUMS = {
    "joint.cycle_one.gan": 1 / _LR_NUMBERS,
    "joint.cycle_two.gan": 0.01 / _LR_NUMBERS,
    "joint.cycle_two.identity": 5 * _HR_NUMBERS / _LR_NUMBERS,
    "joint.cycle_two.tv": 0.05 * _HR_NUMBERS / _LR_NUMBERS,
}
# What might let cycle two earn its place; each is trained with its terms and without.
_LEVERS: Mapping[str, Settings] = {
    "as lesson": {},
    "a quarter of the rates": {"joint.lr": 5e-5, "joint.lr_D": 5e-5},
    "four times the rates": {"joint.lr": 8e-4, "joint.lr_D": 8e-4},
    "judges learn four times as fast": {"joint.lr_D": 8e-4},
    "four times as long": {"joint.steps": 1040},
    "D2 learns alone for 600 steps": {"joint.warm_up": 600},
    "D1 and D2 start at random": {"discriminator.high_pass": False},
    "sums for means": _SUMS,
    "EDSR 16x64": {"sr.features": 64, "sr.blocks": 16},
}
CONTROL = ", control"
# Settings that give a network other weights to begin with.
_OF_NETWORKS = ("generator.", "discriminator.", "sr.")
_PAPER_WEIGHTS = {"first.cycle_one": {"gan": 1.0, "cycle": 10.0, "identity": 5.0, "tv": 0.5}}
_PAPER_NORMS = {"norms": {"cycle": 2, "identity": 1, "tv": 2, "supervised": 2}}

STUDIES = {
    study.name: study
    for study in (
        Study(
            "cycle-one",
            "what each term of cycle one does",
            _ONLY_ONE,
            {
                "all terms": {},
                "no adversary": {"first.cycle_one.gan": 0},
                "no cycle": {"first.cycle_one.cycle": 0},
                "no identity": {"first.cycle_one.identity": 0},
                "no TV": {"first.cycle_one.tv": 0},
                "no cycle, no identity": {"first.cycle_one.cycle": 0, "first.cycle_one.identity": 0},
            },
        ),
        Study(
            "departures",
            "what each departure from the paper does to stage one",
            _ONLY_ONE,
            {
                "lesson": {},
                "no residual output": {"generator.residual": False},
                "residual at full scale": {"generator.residual_scale": 1.0},
                "PyTorch's initialisation": {"generator.he": False, "generator.residual_scale": 1.0},
                "BatchNorm in D1": {"discriminator.batch_norm": True},
                "D1 starts at random": {"discriminator.high_pass": False},
                "paper's norms and weights": _PAPER_WEIGHTS | _PAPER_NORMS,
                "no average": {"ema": 0},
                "no clipping": {"clip": 0},
                "falling learning rate": {"first.lr_floor": 0.1},
                "raised learning rate": {"first.lr": 5e-4, "first.lr_D": 5e-4},
                "all of the paper's settings": _PAPER_WEIGHTS
                | _PAPER_NORMS
                | {
                    "generator.residual": False,
                    "generator.he": False,
                    "discriminator.batch_norm": True,
                    "discriminator.high_pass": False,
                    "ema": 0,
                    "clip": 0,
                    "first.warm_up": 0,
                    "first.halve_every": 40_000,
                },
            },
        ),
        Study(
            "sizes",
            "what the paper's sizes and a batch of 16 do to the first 150 steps of stage one",
            _ONLY_ONE | {"first.steps": 150},
            {
                "lesson": {},
                "paper's generators": {"generator.width": 64, "generator.blocks": 6},
                "paper's D1": {"discriminator.width": 64, "discriminator.widest": 512},
                "D1 without warm-up": {"first.warm_up": 0},
                "batch 16": {"first.batch": 16},
            },
        ),
        Study(
            "cycle-two",
            "what each term of cycle two does, beside a control that only goes on training",
            _ONLY_JOINT,
            {
                "all terms": {},
                "control: supervision only": _CONTROL,
                "no adversary": {"joint.cycle_two.gan": 0},
                "no cycle": {"joint.cycle_two.cycle": 0},
                "no supervision": {"joint.cycle_two.identity": 0},
                "no TV": {"joint.cycle_two.tv": 0},
                "paper's adversarial weight": {"joint.cycle_two.gan": 1},
                "paper's cycle and TV weights": {"joint.cycle_two.cycle": 10, "joint.cycle_two.tv": 2},
                "an Adam for each cycle": {"adam_per_cycle": True},
            },
            base=COLOURS_FREE | {"joint.steps": 0},
            measures="hr",
        ),
        Study(
            "joint-stage",
            "whether another rate, length, start, reduction or size lets cycle two earn its place",
            _ONLY_JOINT,
            {
                label + end: {**lever, **without}
                for label, lever in _LEVERS.items()
                for end, without in (("", {}), (CONTROL, _CONTROL))
            },
            base=COLOURS_FREE | {"joint.steps": 0},
            measures="hr",
        ),
        Study(
            "sr-size",
            "what a larger EDSR reaches on clean photographs, after as many steps of pre-training",
            # Without a step of the other stages G1 is the identity, and SR(G1(x)) is SR(x).
            {"degradation": "bicubic", "first.steps": 0, "joint.steps": 0},
            {"lesson": {}, "EDSR 16x64": {"sr.features": 64, "sr.blocks": 16}},
            measures="hr",
        ),
    )
}


def run_study(
    study: Study,
    preset: Preset,
    photographs: Photographs,
    held_out: Sequence[Photograph],
    runs: Path,
    results: Path,
) -> Path:
    """Train what is missing of a study, score all of it, record it, and return the result's folder.

    Args:
        study: What to vary.
        preset: The settings it varies.
        photographs: What every variant is trained on.
        held_out: What every variant is scored on; no network may have seen them.
        runs: Run folders are made in ``runs/<study>-<preset>/<variant>``, and ``base`` beside them; finished ones are
            kept, interrupted ones resumed.
        results: The result is written to ``results/<study>``.
    """
    check_truth(photographs)
    folder = runs / f"{study.name}-{preset.name}"
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
        rows[label] = scores_of(trained, held_out, study.measures) | {
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
    return record(study.name, data, facts, results, pictures)


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
def scores_of(trained: Trained, held_out: Sequence[Photograph], measures: str) -> dict[str, Any]:
    """Score one variant on each photograph: PSNR, SSIM and VIF of its z, or PSNR of its y.

    With the latter goes the largest drift of a mean colour, in units of 1/255.
    """
    if measures == "hr":
        final = {"CinCGAN": systems(trained)["CinCGAN"]}
        row = evaluate(trained, held_out, chosen=final, protocols=["vif"])[0]
        return {"psnr": row.psnr, "ssim": row.ssim, "vif": row.protocols["vif"]}
    degradation = DEGRADATIONS[trained.preset.degradation].without_shift()
    drifts = []
    for photograph in held_out:
        x, _ = noisy(photograph, degradation, trained.preset.scale)
        drifts.append((trained.nets.G1(x).clamp(0, 1) - x).mean((0, 2, 3)).abs().max().item() * 255)
    scores = cleaning_scores(trained, held_out)["G1(x)"]
    return {"psnr": scores, "colour_drift_8bit": statistics.fmean(drifts)}


@torch.no_grad()
def example_of(trained: Trained, measures: str) -> Tensor:
    """Return the running example's crop as this variant restores it: LR for cycle one, HR for cycle two."""
    x, _ = example(DEGRADATIONS[trained.preset.degradation])
    if measures == "lr":
        return EXAMPLE_BOX.cut(trained.nets.G1(x)[0].clamp(0, 1), trained.preset.scale)
    return EXAMPLE_BOX.cut(super_resolve(trained.nets.upscaler(), x)[0])
