"""Letters in figures that can be read where the figure is reduced, on a phone above all, and that cover no data."""

from __future__ import annotations

import re
from collections.abc import Iterable

from matplotlib.axes import Axes


def label_points(labels: Iterable[str], width: float, panel: float) -> float:
    """Size of the labels of a figure, in points: what a phone, 3.7 inches wide, still shows at six, if it fits.

    Args:
        labels: Above the panels; a command of TeX counts as one letter.
        width: Of the figure, in inches.
        panel: Width of one panel, in inches.
    """
    longest = max(len(re.sub(r"\\\w+", "x", line.replace("$", ""))) for label in labels for line in label.split("\n"))
    return max(9.0, min(1.7 * width, 72 * panel / (0.62 * max(longest, 1))))


def legend_above(axes: Axes) -> None:
    """Name the curves in two columns, with room made for the names above the highest point."""
    names = axes.get_legend_handles_labels()[1]
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + (high - low) * (0.06 + 0.13 * -(-len(names) // 2)))
    axes.legend(loc="upper center", ncols=2, fontsize=7, frameon=False, handlelength=1.2, columnspacing=1)
