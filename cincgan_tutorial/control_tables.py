"""Tables of variants against a control: the joint stage with and without cycle two (chapter 4), and over seeds."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

from .experiments import CONTROL, Recorded
from .tables import Markdown, markdown_table, paired, verdict

# The scores of a study: name, what they are multiplied by to be read, unit there, digits that are shown.
_SCORES = {
    "psnr": ("PSNR", 1, "dB", 3),
    "ssim": ("SSIM", 1000, "1/1000", 1),
    "vif": ("VIF", 1000, "1/1000", 1),
    "ms-ssim": ("MS-SSIM", 1000, "1/1000", 1),
}


def against_control(study: Recorded, control: str = "control: supervision only") -> Markdown:
    """Return in words what the joint stage gains over its control."""
    variants, changes = study.data["variants"], []
    name = next(iter(variants))
    for score, d in (("psnr", 3), ("ssim", 4), ("vif", 4)):
        mean, error = paired(variants[name][score], variants[control][score])
        unit = " dB" if score == "psnr" else ""
        changes.append(f"{score.upper()} by {mean:+.{d}f}{unit} (standard error {error:.{d}f}: {verdict(mean, error)})")
    return Markdown(
        f"Against the control, all four terms together change {', '.join(changes[:-1])} and {changes[-1]}, on"
        f" {len(variants[name]['psnr'])} photographs and one seed."
    )


def against_controls(study: Recorded) -> Markdown:
    """Return for each setting what its control reaches and what cycle two changes: paired mean and standard error."""
    variants, lines = study.data["variants"], []
    for label, control in ((label, variants[label + CONTROL]) for label in variants if label + CONTROL in variants):
        lines.append([label, *(f"{statistics.fmean(control[score].values()):.2f}" for score in ("lr_psnr", "psnr"))])
        lines[-1] += [_change(variants[label][score], control[score], score) for score in ("psnr", "ssim", "vif")]
    return markdown_table(
        ["Setting", "control, LR (dB)", "HR (dB)", "PSNR (dB)", "SSIM (1/1000)", "VIF (1/1000)"], lines
    )


def over_seeds(studies: Sequence[Recorded], one: str, other: str) -> Markdown:
    """Return what one variant gains over another: on the mean of the seeds with its standard error, and from each seed.

    By every score under the degradation of the training, and in PSNR under the others.

    Args:
        studies: The same study from other seeds.
        one: Label of a variant.
        other: Label of what it is compared with.
    """
    degradations = studies[0].data["variants"][one].get("under", {})
    asked = [(None, score) for score in _SCORES] + [(degradation, "psnr") for degradation in degradations]
    lines = []
    for degradation, score in asked:
        name, unit, of_unit, digits = _SCORES[score]
        pairs = [tuple(_scores(study, label, degradation)[score] for label in (one, other)) for study in studies]
        ours, theirs = (_mean(same) for same in zip(*pairs, strict=True))
        gains = [f"{unit * paired(*pair)[0]:+.{digits}f}" for pair in pairs]
        where = f" under `{degradation}`" if degradation else ""
        lines.append([f"{name}{where} ({of_unit})", _change(ours, theirs, score), *gains])
    seeds = (f"seed {study.provenance['seed']}" for study in studies)
    return markdown_table([f"{one}, less {other}", "mean", *seeds], lines)


def each_over_seeds(studies: Sequence[Recorded]) -> Markdown:
    """Return what every variant changes, in PSNR (dB), against the first: on the mean of the seeds, and from each seed.

    The standard error is over photographs, each photograph's score being its mean over the seeds.

    Args:
        studies: The same study from other seeds.
    """
    reference, *others = studies[0].data["variants"]
    seeds = [f"seed {study.provenance['seed']}" for study in studies]
    lines = []
    for label in others:
        pairs = [[study.data["variants"][name]["psnr"] for study in studies] for name in (label, reference)]
        gains = [f"{paired(ours, theirs)[0]:+.2f}" for ours, theirs in zip(*pairs, strict=True)]
        mean, error = paired(*(_mean(of_seeds) for of_seeds in pairs))
        lines.append([label, f"{mean:+.2f} ± {error:.2f}", *gains])
    return markdown_table([f"PSNR less that of {reference} (dB)", "mean", *seeds], lines)


def by_degradation(studies: Sequence[Recorded], reference: str) -> Markdown:
    """Return the PSNR of every variant less that of one of them, where it was trained and under other degradations.

    Means over the photographs with their standard errors, each photograph's score being its mean over the seeds.

    Args:
        studies: The same study from other seeds.
        reference: Label of the variant that the others are compared with.
    """
    variants = studies[0].data["variants"]
    degradations = [None, *variants[reference].get("under", {})]

    def psnr(label: str, degradation: str | None) -> dict[str, float]:
        return _mean([_scores(study, label, degradation)["psnr"] for study in studies])

    lines = []
    for label in variants:
        if label != reference:
            gains = (
                _change(psnr(label, degradation), psnr(reference, degradation), "psnr") for degradation in degradations
            )
            lines.append([label, *gains])
    # Names in two words, where a heading can be broken: with the errors the columns fill the page.
    header = (degradation.replace("_", " ") if degradation else "as trained" for degradation in degradations)
    return markdown_table([f"PSNR less that of {reference} (dB)", *header], lines)


def _change(one: Mapping[str, float], other: Mapping[str, float], score: str) -> str:
    """Return the mean over photographs of what one gains over another, with its standard error, in the shown unit."""
    _, unit, _, digits = _SCORES[score]
    mean, error = (unit * value for value in paired(one, other))
    return f"{mean:+.{digits}f} ± {error:.{digits}f}"


def _scores(study: Recorded, label: str, degradation: str | None) -> Mapping[str, Mapping[str, float]]:
    variant = study.data["variants"][label]
    return variant["under"][degradation] if degradation else variant


def _mean(seeds: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the mean over seeds of each photograph's score."""
    return {name: statistics.fmean(scores[name] for scores in seeds) for name in seeds[0]}
