"""Score every system on photographs that no network has seen."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from ..degradation import DEGRADATIONS, Degradation, bicubic_downsample
from ..front_end import progress_bar
from ..images import Images, from_levels, from_pixels
from ..metrics import best_shift, psnr, ssim
from ..unpaired import Photograph, degrade
from ..weights import Trained
from .systems import System, systems

# Shifts of up to this many HR pixels are searched where the degradation moves the picture: its own 2 and one for
# rounding.
_SEARCH = 3


@dataclass(frozen=True)
class Row:
    """One system's scores, photograph by photograph."""

    system: str
    psnr: dict[str, float]
    ssim: dict[str, float]

    @property
    def mean_psnr(self) -> float:
        """Mean PSNR over the photographs, dB."""
        return statistics.fmean(self.psnr.values())

    @property
    def mean_ssim(self) -> float:
        """Mean SSIM over the photographs."""
        return statistics.fmean(self.ssim.values())


def noisy(photograph: Photograph, degradation: Degradation, scale: int = 4, seed: int = 0) -> tuple[Images, Images]:
    """Return a test pair: x, (1, 3, h/s, w/s), and the photograph z, (1, 3, h, w), cropped to a multiple of s."""
    levels = degrade(photograph, degradation, scale, seed)
    return from_levels(levels)[None], from_pixels(photograph.cropped(scale).pixels)[None]


def evaluate(
    trained: Trained,
    photographs: Sequence[Photograph],
    degradation: Degradation | None = None,
    seed: int = 0,
    chosen: Mapping[str, System] | None = None,
) -> list[Row]:
    """Score systems on held-out photographs: RGB, 4 pixels of border removed, at the best shift where x is shifted.

    Args:
        trained: The networks.
        photographs: HR photographs that no network was trained on.
        degradation: What makes x; by default the training degradation without its shift, so that full images can be
            compared.
        seed: Seed of blur and noise.
        chosen: The systems; by default those of `systems`.

    Raises:
        ValueError: A photograph was used in training.
    """
    if degradation is None:
        degradation = DEGRADATIONS[trained.preset.degradation].without_shift()
    check_unseen(trained, photographs)
    _check_size(photographs, trained.preset.scale)
    return score_all(
        systems(trained) if chosen is None else chosen, photographs, degradation, trained.preset.scale, seed
    )


def score_all(
    chosen: Mapping[str, System], photographs: Sequence[Photograph], degradation: Degradation, scale: int, seed: int = 0
) -> list[Row]:
    """Score systems as `evaluate` does, whatever they were trained on: that is for the caller to look at."""
    scores: dict[str, tuple[dict[str, float], dict[str, float]]] = {name: ({}, {}) for name in chosen}
    with progress_bar(len(photographs), "evaluate") as bar:
        for photograph in photographs:
            x, z = noisy(photograph, degradation, scale, seed)
            for name, system in chosen.items():
                result = system(x)
                for scored, score in zip(scores[name], (psnr, ssim), strict=True):
                    scored[photograph.name] = _score(score, result, z, shifted=degradation.max_shift > 0)
            bar.update()
    return [Row(name, *scored) for name, scored in scores.items()]


def _score(score: Any, result: Images, z: Images, shifted: bool) -> float:
    if not shifted:
        return score(result, z)
    return best_shift(lambda a, b: score(a, b, border=0), result, z, max_shift=_SEARCH)[0]


def check_unseen(trained: Trained, photographs: Sequence[Photograph]) -> None:
    """Raise `ValueError` if the networks were trained on one of the photographs."""
    facts = trained.facts
    seen = {*facts["x_photographs"].values(), *facts["yz_photographs"].values(), *facts.get("start_photographs", [])}
    for photograph in photographs:
        if photograph.sha256 in seen:
            raise ValueError(f"{photograph.name}: the networks were trained on it, so its score would flatter them.")


def _check_size(photographs: Sequence[Photograph], scale: int) -> None:
    # SSIM's window of 11 pixels has to fit after a border of 4 is cut from each side.
    smallest = 11 + 2 * 4
    for photograph in photographs:
        height, width = (side - side % scale for side in photograph.pixels.shape[:2])
        if min(height, width) < smallest:
            raise ValueError(
                f"{photograph.name}: {width}x{height} is too small to be scored; {smallest} pixels are needed."
            )


def table(rows: Sequence[Row]) -> str:
    """Return the mean scores as a Markdown table; the gain is against the first row."""
    lines = ["| System | PSNR (dB) | gain (dB) | SSIM |", "|:--|--:|--:|--:|"]
    for row in rows:
        gain = row.mean_psnr - rows[0].mean_psnr
        lines.append(f"| {row.system} | {row.mean_psnr:.2f} | {gain:+.2f} | {row.mean_ssim:.4f} |")
    return "\n".join(lines)


def cleaning(
    trained: Trained, photographs: Sequence[Photograph], seed: int = 0, degradation: Degradation | None = None
) -> dict[str, float]:
    """Return the mean LR PSNR of x and of G1(x), see `cleaning_scores`."""
    scores = cleaning_scores(trained, photographs, seed, degradation)
    return {name: statistics.fmean(values.values()) for name, values in scores.items()}


@torch.no_grad()
def cleaning_scores(
    trained: Trained, photographs: Sequence[Photograph], seed: int = 0, degradation: Degradation | None = None
) -> dict[str, dict[str, float]]:
    """Return the LR PSNR of x and of G1(x), after stage one, against the clean y of the same photograph, unshifted."""
    degradation = (degradation or DEGRADATIONS[trained.preset.degradation]).without_shift()
    check_unseen(trained, photographs)
    scores: dict[str, dict[str, float]] = {"x": {}, "G1(x)": {}}
    for photograph in photographs:
        x, z = noisy(photograph, degradation, trained.preset.scale, seed)
        y = bicubic_downsample(z, trained.preset.scale).clamp(0, 1)
        scores["x"][photograph.name] = psnr(x, y, border=1)
        scores["G1(x)"][photograph.name] = psnr(trained.before_joint.G1(x).clamp(0, 1), y, border=1)
    return scores
