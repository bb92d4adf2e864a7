"""Pictures for the chapters. Each function returns a closed figure, so a cell that ends in a call shows it once.

Nothing here trains or measures: figures show what they are given. Those of trained networks refuse networks of the
``smoke`` preset.
"""

from __future__ import annotations

import html
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from .degradation import Degradation, bicubic_downsample, blur
from .experiments import EXAMPLE, EXAMPLE_BOX, Box, Recorded, Row, example, slug
from .images import read_image, to_pixels
from .legible import label_points, legend_above
from .page_views import Judged
from .provenance import caption
from .seeds import torch_generator
from .unpaired import Photograph, Photographs
from .weights import Trained

# The running example belongs to the experiments; chapters reach it from here, where they draw.
__all__ = [
    "EXAMPLE",
    "EXAMPLE_BOX",
    "Box",
    "Card",
    "bars",
    "card",
    "curves",
    "degradation_steps",
    "example",
    "gallery",
    "influence_maps",
    "judged_places",
    "kernels",
    "moment",
    "refuse_smoke",
    "score_map",
    "scores",
    "show",
    "signal_against_psnr",
    "split",
    "study_bars",
    "training_curves",
]

# Okabe and Ito's palette: told apart with any kind of colour vision.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")


def show(images: Mapping[str, Tensor], columns: int = 4, size: float = 2.4) -> Figure:
    """Show labelled images, (1, 3, h, w) or (3, h, w) in [0, 1], enlarged without smoothing.

    Args:
        images: What to show, by label; a label may have two lines.
        columns: Images per row.
        size: Width of one image in inches.
    """
    rows = -(-len(images) // columns)
    columns = min(columns, len(images))
    shapes = [image.shape[-2:] for image in images.values()]
    tallest = max(height / width for height, width in shapes)
    lines = 1 + max(label.count("\n") for label in images)
    points = label_points(images, size * columns, size)
    figure, grid = plt.subplots(
        rows,
        columns,
        figsize=(size * columns, rows * (size * tallest + 0.025 * points * lines)),
        squeeze=False,
        layout="constrained",
    )
    for axes in grid.flat:
        axes.axis("off")
    for axes, (label, image) in zip(grid.flat, images.items(), strict=False):
        show_in(axes, image, label, points)
    return _closed(figure)


def show_in(axes: Axes, image: Tensor, label: str, points: float = 9) -> None:
    """Show one labelled image, (1, 3, h, w) or (3, h, w) in [0, 1], in its place of a figure."""
    axes.imshow(to_pixels(image[0] if image.ndim == 4 else image), interpolation="nearest")
    axes.set_title(label, fontsize=points)
    axes.axis("off")


def _closed(figure: Figure) -> Figure:
    """Take the figure out of pyplot's hands, which would show it a second time."""
    plt.close(figure)
    return figure


def kernels(given: Mapping[str, Tensor], size: float = 1.8) -> Figure:
    """Show blur kernels, (k, k), dark where the weight is large, with a cross at their origin."""
    figure, grid = plt.subplots(
        1, len(given), figsize=(size * len(given), size + 0.3), squeeze=False, layout="constrained"
    )
    for axes, (label, k) in zip(grid.flat, given.items(), strict=True):
        axes.imshow(k.numpy(), cmap="Greys", interpolation="nearest")
        middle = k.shape[-1] // 2
        axes.plot(middle, middle, "+", color=COLOURS[1], markersize=9)
        axes.set_title(label, fontsize=label_points(given, size * len(given), size))
        axes.set_xticks([])
        axes.set_yticks([])
    return _closed(figure)


def degradation_steps(
    photograph: Photograph, degradation: Degradation, box: Box = EXAMPLE_BOX, seed: int = 0
) -> Figure:
    """Take a photograph apart: z, the kernel, z * k, its reduction, the noise, and x."""
    generator = torch_generator(seed)
    z = photograph.cropped(4).image
    drawn = degradation.draw(generator)
    blurred = z if drawn is None else blur(z, drawn.kernel)
    reduced = bicubic_downsample(blurred)
    n = degradation.noise(reduced, generator)
    x = (reduced + n).clamp(0, 1)
    stages = {
        "$z$": box.cut(z),
        "$z \\otimes k$": box.cut(blurred),
        "$(z \\otimes k)\\downarrow_4$": box.cut(reduced, 4).clamp(0, 1),
        "$n$, around grey, tripled": (0.5 + 3 * box.cut(n, 4)).clamp(0, 1),
        "$x$": box.cut(x, 4),
    }
    return show(stages, columns=3, size=2.13)


def split(photographs: Photographs, columns: int = 4) -> Figure:
    """Show which photograph is in which part: X, Y and Z, held out."""
    parts = {"X": photographs.x, "Y, Z": photographs.yz, "held out": photographs.held_out}
    named = {f"{p.name}\n{part}": p.image for part, members in parts.items() for p in members}
    return show(named, columns=columns, size=1.6)


def scores(rows: Sequence[Row], measure: str = "psnr") -> Figure:
    """Show every photograph's score as a dot and the mean as a bar, system by system.

    Args:
        rows: From `experiments.evaluate`.
        measure: "psnr" (shown as the gain over the first row, dB) or "ssim".
    """
    figure, axes = plt.subplots(figsize=(6.4, 0.5 * len(rows) + 0.9), layout="constrained")
    base = getattr(rows[0], measure) if measure == "psnr" else dict.fromkeys(rows[0].ssim, 0.0)
    for place, row in enumerate(rows):
        values = np.array([value - base[name] for name, value in getattr(row, measure).items()])
        axes.barh(place, values.mean(), color=COLOURS[place % len(COLOURS)], alpha=0.55)
        axes.plot(values, np.full(len(values), place), "o", color="black", markersize=3)
        axes.annotate(
            f"{values.mean():+.2f}" if measure == "psnr" else f"{values.mean():.3f}",
            (0.99, place),
            xycoords=("axes fraction", "data"),
            ha="right",
            va="center",
            fontsize=9,
        )
    axes.set_yticks(range(len(rows)), [row.system for row in rows])
    axes.invert_yaxis()
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_xlabel(f"PSNR gain over {rows[0].system} (dB)" if measure == "psnr" else "SSIM")
    axes.margins(x=0.15)
    return _closed(figure)


def curves(log: Sequence[Mapping[str, Any]], names: Mapping[str, Sequence[str]], columns: int = 3) -> Figure:
    """Draw logged losses against the step, one panel for each stage or group.

    Args:
        log: Lines of a run's log.
        names: Panel title, which begins with the stage's name, to the losses it shows.
        columns: Panels per row.
    """
    if not log:
        raise ValueError(
            "no log to draw: this result was recorded without its log.jsonl. Record it from its run folder."
        )
    rows = -(-len(names) // columns)
    # As wide as a page's column: a wider figure would be reduced there, and its letters with it.
    figure, grid = plt.subplots(rows, columns, figsize=(2.4 * columns, 2.4 * rows), squeeze=False, layout="constrained")
    for axes in grid.flat[len(names) :]:
        axes.axis("off")
    for axes, (title, losses) in zip(grid.flat, names.items(), strict=False):
        stage = title.split(":")[0].split()[0]
        for number, name in enumerate(losses):
            points = [(line["step"], line[name]) for line in log if line["stage"] == stage and name in line]
            if points:
                axes.plot(*zip(*points, strict=True), color=COLOURS[number], label=name, linewidth=1.2)
        axes.set_title(title, fontsize=9)
        axes.set_xlabel("step", fontsize=8)
        axes.tick_params(labelsize=8)
        legend_above(axes)
    return _closed(figure)


def training_curves(log: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw the log of a whole run: SR's loss, then terms and judges of stage one and of the joint stage."""
    return curves(
        log,
        {
            "pretrain: SR": ["SR"],
            "first: the game": ["LR gan", "D1"],
            "first: the ties": ["LR cycle", "LR identity", "LR tv"],
            "joint: the LR game": ["LR gan", "D1"],
            "joint: the HR game": ["HR gan", "D2"],
            "joint: the ties": ["HR cycle", "HR identity", "HR tv", "LR cycle"],
        },
    )


def gallery(study: Recorded, extra: Mapping[str, Tensor], columns: int = 4) -> Figure:
    """Show the running example as each variant of a study restores it, after ``extra`` images for comparison."""
    variants = {label: read_image(study.folder / f"{slug(label)}.png") for label in study.data["variants"]}
    return show({**extra, **variants}, columns=columns, size=2.2)


def study_bars(study: Recorded) -> Figure:
    """Draw the mean PSNR of every variant of a study; the dashed line is the input as it is."""
    means = {label: statistics.fmean(m["psnr"].values()) for label, m in study.data["variants"].items()}
    label = "LR PSNR (dB)" if study.data["measures"] == "lr" else "PSNR (dB)"
    return bars(means, label, reference=statistics.fmean(study.data["untouched"].values()))


def signal_against_psnr(study: Recorded, signals: Sequence[str] = ("mismatch", "residue")) -> Figure:
    """Draw every checkpoint of the study of signals: the signal, lower taken for better, against the paired PSNR.

    Filled marks are averaged weights, rings those of the last step. Above each panel stands Spearman's rho, pooled.
    """
    figure, grid = plt.subplots(
        1, len(signals), figsize=(3.6 * len(signals), 3.2), squeeze=False, sharey=True, layout="constrained"
    )
    for axes, signal in zip(grid.flat, signals, strict=True):
        for colour, (label, variant) in zip(COLOURS, study.data["variants"].items(), strict=False):
            for weights, face in (("last", "none"), ("average", colour)):
                rows = [row for row in variant["checkpoints"] if row["weights"] == weights]
                axes.scatter(
                    [row[signal] for row in rows],
                    [row["psnr"] for row in rows],
                    s=14,
                    edgecolors=colour,
                    facecolors=face,
                    linewidths=0.8,
                    label=label if weights == "average" else None,
                )
        rho = study.data["rho"]["pooled"][signal]
        axes.set_title(f"{signal}: " + ("ranks nothing" if rho is None else f"$\\rho$ = {rho:.2f}"), fontsize=9)
        axes.set_xlabel(f"{signal}, without pairs", fontsize=8)
        axes.tick_params(labelsize=8)
    grid[0, 0].set_ylabel("LR PSNR (dB), with pairs", fontsize=8)
    grid[0, 0].legend(fontsize=7, frameon=False)
    return _closed(figure)


def bars(values: Mapping[str, float], label: str, reference: float | None = None, digits: int = 2) -> Figure:
    """Draw one horizontal bar per entry; ``reference`` is a dashed line to compare with."""
    figure, axes = plt.subplots(figsize=(6.4, 0.36 * len(values) + 0.8), layout="constrained")
    places = range(len(values))
    axes.barh(places, list(values.values()), color=COLOURS[0], alpha=0.7)
    low, high = min(values.values()), max(values.values())
    margin = 0.25 * (high - low or abs(high) or 1)
    axes.set_xlim(low - margin, high + margin)
    for place, value in zip(places, values.values(), strict=True):
        axes.annotate(
            f"{value:.{digits}f}",
            (value, place),
            xytext=(3, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},  # the dashed line may pass behind it
        )
    if reference is not None:
        axes.axvline(reference, color=COLOURS[1], linestyle="--", linewidth=1)
    axes.set_yticks(places, list(values))
    axes.tick_params(labelsize=8)
    axes.invert_yaxis()
    axes.set_xlabel(label, fontsize=9)
    return _closed(figure)


def influence_maps(maps: Mapping[str, Tensor]) -> Figure:
    """Show how strongly each input pixel moves one output pixel (`architectures.influence`), on a logarithmic scale."""
    figure, grid = plt.subplots(1, len(maps), figsize=(2.7 * len(maps), 2.9), squeeze=False, layout="constrained")
    for axes, (label, influence) in zip(grid.flat, maps.items(), strict=True):
        shown = torch.where(influence > 0, influence / influence.max(), torch.nan).log10()
        axes.imshow(shown.numpy(), cmap="viridis", interpolation="nearest")
        axes.set_facecolor("#eeeeee")
        axes.set_title(label, fontsize=9)
        axes.tick_params(labelsize=7)
    return _closed(figure)


def judged_places(judges: Mapping[str, Judged], down: float, across: float) -> Figure:
    """Frame what the outputs nearest to one place of the pictures look at; below each, the output in its map.

    Args:
        judges: What each judge looks at, by what it is.
        down: Share of the height.
        across: Share of the width.
    """
    figure, grid = plt.subplots(2, len(judges), figsize=(2.7 * len(judges), 4.4), squeeze=False, layout="constrained")
    for (above, below), (label, judged) in zip(grid.T, judges.items(), strict=True):
        cell = judged.cell_at(down, across)
        (top, bottom), (left, right) = judged.seen(cell)
        show_in(above, judged.image, label)
        for colour, width in (("black", 3), ("white", 1)):
            corner, sides = (left - 0.5, top - 0.5), (right - left + 1, bottom - top + 1)
            above.add_patch(Rectangle(corner, *sides, fill=False, edgecolor=colour, linewidth=width))
        map_of = torch.zeros(judged.cells)
        map_of[cell] = 1
        below.imshow(map_of.numpy(), cmap="Blues", interpolation="nearest")
        below.set_title(f"score {cell[0]}, {cell[1]} of {judged.cells[0]}×{judged.cells[1]}", fontsize=9)
        below.set_xticks([])
        below.set_yticks([])
    return _closed(figure)


def moment(image: Tensor, points: Sequence[tuple[float, float]], now: int, label: str) -> Figure:
    """Show one picture of a training and, beside it, where on the curve of ``points`` (step, gain in dB) it stands."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(6.4, 2.9), layout="constrained")
    show_in(left, image, label)
    right.plot(*zip(*points, strict=True), color=COLOURS[0], linewidth=1.2)
    right.plot(*points[now], "o", color=COLOURS[1])
    right.axhline(0, color="black", linestyle="--", linewidth=0.8)
    right.set_ylim(bottom=min(-1, points[now][1]))
    right.set_xlabel("step", fontsize=8)
    right.set_ylabel("gain over bicubic (dB)", fontsize=8)
    right.tick_params(labelsize=8)
    return _closed(figure)


def score_map(scores_of: Mapping[str, Tensor], size: float = 2.4) -> Figure:
    """Show a discriminator's map of scores, (1, 1, i, j): 1 is real, 0 is fake."""
    figure, grid = plt.subplots(
        1, len(scores_of), figsize=(size * len(scores_of) + 0.5, size), squeeze=False, layout="constrained"
    )
    for axes, (label, scores_map) in zip(grid.flat, scores_of.items(), strict=True):
        shown = axes.imshow(scores_map[0, 0].detach().float().numpy(), vmin=0, vmax=1, cmap="viridis")
        axes.set_title(label, fontsize=label_points(scores_of, size * len(scores_of), size))
        axes.axis("off")
    figure.colorbar(shown, ax=list(grid.flat), label="0 fake, 1 real", shrink=0.8)
    return _closed(figure)


class Card:
    """A folded line below a figure or table that says where its networks or numbers come from."""

    def __init__(self, line: str, what: str = "this") -> None:
        self.line = line
        self.what = what

    def _repr_html_(self) -> str:
        line = f"<p>{html.escape(self.line)}</p>"
        summary = f"<summary>Where {html.escape(self.what)} comes from</summary>"
        return f'<details class="provenance">{summary}{line}</details>'

    def __repr__(self) -> str:
        return self.line


def card(source: Trained | Recorded, what: str = "this") -> Card:
    """Return the provenance of trained networks or of a recorded result, to end a cell with.

    Where several stand below each other, each says ``what`` it is of.

    Raises:
        ValueError: The networks were trained at smoke.
    """
    if isinstance(source, Recorded):
        return Card(source.caption(), what)
    refuse_smoke(source.preset.name)
    return Card(caption(source.preset.name, source.facts), what)


def refuse_smoke(preset_name: str) -> None:
    """Raise `ValueError` for the smoke preset: its networks know nothing, and a picture of them would teach nothing."""
    if preset_name == "smoke":
        raise ValueError("these networks were trained at smoke, which proves that code runs; they are never shown.")
