"""Pictures of the comparison: systems by two scores at a time, by their size, as a degradation or a training grows.

As in `figures`, nothing here measures: the studies `table`, `ablations`, `degradations` and `budget` do.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from torch import Tensor

from .experiments import Recorded
from .figures import COLOURS, show
from .images import read_image

_UNITS = {"psnr": "PSNR (dB)", "ssim": "SSIM", "vif": "VIF"}
# What grows along the axis of each sweep; the quality of a JPEG falls.
_SWEPT = {
    "blur": "sigma (HR pixels)",
    "correlated noise": "standard deviation (1/255)",
    "white noise": "standard deviation (1/255)",
    "shift": "largest shift (HR pixels)",
    "shift, aligned": "largest shift (HR pixels)",
    "jpeg": "quality",
}
_MARKS = "osD^vPX"
# Where a number may stand beside its point: so far away, in points, and in these directions, the first that is free.
_AWAY = (9.5, 17.0, 25.0, 33.0)
_DIRECTIONS = [np.array([math.cos(a), math.sin(a)]) for a in np.radians([25, 155, -25, -155, 90, -90, 0, 180])]
_POINT = np.array([3.0, 3.0])


def shown(result: Recorded, without: Collection[str] = ()) -> list[Mapping[str, Any]]:
    """Return the lines of a recorded comparison that may be shown: systems that have learnt enough to be judged.

    Those whose keys are in ``without`` are left out.
    """
    return [line for line in result.data["table"] if line["admitted"] and line["key"] not in without]


def score_against_score(result: Recorded, pairs: Sequence[tuple[str, str]], without: Collection[str] = ()) -> Figure:
    """Draw every system of a comparison as a numbered point, one panel for each pair of scores (across, up).

    What would lie so far off that the others fell together can be left out, by its key.
    """
    lines = shown(result, without)
    figure, grid = plt.subplots(
        1, len(pairs), figsize=(3.9 * len(pairs), 3.4 + 0.17 * len(lines)), squeeze=False, layout="constrained"
    )
    for axes, (across, up) in zip(grid.flat, pairs, strict=True):
        _points(axes, [line[across] for line in lines], [line[up] for line in lines], lines)
        axes.set_xlabel(_UNITS[across], fontsize=9)
        axes.set_ylabel(_UNITS[up], fontsize=9)
    return _with_key_and_numbers(figure, grid.flat)


def cost(result: Recorded, without: Collection[str] = ()) -> Figure:
    """Draw the gain over bicubic, PSNR, against the number of weights that enlarge; all were trained for equal time."""
    bicubic, *others = shown(result, without)
    figure, axes = plt.subplots(figsize=(5.2, 3.4 + 0.17 * len(others)), layout="constrained")
    weights = [line["parameters"]["used"] for line in others]
    _points(axes, weights, [line["psnr"] - bicubic["psnr"] for line in others], others)
    axes.axhline(0, color=COLOURS[1], linestyle="--", linewidth=1)
    axes.set_xscale("log")
    axes.set_xlabel("weights of what enlarges", fontsize=9)
    axes.set_ylabel("PSNR over bicubic (dB)", fontsize=9)
    return _with_key_and_numbers(figure, [axes])


def _points(axes: Axes, across: Sequence[float], up: Sequence[float], lines: Sequence[Mapping[str, Any]]) -> None:
    for number, (a, u, line) in enumerate(zip(across, up, lines, strict=True), start=1):
        # What saw real pairs is hollow: a mark to look up to, not a rival.
        colour = COLOURS[1] if line["key"] == "cincgan" else COLOURS[0]
        face = "white" if line["sees_pairs"] else colour
        label = f"{number}  {line['system']}{' (saw pairs)' if line['sees_pairs'] else ''}"
        axes.plot(a, u, "o", color=colour, markerfacecolor=face, markersize=5, label=label)
    axes.margins(0.12)
    axes.grid(linewidth=0.3)
    axes.tick_params(labelsize=8)


def _with_key_and_numbers(figure: Figure, panels: Iterable[Axes]) -> Figure:
    """Name the points below the panels, and number them in each, once the panels have their final size."""
    panels = list(panels)
    _with_key(figure, panels[0])
    figure.draw_without_rendering()
    for axes in panels:
        marks = [handle for handle in axes.get_legend_handles_labels()[0] if isinstance(handle, Line2D)]
        points = [tuple(np.asarray(mark.get_xydata())[0].tolist()) for mark in marks]
        _number(axes, points, 72 / figure.dpi)
    return figure


def _with_key(figure: Figure, axes: Axes) -> Figure:
    """Name below the panels what the marks of one of them mean, and hand the figure over."""
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, fontsize=7.5, frameon=False, handlelength=1)
    plt.close(figure)
    return figure


def _number(axes: Axes, points: Sequence[tuple[float, float]], points_per_pixel: float) -> None:
    """Write each point's number next to it, where it hides no point and no other number; a thin line leads further."""
    places = axes.transData.transform(points) * points_per_pixel
    taken = [(place, _POINT) for place in places]
    for number, (point, place) in enumerate(zip(points, places, strict=True), start=1):
        size = np.array([2.8 * len(str(number)), 4.0])  # half of it, in points, at this size of letters
        steps = [radius * direction for radius in _AWAY for direction in _DIRECTIONS]
        step = next((s for s in steps if not any(_meet(place + s, size, *other) for other in taken)), steps[0])
        taken.append((place + step, size))
        axes.annotate(
            str(number),
            point,
            xytext=(float(step[0]), float(step[1])),
            textcoords="offset points",
            fontsize=8,
            ha="center",
            va="center",
            arrowprops={"arrowstyle": "-", "linewidth": 0.5, "color": "grey"} if np.hypot(*step) > _AWAY[0] else None,
        )


def _meet(one: np.ndarray, its_half: np.ndarray, other: np.ndarray, other_half: np.ndarray) -> bool:
    """Say whether two rectangles, each a middle and half its sides, overlap."""
    return bool((np.abs(one - other) < its_half + other_half).all())


def sweeps(result: Recorded, chosen: Sequence[str], columns: int = 3) -> Figure:
    """Draw the gain over bicubic, PSNR, as each degradation grows: a panel for a sweep, a line for a system.

    Args:
        result: Of the study `degradations`.
        chosen: Keys of the systems to draw.
        columns: Panels in a row.
    """
    found = result.data["sweeps"]
    rows = -(-len(found) // columns)
    figure, grid = plt.subplots(
        rows, columns, figsize=(2.4 * columns, 2.4 * rows + 0.5), squeeze=False, layout="constrained"
    )
    for axes in grid.flat[len(found) :]:
        axes.set_visible(False)
    for axes, (sweep, points) in zip(grid.flat, found.items(), strict=False):
        axes.axhline(0, color="grey", linestyle="--", linewidth=1)
        for number, key in enumerate(chosen):
            axes.plot(
                points["values"],
                [psnr - bicubic for psnr, bicubic in zip(points["psnr"][key], points["psnr"]["bicubic"], strict=True)],
                f"-{_MARKS[number % len(_MARKS)]}",
                color=COLOURS[number % len(COLOURS)],
                markersize=3.5,
                linewidth=1.2,
                label=result.data["systems"][key],
            )
        if sweep == "jpeg":
            axes.invert_xaxis()  # so that to the right it grows worse, as in the others
        axes.set_title(sweep, fontsize=9)
        axes.set_xlabel(_SWEPT.get(sweep, ""), fontsize=8)
        axes.set_ylabel("over bicubic (dB)", fontsize=8)
        axes.tick_params(labelsize=8)
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    plt.close(figure)
    return figure


def spending(result: Recorded, chosen: Sequence[str]) -> Figure:
    """Draw the gain over bicubic, PSNR, against training seconds: a point for a training, a line for a system.

    Hollow marks for what saw real pairs. Where a system had not learnt enough to be judged, it has no point.

    Args:
        result: Of the study `budget`.
        chosen: Keys of the systems to draw.

    Raises:
        ValueError: A system was not run, such as one whose package was not installed.
    """
    points = result.data["points"]
    seconds = [point["budget_seconds"] for point in points]
    tables = [{line["key"]: line for line in point["table"]} for point in points]
    everywhere = [key for key in tables[-1] if all(key in table for table in tables)]
    if missing := [key for key in chosen if key not in everywhere]:
        raise ValueError(f"{result.name}: not run: {', '.join(missing)}. There are {', '.join(everywhere)}.")
    figure, axes = plt.subplots(figsize=(5.2, 4.4), layout="constrained")
    axes.axhline(0, color="grey", linestyle="--", linewidth=1)
    for number, key in enumerate(chosen):
        gains = [t[key]["psnr"] - t["bicubic"]["psnr"] if t[key]["admitted"] else math.nan for t in tables]
        line, colour = tables[-1][key], COLOURS[number % len(COLOURS)]
        axes.plot(
            seconds,
            gains,
            f"-{_MARKS[number % len(_MARKS)]}",
            color=colour,
            markerfacecolor="white" if line["sees_pairs"] else colour,
            markersize=4.5,
            linewidth=1.2,
            label=f"{line['system']}{' (saw pairs)' if line['sees_pairs'] else ''}",
        )
    axes.set_xscale("log")
    axes.set_xticks(seconds, [f"{second:.3g}" for second in seconds], minor=False)
    axes.minorticks_off()
    axes.set_xlabel("training seconds", fontsize=9)
    axes.set_ylabel("PSNR over bicubic (dB)", fontsize=9)
    axes.grid(linewidth=0.3)
    axes.tick_params(labelsize=8)
    return _with_key(figure, axes)


def gallery(
    result: Recorded, chosen: Sequence[str] | None = None, extra: Mapping[str, Tensor] | None = None, columns: int = 4
) -> Figure:
    """Show the running example as each system of a comparison restores it, ``extra`` images first.

    Args:
        result: Of the study `table` or `ablations`.
        chosen: Keys of the systems; left out, all that may be shown.
        extra: Images in [0, 1] by their label.
        columns: Pictures in a row.
    """
    return show({**(extra or {}), **restored(result, chosen)}, columns=columns, size=2.0)


def restored(result: Recorded, chosen: Sequence[str] | None = None) -> dict[str, Tensor]:
    """Return the running example as each system restores it, (3, h, w) in [0, 1]; ``chosen`` as for `gallery`."""
    named = {line["key"]: line["system"] for line in shown(result)}
    keys = list(named) if chosen is None else [key for key in chosen if key in named]
    return {named[key]: read_image(result.folder / f"{key}.png") for key in keys}
