"""Pictures of how results are scored: one result under many protocols, and what a shift does to a score.

As in `figures`, nothing here measures: `protocols.scored` and `experiments.scores_by_shift` do.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from .experiments import shift_that_costs
from .figures import COLOURS
from .images import Images
from .protocols import PROTOCOLS
from .training import validation

ByShift = Mapping[str, Mapping[int, float]]

# Unit, its name on the axis, and what is shown beyond the marks at least, so that nothing looks large that is not.
_UNITS = {"dB": ("dB, higher is better", 0.5), "": ("no unit", 0.05), "1/255": ("levels of 255", 0.5)}
_MARKS = "osD^vP"


def one_result(results: Mapping[str, Mapping[str, float]]) -> Figure:
    """Draw what each protocol says of each result: a row for a protocol, a mark for a result, a panel for a unit.

    Args:
        results: Scores from `protocols.scored` by the result's name; all by the same protocols.
    """
    names = list(next(iter(results.values())))
    panels = {unit: [name for name in names if PROTOCOLS[name].unit == unit] for unit in _UNITS}
    panels = {unit: members for unit, members in panels.items() if members}
    figure, grid = plt.subplots(
        1,
        len(panels),
        figsize=(2.4 * len(panels), 0.4 * max(map(len, panels.values())) + 1.4),
        squeeze=False,
        layout="constrained",
    )
    for axes, (unit, members) in zip(grid.flat, panels.items(), strict=True):
        for number, (result, scores) in enumerate(results.items()):
            # Below each other, so that equal scores don't hide each other.
            drop = 0.5 * ((number + 0.5) / len(results) - 0.5)
            axes.plot(
                [scores[name] for name in members],
                [row + drop for row in range(len(members))],
                _MARKS[number % len(_MARKS)],
                color=COLOURS[number % len(COLOURS)],
                label=result,
                markersize=5,
            )
        axes.set_yticks(range(len(members)), [_label(name, unit) for name in members])
        axes.set_ylim(len(members) - 0.5, -0.5)
        label, beyond = _UNITS[unit]
        shown = [scores[name] for scores in results.values() for name in members]
        axes.set_xlim(min(shown) - beyond, max(shown) + beyond)
        axes.grid(axis="y", linewidth=0.4)
        axes.tick_params(labelsize=8)
        axes.set_xlabel(label, fontsize=9)
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), fontsize=8, frameon=False)
    plt.close(figure)
    return figure


def _label(name: str, unit: str) -> str:
    if unit == "dB":
        return name
    return f"{name} {'↑' if PROTOCOLS[name].higher_is_better else '↓'}"


def shift_curves(curves: Mapping[str, ByShift], loss: float | None = None) -> Figure:
    """Draw the score of each photograph's result against the shift of its input, one panel a photograph.

    The first protocol is the one that does not align: a dot marks its score without a shift, where all protocols meet.

    Args:
        curves: From `experiments.scores_by_shift`, by the photograph's name.
        loss: Where given, a dotted line lies this many dB below the dot, and a cross marks where the curve meets it.
    """
    figure, grid = plt.subplots(
        1, len(curves), figsize=(3.7 * len(curves), 3.1), squeeze=False, sharey=True, layout="constrained"
    )
    for axes, (photograph, curve) in zip(grid.flat, curves.items(), strict=True):
        for number, (name, scores) in enumerate(curve.items()):
            style = "-" if number == 0 else "--"
            axes.plot(list(scores), list(scores.values()), style, color=COLOURS[number % len(COLOURS)], label=name)
        unaligned = next(iter(curve.values()))
        if 0 in unaligned:
            axes.plot(0, unaligned[0], "o", color=COLOURS[0], label="no shift")
        if loss is not None:
            axes.axhline(unaligned[0] - loss, color="black", linestyle=":", linewidth=1, label=f"{loss:.2f} dB lost")
            met = shift_that_costs(unaligned, loss)
            if met is not None:
                axes.plot(met, unaligned[0] - loss, "x", color="black", markersize=8)
                axes.annotate(
                    f"{met:.1f}", (met, unaligned[0] - loss), xytext=(4, 5), textcoords="offset points", fontsize=8
                )
        axes.set_title(photograph, fontsize=9)
        axes.set_xlabel("shift of the input (HR pixels)", fontsize=8)
        axes.tick_params(labelsize=8)
    grid[0, 0].set_ylabel("PSNR (dB)", fontsize=8)
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), fontsize=8, frameon=False)
    plt.close(figure)
    return figure


def spectra(images: Mapping[str, Images]) -> Figure:
    """Draw how much power each image has from coarse to fine, in dB, mean over colours.

    Args:
        images: By the name of the curve, (1, 3, h, w) each.
    """
    side = validation.window_of(images.values())
    figure, axes = plt.subplots(figsize=(5.6, 3.0), layout="constrained")
    for colour, (name, image) in zip(COLOURS, images.items(), strict=False):
        powers = 10 / math.log(10) * validation.log_powers([image], side).mean(0)
        rings = range(validation.first_ring(side), validation.first_ring(side) + len(powers))
        axes.plot([ring / side for ring in rings], powers, color=colour, label=name)
    axes.axvline(0.5, color="grey", linestyle=":", linewidth=1)
    axes.set_xlabel("waves per pixel, from coarse to fine", fontsize=10)
    axes.set_ylabel("power (dB)", fontsize=10)
    axes.tick_params(labelsize=10)
    axes.legend(fontsize=10, frameon=False)
    plt.close(figure)
    return figure
