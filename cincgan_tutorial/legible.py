"""Letters in figures that can be read where the figure is reduced, on a phone above all, and that cover no data."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from matplotlib.axes import Axes

# A phone's screen is 3.7 inches wide, and six points are the least that is read there: 6 / 3.7 points for each inch of
# the figure, and a little more.
_POINTS_PER_INCH = 1.7
_POINTS_AT_LEAST = 9.0
# Width of a letter of matplotlib's font, as a share of its size.
_LETTER = 0.62


def label_points(labels: Iterable[str], width: float, panel: float) -> float:
    """Size of the labels of a figure, in points: what a phone still shows, if it fits above the panel.

    Args:
        labels: Above the panels; a command of TeX counts as one letter.
        width: Of the figure, in inches.
        panel: Width of one panel, in inches.
    """
    longest = max(len(re.sub(r"\\\w+", "x", line.replace("$", ""))) for label in labels for line in label.split("\n"))
    fitting = 72 * panel / (_LETTER * max(longest, 1))
    return max(_POINTS_AT_LEAST, min(_POINTS_PER_INCH * width, fitting))


# Heights in shares of the axes: of one line of a legend at 7 points, and of the gap above and below.
_LEGEND_LINE, _LEGEND_GAP = 0.13, 0.06


def legend_above(axes: Axes) -> None:
    """Name the curves in two columns, with room made for the names above the highest point."""
    names = axes.get_legend_handles_labels()[1]
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + (high - low) * (_LEGEND_GAP + _LEGEND_LINE * math.ceil(len(names) / 2)))
    axes.legend(loc="upper center", ncols=2, fontsize=7, frameon=False, handlelength=1.2, columnspacing=1)
