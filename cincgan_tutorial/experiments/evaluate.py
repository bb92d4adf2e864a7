"""Score every system on photographs that no network has seen."""

from __future__ import annotations

import statistics
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from ..degradation import DEGRADATIONS, Degradation, bicubic_downsample
from ..front_end import progress_bar
from ..images import Images, from_levels, from_pixels
from ..inference import applied
from ..metrics import best_shift, psnr, ssim
from ..protocols import protocol_named, scored
from ..unpaired import Photograph, degrade
from ..weights import Trained
from .systems import System, systems

# Shifts of up to this many HR pixels are searched where the degradation moves the picture: its own 2 and one for
# rounding.
_SEARCH = 3


@dataclass(frozen=True)
class Row:
    """One system's scores, photograph by photograph; those of further `protocols`, by the protocol's name."""

    system: str
    psnr: dict[str, float]
    ssim: dict[str, float]
    protocols: dict[str, dict[str, float]] = field(default_factory=dict)

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
    protocols: Sequence[str] = (),
) -> list[Row]:
    """Score systems on held-out photographs: RGB, 4 pixels of border removed, at the best shift where x is shifted.

    Args:
        trained: The networks.
        photographs: HR photographs that no network was trained on.
        degradation: What makes x; by default the training degradation without its shift, so that full images can be
            compared.
        seed: Seed of blur and noise.
        chosen: The systems; by default those of `systems`.
        protocols: Names of further `protocols.PROTOCOLS` to score by; each aligns as it says itself.

    Raises:
        ValueError: A photograph was used in training, or is too small for a protocol.
    """
    if degradation is None:
        degradation = DEGRADATIONS[trained.preset.degradation].without_shift()
    check_unseen(trained, photographs)
    _check_size(photographs, trained.preset.scale, protocols)
    chosen = systems(trained) if chosen is None else chosen
    return score_all(chosen, photographs, degradation, trained.preset.scale, seed, protocols)


def score_all(
    chosen: Mapping[str, System],
    photographs: Sequence[Photograph],
    degradation: Degradation,
    scale: int,
    seed: int = 0,
    protocols: Sequence[str] = (),
) -> list[Row]:
    """Score systems as `evaluate` does, whatever they were trained on: that is for the caller to look at."""
    rows = [Row(name, {}, {}, {protocol: {} for protocol in protocols}) for name in chosen]
    with progress_bar(len(photographs), "evaluate") as bar:
        for photograph in photographs:
            x, z = noisy(photograph, degradation, scale, seed)
            for row in rows:
                result = chosen[row.system](x)
                for scores, score in ((row.psnr, psnr), (row.ssim, ssim)):
                    scores[photograph.name] = aligned_score(score, result, z, shifted=degradation.max_shift > 0)
                for protocol, value in scored(result, z, protocols).items():
                    row.protocols[protocol][photograph.name] = value
            bar.update()
    return rows


def aligned_score(score: Any, result: Images, z: Images, shifted: bool) -> float:
    """Return ``score(result, z)``; where ``shifted``, at the best whole shift of up to 3 pixels, with border 0."""
    if not shifted:
        return score(result, z)
    return best_shift(lambda a, b: score(a, b, border=0), result, z, max_shift=_SEARCH)[0]


def check_unseen(trained: Trained, photographs: Sequence[Photograph]) -> None:
    """Raise `ValueError` if the networks were trained on one of the photographs."""
    facts = trained.facts
    seen = {*facts["x_photographs"].values(), *facts["yz_photographs"].values(), *facts.get("start_photographs", [])}
    check_not_among(seen, photographs)


def check_not_among(seen: Collection[str], photographs: Sequence[Photograph]) -> None:
    """Raise `ValueError` if the content hash of a photograph is among those that were ``seen`` in training."""
    for photograph in photographs:
        if photograph.sha256 in seen:
            raise ValueError(f"{photograph.name}: the networks were trained on it, so its score would flatter them.")


def _check_size(photographs: Sequence[Photograph], scale: int, protocols: Sequence[str]) -> None:
    # Before anything is enlarged, so that nobody waits for a refusal.
    for name in ("ssim", *protocols):
        smallest = protocol_named(name).smallest
        for photograph in photographs:
            height, width = (side - side % scale for side in photograph.pixels.shape[:2])
            if min(height, width) < smallest:
                what = f"protocol {name}" if name in protocols else "it"
                raise ValueError(
                    f"{photograph.name}: {width}x{height} is too small to be scored; {what} needs {smallest} pixels"
                    " each way."
                )


def table(rows: Sequence[Row]) -> str:
    """Return the mean scores as a Markdown table, further protocols last; the gain is against the first row."""
    protocols = list(rows[0].protocols)
    header = ["System", "PSNR (dB)", "gain (dB)", "SSIM", *(_heading(name) for name in protocols)]
    lines = [f"| {' | '.join(header)} |", f"|:--|{'--:|' * (len(header) - 1)}"]
    for row in rows:
        gain = row.mean_psnr - rows[0].mean_psnr
        others = [protocol_named(name).shown(statistics.fmean(row.protocols[name].values())) for name in protocols]
        shown = [row.system, f"{row.mean_psnr:.2f}", f"{gain:+.2f}", f"{row.mean_ssim:.4f}", *others]
        lines.append(f"| {' | '.join(shown)} |")
    return "\n".join(lines)


def _heading(protocol: str) -> str:
    unit = protocol_named(protocol).unit
    return f"{protocol} ({unit})" if unit else protocol


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
        scores["G1(x)"][photograph.name] = psnr(applied(trained.before_joint.G1, x).clamp(0, 1), y, border=1)
    return scores
