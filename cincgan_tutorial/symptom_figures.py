"""Pictures of the FAQ: a run with a symptom beside a healthy one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .experiments import Recorded, slug
from .figures import COLOURS, show_in
from .images import read_image
from .training.alarms import LEVELS


def symptom(study: Recorded, label: str, curve: str = "", to: str = "healthy") -> Figure:
    """Show a run of the study of symptoms beside one without the symptom: the running example, and a logged number.

    Args:
        study: The recorded study.
        label: The run with the symptom; one that was stopped has no picture.
        curve: What of the log gives it away, drawn against the step; left out, there is no such number. Where the alarm
            of this name goes off is a dashed line.
        to: The run without the symptom.
    """
    runs = (to, label)
    pictures = runs if study.data["variants"][label]["stopped"] is None else ()
    widths = [1.0] * len(pictures) + [1.5] * bool(curve)
    figure, grid = plt.subplots(
        1, len(widths), figsize=(2.3 * sum(widths), 2.5), squeeze=False, layout="constrained", width_ratios=widths
    )
    for axes, name in zip(grid.flat, pictures, strict=False):
        show_in(axes, read_image(study.folder / f"{slug(name)}.png"), name)
    if curve:
        _logged(grid.flat[-1], {name: study.data["variants"][name]["log"] for name in runs}, curve, LEVELS.get(label))
    plt.close(figure)
    return figure


# No loss of a run that goes well comes near it.
_EXPLODED = 1e6


def _logged(axes: Axes, logs: Mapping[str, Sequence[Mapping[str, Any]]], curve: str, level: float | None) -> None:
    for colour, (name, log) in zip(COLOURS, logs.items(), strict=False):
        points = [(line["step"], line[curve]) for line in log if curve in line]
        axes.plot(*zip(*points, strict=True), color=colour, label=name, linewidth=1.2)
    if level is not None:
        axes.axhline(level, color="grey", linestyle="--", linewidth=1)
    if any(line.get(curve, 0) > _EXPLODED for log in logs.values() for line in log):
        axes.set_yscale("log")
    axes.set_title(curve, fontsize=9)
    axes.set_xlabel("step", fontsize=8)
    axes.tick_params(labelsize=8)
    axes.legend(fontsize=7, frameon=False)
