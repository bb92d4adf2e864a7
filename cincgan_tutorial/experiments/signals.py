"""A study of signals: how well does each number that needs no pairs rank checkpoints by the PSNR that needs them?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..architectures import Networks
from ..baselines import check_truth
from ..degradation import BICUBIC, DEGRADATIONS, bicubic_downsample
from ..front_end import progress_bar
from ..images import Images, from_levels
from ..metrics import psnr
from ..presets import Preset, with_settings
from ..seeds import torch_generator
from ..training import validation
from ..unpaired import Photograph, Photographs, as_levels, degrade
from ..weights import load_weights
from . import candidates
from .evaluate import check_unseen, noisy
from .results import record
from .studies import COLOURS_FREE
from .study import Study, slug, trained_in

SIGNALS = Study(
    "signals",
    "which signal without pairs ranks the checkpoints of stage one",
    # Twenty checkpoints of each run.
    COLOURS_FREE | {"pretrain.steps": 0, "first.steps": 2800, "joint.steps": 0, "keep_every": 140, "validate_every": 0},
    {
        "lesson": {},
        "raised learning rate": {"first.lr": 5e-4, "first.lr_D": 5e-4},
        "no identity": {"first.cycle_one.identity": 0},
        # The signal that is used was chosen by looking at runs like the three above, at some of other seeds and some on
        # other photographs; on all 400 no run of this seed was among them.
        "another seed": {"seed": 2},
    },
)

# For `mild`, where nothing is picked: this is the training of its card.
LONG_SIGNALS = Study(
    "signals-long",
    "does the signal rank the checkpoints of a long run too",
    {"keep_every": 500},
    {"long run": {}},
)


def run_signals(
    study: Study,
    preset: Preset,
    photographs: Photographs,
    held_out: Sequence[Photograph],
    runs: Path,
    results: Path,
) -> Path:
    """Train what is missing, score every kept snapshot with pairs and without, record it; arguments as `run_study`.

    The signals see images of X and Y of the training set, evenly spread, and what training would see of G1. The PSNR is
    that of G1(x) as it is used, with the colours of x where the preset keeps them, against the clean LR image of the
    held-out photographs, without shift.
    """
    check_truth(photographs)
    variants: dict[str, dict[str, Any]] = {}
    seconds = 0.0
    for label, settings in study.variants.items():
        folder = runs / f"{study.name}-{preset.name}" / slug(label)
        run = trained_in(folder, with_settings(preset, dict(study.common) | dict(settings)), photographs)
        trained = load_weights(run)
        check_unseen(trained, held_out)
        seconds += sum(trained.facts["seconds"].values())
        score = _scorer(trained.preset, photographs, held_out)
        snapshots = sorted((run / "snapshots").glob("first-*.pt"))
        rows = []
        with progress_bar(len(snapshots), label) as bar:
            for path in snapshots:
                rows += _score_snapshot(path, trained.nets, score)
                bar.update()
        facts = {key: trained.facts[key] for key in ("commit", "device", "date")}
        variants[label] = {"checkpoints": rows, "settings": dict(settings), "trained": facts}
    data = {
        "question": study.question,
        "common": dict(study.common),
        "images": {"x": min(validation.IMAGES, len(photographs.x)), "y": min(validation.IMAGES, len(photographs.yz))},
        "variants": variants,
        "rho": ranks({label: variant["checkpoints"] for label, variant in variants.items()}),
        "seconds": round(seconds),
    }
    facts = {"preset": preset.name, "seed": preset.seed, "source": photographs.source}
    return record(study.name, data, facts, results)


def _scorer(
    preset: Preset, photographs: Photographs, held_out: Sequence[Photograph]
) -> Callable[[Networks], dict[str, float]]:
    """Return what scores networks: the PSNR on held-out pairs, and every signal on unpaired images."""
    degradation, scale = DEGRADATIONS[preset.degradation], preset.scale
    x = [_image(degrade(p, degradation, scale, preset.seed)) for p in _spread(photographs.x)]
    y = [_image(as_levels(BICUBIC(p.cropped(scale).image, torch_generator(0), scale))) for p in _spread(photographs.yz)]
    pairs = [noisy(photograph, degradation.without_shift(), scale) for photograph in held_out]
    clean = [(noisy_x, bicubic_downsample(z, scale).clamp(0, 1)) for noisy_x, z in pairs]

    @torch.no_grad()
    def score(nets: Networks) -> dict[str, float]:
        scores = [psnr(nets.G1(noisy_x).clamp(0, 1), clean_y, border=1) for noisy_x, clean_y in clean]
        return {"psnr": sum(scores) / len(scores)} | candidates.signals_of(candidates.look(nets, x, y), preset)

    return score


def _spread(photographs: Sequence[Photograph]) -> list[Photograph]:
    return validation.spread(photographs, validation.IMAGES)


def _image(levels: torch.Tensor) -> Images:
    return from_levels(levels)[None]


def _score_snapshot(path: Path, nets: Networks, score: Callable[[Networks], dict[str, float]]) -> list[dict[str, Any]]:
    """Score the weights of one step as they are, and as they would be published."""
    state = torch.load(path, map_location="cpu", weights_only=True)
    step = int(path.stem.partition("-")[2])
    nets.load_state_dict(state["nets"])
    rows = [{"step": step, "weights": "last", **score(nets)}]
    nets.upscaler().load_state_dict(state["published"])
    return [*rows, {"step": step, "weights": "average", **score(nets)}]


def ranks(checkpoints: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, dict[str, float | None]]:
    """Return Spearman's rho of each signal, lower taken for better, with the PSNR: all runs pooled, and run by run."""
    everything = [row for rows in checkpoints.values() for row in rows]
    names = [name for name in everything[0] if name not in ("step", "weights", "psnr")]
    return {
        label: {name: _rho(rows, name) for name in names}
        for label, rows in {"pooled": everything, **checkpoints}.items()
    }


def _rho(rows: Iterable[Mapping[str, Any]], name: str) -> float | None:
    rows = list(rows)
    return spearman([-row[name] for row in rows], [row["psnr"] for row in rows])


def spearman(a: Sequence[float], b: Sequence[float]) -> float | None:
    """Return Spearman's rho, the correlation of the ranks; ``None`` where all of a or b are equal: nothing is ranked.

    Equal values share the mean of their ranks.
    """

    def rank(values: Sequence[float]) -> np.ndarray:
        _, place, count = np.unique(values, return_inverse=True, return_counts=True)
        return (count.cumsum() - (count - 1) / 2)[place]

    if len(set(a)) < 2 or len(set(b)) < 2:
        return None
    return float(np.corrcoef(rank(a), rank(b))[0, 1])
