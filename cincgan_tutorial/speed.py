"""Chapter 6, speed: what ``make bench`` measured, as a figure and a table."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from .experiments import Recorded
from .figures import COLOURS
from .tables import Markdown, markdown_table


def step_shares(bench: Recorded) -> Figure:
    """Draw the share of every part in a step's time, a bar for each size and stage.

    Forward passes count for their network; "rest" is losses, averages and Python.
    """
    rows = bench.data["rows"]
    figure, axes = plt.subplots(figsize=(6.4, 0.38 * len(rows) + 1.5), layout="constrained")
    begins = [0.0] * len(rows)
    for colour, part in zip(COLOURS, rows[0]["shares"], strict=False):
        shares = [100 * row["shares"][part] for row in rows]
        axes.barh(range(len(rows)), shares, left=begins, color=colour, label=part, edgecolor="white", linewidth=0.5)
        begins = [begin + share for begin, share in zip(begins, shares, strict=True)]
    axes.set_yticks(range(len(rows)), [f"{row['size']}: {row['stage']}" for row in rows], fontsize=11)
    axes.invert_yaxis()
    axes.set_xlim(0, 100)
    axes.set_xlabel("share of the time of a step (%)", fontsize=11)
    axes.tick_params(labelsize=11)
    figure.legend(loc="outside upper center", ncols=4, fontsize=11, frameon=False, handlelength=1.2, columnspacing=1)
    plt.close(figure)
    return figure


def of_steps(benches: Mapping[str, Recorded]) -> Markdown:
    """Return, for each machine, a step's share of the peak and its ratio to the plain loop.

    Args:
        benches: Results of ``make bench`` by what their machine is called; all of the same sizes.
    """
    header = ["Size", "stage"]
    columns = []
    for machine, bench in benches.items():
        header += [f"of peak, {machine}", f"against the plain loop, {machine}"]
        columns.append([[f"{row['share_of_peak']:.0%}", f"{row['ratio']:.1f}x"] for row in bench.data["rows"]])
    first = next(iter(benches.values())).data["rows"]
    lines = [
        [row["size"], row["stage"], *(cell for cells in measured for cell in cells)]
        for row, *measured in zip(first, *columns, strict=True)
    ]
    return markdown_table(header, lines, texts=2)


def of_expected(bench: Recorded) -> Markdown:
    """Return the operations of both loops, the ratio that these and the step's numbers promise, and the measured one.

    So it would be if both loops came equally near to their peaks, that of fp32 and that of the step's numbers.
    """
    peaks, lines = bench.data["matrix_peak"], []
    for row in bench.data["rows"]:
        operations = [f"{row[whose] / 1e9:.0f}" for whose in ("plain_flop", "flop")]
        numbers = peaks[row["precision"]] / peaks["fp32"]
        promised = numbers * row["plain_flop"] / row["flop"]
        found = f"{numbers:.1f}", f"{promised:.1f}x", f"{row['ratio']:.1f}x"
        lines.append([row["size"], row["stage"], *operations, *found])
    header = ["Size", "stage", "GFLOP, plain", "GFLOP, ours", "speed of the step's numbers over 32 bits"]
    return markdown_table([*header, "promised", "measured"], lines, texts=2)


def of_kept_memory(benches: Mapping[str, Recorded]) -> Markdown:
    """Return, for each stage of `lesson`, the pages that a step asks for and how much faster it is where few are new.

    Args:
        benches: Results of ``make bench`` on CPUs by what their machine is called.

    Source: ``benchmarks/apart.py``.
    """
    lines = [
        [machine, row["stage"], f"{row['given_back_pages']:.0f}", f"{row['kept_pages']:.0f}", f"{row['ratio']:.2f}"]
        for machine, bench in benches.items()
        for row in bench.data["apart"]["freed_memory"]
    ]
    header = ["Machine", "stage", "new pages, given back", "new pages, kept", "times as fast"]
    return markdown_table(header, lines, texts=2)


def of_supply(bench: Recorded) -> Markdown:
    """Return how many times as fast as a step uses patches the sampler makes them, and the days of 400,000 steps.

    The days are extrapolated from the seconds of one step.
    """
    lines = [
        [row["size"], row["stage"], f"{row['sampler_ratio']:.0f}x", f"{row['days_for_400000_steps_extrapolated']:.1f}"]
        for row in bench.data["rows"]
    ]
    return markdown_table(["Size", "stage", "sampler alone", "400,000 steps, extrapolated (days)"], lines, texts=2)


def of_memory(bench: Recorded) -> Markdown:
    """Return the most memory that a process held in each stage, in MB, a line for each size."""
    sizes: dict[str, dict[str, str]] = {}
    for row in bench.data["memory"]:
        sizes.setdefault(row["size"], {})[row["stage"]] = f"{row['peak_MB']:.0f}"
    stages = list(next(iter(sizes.values())))
    lines = [[size, *(peaks[stage] for stage in stages)] for size, peaks in sizes.items()]
    return markdown_table(["Size", *(f"{stage} (MB)" for stage in stages)], lines)
