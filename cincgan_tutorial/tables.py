"""Tables and sentences for the chapters, made from recorded numbers: nothing measured is ever typed into prose."""

from __future__ import annotations

import itertools
import re
import statistics
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from .experiments import Recorded, Row, mean_over_seeds, rows_of, rows_of_seeds, table
from .experiments.comparison import why_not_shown
from .experiments.paper import TABLE_1, counterpart
from .protocols import PROTOCOLS


class Markdown:
    """Text that a notebook renders and a terminal prints."""

    def __init__(self, text: str) -> None:
        self.text = text

    def _repr_markdown_(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return self.text


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]], texts: int = 1) -> Markdown:
    """Return a table whose first columns, as many as ``texts``, are text and whose others are numbers."""
    lines = [header, [":--"] * texts + ["--:"] * (len(header) - texts), *rows]
    return Markdown("\n".join(f"| {' | '.join(line)} |" for line in lines))


def of_build(facts: Mapping[str, Any]) -> Markdown:
    """Return commit, date, device and versions of a running program, one to a row (`provenance.provenance`)."""
    known = {"commit": facts["commit"], "date": facts["date"], "device": facts["device"], "command": facts["command"]}
    rows = [[name, f"`{value}`"] for name, value in {**known, **facts["versions"]}.items()]
    return markdown_table(["What", "Of this build"], rows, texts=2)


def scores(rows: Sequence[Row]) -> Markdown:
    """Return mean PSNR, gain over the first row, and SSIM of each system."""
    return Markdown(table(rows))


def of_protocols(results: Mapping[str, Mapping[str, float]]) -> Markdown:
    """Return what each protocol says of each result (from `protocols.scored`), one protocol a line.

    An arrow says which way is better.
    """
    lines = []
    for name in next(iter(results.values())):
        protocol = PROTOCOLS[name]
        unit = f" ({protocol.unit})" if protocol.unit else ""
        label = f"`{name}`{unit} {'↑' if protocol.higher_is_better else '↓'}"
        lines.append([label, protocol.line, *(protocol.shown(scores[name]) for scores in results.values())])
    return markdown_table(["Protocol", "What it does", *results], lines, texts=2)


def best_of(result: Recorded, denoiser: str) -> Row:
    """Return the row of a denoiser at the noise level at which it scored best on the recorded photographs."""
    rows = [row for row in rows_of(result) if row.system.startswith(f"{denoiser}(")]
    return max(rows, key=lambda row: row.mean_psnr)


def beside_the_paper(ours: Sequence[Row]) -> Markdown:
    """Return our scores with the paper's in columns of their own, then the paper's rows without a counterpart."""
    lines = []
    for row in ours:
        scores = [f"{row.mean_psnr:.2f}", f"{row.mean_psnr - ours[0].mean_psnr:+.2f}", f"{row.mean_ssim:.3f}"]
        lines.append([row.system, *scores, *_of_paper(counterpart(row.system))])
    for name in _not_among({counterpart(row.system) for row in ours}):
        lines.append([f"*{name}*", *["–"] * 3, *_of_paper(name)])
    header = ["System", "PSNR (dB)", "gain", "SSIM", "paper's PSNR (dB)", "paper's gain", "paper's SSIM"]
    return markdown_table(header, lines)


def of_comparison(result: Recorded) -> Markdown:
    """Return the systems of a recorded comparison with the paper's scores in columns of their own.

    The rows of the paper that have no counterpart follow, then what was not admitted or left out, each with the reason.
    """
    lines, below = [], []
    bicubic = result.data["table"][0]["psnr"]
    for line in result.data["table"]:
        if not line["admitted"]:
            below.append(f"* {why_not_shown(line)}")
            continue
        pairs = "x and z" if line["sees_pairs"] else ""
        scores = [f"{line['psnr']:.2f}", f"{line['psnr'] - bicubic:+.2f}", f"{line['ssim']:.3f}", f"{line['vif']:.3f}"]
        lines.append([line["system"], pairs, *scores, *_of_paper(line["paper"])[:2]])
    for name in _not_among({line["paper"] for line in result.data["table"] if line["admitted"]}):
        lines.append([f"*{name}*", "", *["–"] * 4, *_of_paper(name)[:2]])
    below += [f"* {system} is left out: {reason}." for system, reason in result.data.get("left_out", {}).items()]
    header = ["System", "Pairs", "PSNR (dB)", "gain", "SSIM", "VIF", "paper's PSNR (dB)", "paper's gain"]
    return Markdown("\n".join([repr(markdown_table(header, lines, texts=2)), "", *below]))


def _of_paper(system: str) -> list[str]:
    """Return PSNR, gain over bicubic and SSIM as the paper prints them; dashes where its table has no such row."""
    for row in TABLE_1:
        if row.system == system:
            return [f"{row.psnr:.2f}", f"{row.psnr - TABLE_1[0].psnr:+.2f}", f"{row.ssim:.2f}"]
    return ["–"] * 3


def _not_among(named: Collection[str]) -> list[str]:
    """Return the systems of the paper's table that are not among those named, in its order."""
    return [row.system for row in TABLE_1 if row.system not in named]


def of_places(results: Mapping[str, Recorded]) -> Markdown:
    """Return what each system of a comparison gains over bicubic on several sets of photographs, a column for each.

    A dash stands where a system was not admitted. Below stands bicubic itself.
    """
    places = {place: {line["key"]: line for line in result.data["table"]} for place, result in results.items()}
    first = next(iter(places.values()))

    def gain(lines: Mapping[str, Mapping[str, Any]], key: str) -> str:
        return f"{lines[key]['psnr'] - lines['bicubic']['psnr']:+.2f}" if lines[key]["admitted"] else "–"

    rows = [
        [line["system"], "x and z" if line["sees_pairs"] else "", *(gain(lines, key) for lines in places.values())]
        for key, line in first.items()
        if key != "bicubic"
    ]
    rows.append(["*bicubic, dB*", "", *(f"*{lines['bicubic']['psnr']:.2f}*" for lines in places.values())])
    return markdown_table(["Gain over bicubic (dB)", "Pairs", *places], rows, texts=2)


def of_ablations(result: Recorded, whole: str = "cincgan") -> Markdown:
    """Return each variant's scores, its paired change against the whole, and the steps that its time has bought."""
    runs = next(iter(result.data["runs"].values()))
    lines = []
    for line in result.data["table"]:
        if line["key"] != "bicubic":
            mean, error = paired(runs[line["key"]]["psnr"], runs[whole]["psnr"])
            change = "–" if line["key"] == whole else f"{mean:+.2f} ± {error:.2f}"
            steps = ", ".join(f"{stage}\N{NO-BREAK SPACE}{count}" for stage, count in line["steps"].items())
            scores = [f"{line['psnr']:.2f}", change, f"{line['ssim']:.3f}", f"{line['vif']:.3f}"]
            lines.append([line["system"], steps, *scores])
    return markdown_table(["Variant", "Steps", "PSNR (dB)", "change (dB)", "SSIM", "VIF"], lines, texts=2)


def of_rivals(result: Recorded, key: str, others: Sequence[str], measure: str = "psnr") -> Markdown:
    """Return in words what a system of a recorded comparison gains over others on its first seed.

    Args:
        result: Of the study `table` or `ablations`.
        key: Key of the system.
        others: Keys of those that it is set against.
        measure: "psnr", "ssim" or "vif".
    """
    runs = next(iter(result.data["runs"].values()))
    names = {line["key"]: line["system"] for line in result.data["table"]}
    row = {k: Row(names[k], runs[k]["psnr"], runs[k]["ssim"], {"vif": runs[k]["vif"]}) for k in (key, *others)}
    return Markdown("\n".join(f"* {_compared(row[key], row[other], measure)}" for other in others))


def of_study(study: Recorded, chosen: Sequence[str] | None = None) -> Markdown:
    """Return one line per variant: mean score, paired difference to the first variant, and what else was measured.

    What leaving the input as it is scores stands last. Where some variants are ``chosen``, these stand below the first
    alone.
    """
    variants = study.data["variants"]
    first = next(iter(variants.values()))["psnr"]
    drift = "colour_drift_8bit" in next(iter(variants.values()))
    lines = []
    for label in variants if chosen is None else (next(iter(variants)), *chosen):
        measured = variants[label]
        mean, error = paired(measured["psnr"], first)
        change = "–" if measured["psnr"] is first else f"{mean:+.2f} ± {error:.2f}"
        others = [f"{statistics.fmean(measured[score].values()):.3f}" for score in ("ssim", "vif") if not drift]
        others += [f"{measured['colour_drift_8bit']:.1f}"] if drift else []
        lines.append([label, f"{statistics.fmean(measured['psnr'].values()):.2f}", change, *others])
    if chosen is None:
        mean, error = paired(study.data["untouched"], first)
        name, missing = ("*x as it is*", ["–"]) if study.data["measures"] == "lr" else ("*bicubic*", ["–"] * 2)
        score = statistics.fmean(study.data["untouched"].values())
        lines.append([name, f"{score:.2f}", f"{mean:+.2f} ± {error:.2f}", *missing])
    level = "LR PSNR (dB)" if study.data["measures"] == "lr" else "PSNR (dB)"
    return markdown_table(["Variant", level, "change (dB)", *(["drift (1/255)"] if drift else ["SSIM", "VIF"])], lines)


def settings_of(study: Recorded, label: str) -> Markdown:
    """Return the settings in which a variant of a study differs from its first, as they are typed after ``train``."""
    settings = study.data["variants"][label]["settings"]
    typed = " ".join(f"{name}={str(value).lower() if value is False else value}" for name, value in settings.items())
    return Markdown(f"*Differs from the healthy run by* `--set {typed}`")


def of_grids(study: Recorded) -> Markdown:
    """Return how strong a checkerboard SR adds in each run of the study of symptoms that trained SR alone."""
    rows = [
        [label, f"{variant['grid_8bit']:.2f}"]
        for label, variant in study.data["variants"].items()
        if "grid_8bit" in variant
    ]
    return markdown_table(["Run", "checkerboard (1/255)"], rows)


def of_signals(study: Recorded) -> Markdown:
    """Return Spearman's rho of each signal with the paired PSNR: all runs pooled where there are several, and each."""
    rho = study.data["rho"]
    runs = list(rho) if len(rho) > 2 else list(rho)[1:]
    shown = {run: ["–" if value is None else f"{value:+.2f}" for value in rho[run].values()] for run in runs}
    lines = list(zip(rho["pooled"], *shown.values(), strict=True))
    return markdown_table(["Signal", *runs], lines)


def of_picks(study: Recorded, signal: str = "mismatch") -> Markdown:
    """Return for each run which averaged checkpoint a signal picks, beside the last one and the best there was."""
    lines = []
    for label, variant in study.data["variants"].items():
        rows = [row for row in variant["checkpoints"] if row["weights"] == "average"]
        picked, best = min(rows, key=lambda row: row[signal]), max(rows, key=lambda row: row["psnr"])
        shown = (picked, rows[-1], best)
        lines.append([label, *(f"{row['psnr']:.2f} (step {row['step']})" for row in shown)])
    return markdown_table(["Run", f"picked by {signal}: LR PSNR (dB)", "last", "best"], lines)


def of_gains(results: Mapping[str, Recorded], mean: bool = True) -> Markdown:
    """Return the gain over bicubic of each system in each result, and the mean over these where it makes sense."""
    columns = {name: {row.system: row.mean_psnr for row in rows_of(result)} for name, result in results.items()}
    systems = [system for system in next(iter(columns.values())) if system != "bicubic"]
    gains = {system: [means[system] - means["bicubic"] for means in columns.values()] for system in systems}
    lines = [["*bicubic, dB*", *(f"*{means['bicubic']:.2f}*" for means in columns.values()), *[""] * mean]]
    lines += [[s, *(f"{gain:+.2f}" for gain in own + [statistics.fmean(own)] * mean)] for s, own in gains.items()]
    return markdown_table(["Gain over bicubic (dB)", *columns, *["mean"] * mean], lines)


def of_seeds(result: Recorded) -> Markdown:
    """Return what each system gains over bicubic from every seed, then the spread and the mean over the seeds."""
    runs = rows_of_seeds(result)
    gains = {seed: {row.system: row.mean_psnr - rows[0].mean_psnr for row in rows[1:]} for seed, rows in runs.items()}
    lines = []
    for row in mean_over_seeds(result)[1:]:
        own = [of_seed[row.system] for of_seed in gains.values()]
        lines.append(
            [row.system, f"{statistics.fmean(own):+.2f}", f"{min(own):+.2f} to {max(own):+.2f}", f"{row.mean_ssim:.3f}"]
        )
    return markdown_table(["System", "mean gain (dB)", f"over {len(runs)} seeds", "SSIM"], lines)


def seed_by_seed(result: Recorded, system: str, other: str) -> Markdown:
    """Return in words what one system gains over another from every seed, on the mean of the photographs."""
    gains = []
    for rows in rows_of_seeds(result).values():
        means = {row.system: row.mean_psnr for row in rows}
        gains.append(f"{means[system] - means[other]:+.2f}")
    return Markdown(f"**{system}** over {other}, seed by seed: {', '.join(gains)} dB.")


def seeds_by_result(shipped: Mapping[str, Recorded], more: Mapping[str, Recorded], system: str) -> Markdown:
    """Return what a system gains over bicubic in each result, and the mean over these.

    The first line is of the weights that ship; the others are of the same recipe from other seeds.
    """
    gains: dict[str, list[float]] = {}
    for name, result in shipped.items():
        for seed, rows in [("ships", rows_of(result)), *rows_of_seeds(more[name]).items()]:
            means = {row.system: row.mean_psnr for row in rows}
            gains.setdefault(str(seed), []).append(means[system] - means["bicubic"])
    lines = [[seed, *(f"{gain:+.2f}" for gain in [*own, statistics.fmean(own)])] for seed, own in gains.items()]
    return markdown_table(["Seed", *shipped, "mean"], lines)


def over(rows: Sequence[Row], system: str, other: Row | str, measure: str = "psnr") -> Markdown:
    """Return in words what one system gains over another, photograph by photograph."""
    named = {row.system: row for row in rows}
    return Markdown(_compared(named[system], named[other] if isinstance(other, str) else other, measure))


def of_photographs(rows: Sequence[Row], system: str, other: str) -> Markdown:
    """Return what one system gains over another on every photograph, in PSNR and in SSIM."""
    named = {row.system: row for row in rows}
    one, two = named[system], named[other]
    lines = [
        [name, f"{one.psnr[name] - two.psnr[name]:+.2f}", f"{one.ssim[name] - two.ssim[name]:+.3f}"]
        for name in one.psnr
    ]
    return markdown_table([f"{system} less {other}", "PSNR (dB)", "SSIM"], lines)


def unpaired_share(ours: Row, bicubic: Row, on_pairs: Row) -> Markdown:
    """Return in words which share of the gain that training on pairs reaches a system reaches without them."""
    gain, with_pairs = ours.mean_psnr - bicubic.mean_psnr, on_pairs.mean_psnr - bicubic.mean_psnr
    return Markdown(
        f"Without pairs **{ours.system}** gains {gain:+.2f} dB over bicubic. The same networks trained on pairs gain"
        f" {with_pairs:+.2f} dB: the unpaired share is {gain / with_pairs:.0%}."
    )


def papers_share(of: str = "CinCGAN", on_pairs: str = "EDSR+") -> Markdown:
    """Return the same share from the paper's table."""
    paper = {row.system: row.psnr - TABLE_1[0].psnr for row in TABLE_1}
    return Markdown(
        f"The paper's own figures give a share too: {of} gains {paper[of]:+.2f} dB there, and {on_pairs}, which saw"
        f" real pairs, {paper[on_pairs]:+.2f} dB: {paper[of] / paper[on_pairs]:.0%}."
    )


def paired(a: Mapping[str, float], b: Mapping[str, float]) -> tuple[float, float]:
    """Return mean and standard error of a - b over the photographs that both were scored on."""
    differences = [a[name] - b[name] for name in b]
    error = statistics.stdev(differences) / len(differences) ** 0.5 if len(differences) > 1 else float("nan")
    return statistics.fmean(differences), error


def comparisons(rows: Sequence[Row], measure: str = "psnr") -> Markdown:
    """Return in words what each system gains over the one before it, photograph by photograph; see `of_rivals`."""
    return Markdown("\n".join(f"* {_compared(b, a, measure)}" for a, b in itertools.pairwise(rows)))


def _compared(one: Row, other: Row, measure: str = "psnr") -> str:
    a, b = ({"psnr": row.psnr, "ssim": row.ssim, **row.protocols}[measure] for row in (one, other))
    mean, error = paired(a, b)
    digits, unit = (2, "dB") if measure == "psnr" else (3, f"in {measure.upper()}")
    return (
        f"**{one.system}** against {other.system}: {mean:+.{digits}f} {unit} (standard error {error:.{digits}f}),"
        f" {verdict(mean, error)}; better on {sum(a[name] > b[name] for name in b)} of {len(b)} photographs."
    )


def verdict(mean: float, error: float) -> str:
    """Say in words whether a paired difference is established: at least two standard errors from zero."""
    if abs(mean) >= 2 * error:  # not so for one photograph, whose error is not a number
        return "a gain" if mean > 0 else "a loss"
    return "not established"


class Departure(NamedTuple):
    """Where the library departs from the paper: file and line, the reason, and what measures it.

    That is the variant of a study, or a chapter.
    """

    where: str
    reason: str
    variant: str | None


def departures() -> list[Departure]:
    """Collect the library's comments that begin with ``Departure:``.

    A label in brackets names a study's variant, or the chapter that measures it in another way.
    """
    package = Path(__file__).parent
    found = []
    for path in sorted(package.rglob("*.py")):
        lines = path.read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines, start=1):
            if line.strip().startswith("# Departure:"):
                following = itertools.takewhile(
                    lambda text: text.strip().startswith("#") and not text.strip().startswith("# Departure:"),
                    lines[number:],
                )
                parts = [line.strip().removeprefix("# Departure:"), *(part.strip().lstrip("# ") for part in following)]
                text = " ".join(part.strip() for part in parts)
                label = re.match(r"\[(.+?)\] ", text)
                reason = text[label.end() :] if label else text
                found.append(Departure(f"{path.relative_to(package).as_posix()}:{number}", reason, label and label[1]))
    return found


def of_departures(studies: Sequence[Recorded], rows: Mapping[str, tuple[Row, Row]] | None = None) -> Markdown:
    """Return every departure with its reason and, where it was taken back, what that changed.

    Args:
        studies: Those whose variants take one back each, and whose first variant takes none.
        rows: By label, one system's scores without the departure and with it.
    """
    measured = {label: (without.psnr, kept.psnr, "") for label, (without, kept) in (rows or {}).items()}
    for study in studies:
        level = "LR " if study.data["measures"] == "lr" else ""
        variants = study.data["variants"]
        kept = next(iter(variants.values()))["psnr"]
        measured |= {label: (result["psnr"], kept, level) for label, result in variants.items()}
    lines = ["| What, why and where | Taken back, the mean changes by |", "|:--|--:|"]
    for where, reason, variant in departures():
        effect = "not measured"
        if variant is not None and variant.startswith("chapter "):
            effect = f"see {variant}"
        elif variant is not None:
            without, kept, level = measured[variant]
            mean, error = paired(without, kept)
            effect = f"{mean:+.2f} ± {error:.2f} dB ({level}PSNR)"
        lines.append(f"| {reason} `{where}` | {effect} |")
    return Markdown("\n".join(lines))
