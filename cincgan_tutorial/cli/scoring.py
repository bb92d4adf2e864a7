"""``evaluate``."""

from __future__ import annotations

import argparse
from pathlib import Path

from .. import div2k
from ..degradation import DEGRADATIONS
from ..experiments import (
    DENOISERS,
    System,
    check_name,
    cleaning,
    contact_sheet,
    denoised,
    eightfold,
    evaluate,
    evaluate_pairs,
    evaluation_data,
    keeping,
    looks,
    record,
    systems,
    table,
    table_of_looks,
)
from ..images import replacing
from ..protocols import PROTOCOLS
from ..unpaired import read_photographs
from ..weights import Trained, find_weights
from .command import Command, held_out, networks_of, results_argument, weights_argument


def _evaluate_arguments(p: argparse.ArgumentParser) -> None:
    weights_argument(p)
    p.add_argument(
        "--photos",
        metavar="DIR",
        help="HR photographs no network saw, or DIV2K in its official folders: then its 100 validation pairs, as they"
        " are; left out: the two bundled ones kept for this",
    )
    p.add_argument(
        "--lr-photos",
        metavar="DIR",
        type=Path,
        help="LR photographs as they came, of which there is no clean version: scores without a reference",
    )
    p.add_argument(
        "--sheet",
        metavar="FILE",
        type=Path,
        default=Path("contact-sheet.png"),
        help="with --lr-photos: where the sheet of results goes (default: contact-sheet.png)",
    )
    p.add_argument("--degradation", choices=sorted(DEGRADATIONS), help="default: the one of the training")
    p.add_argument("--shift", action="store_true", help="keep the pixel shift and score at the best alignment")
    p.add_argument("--seed", type=int, default=0, help="seed of blur and noise (default: 0)")
    p.add_argument("--self-ensemble", action="store_true", help="also score the mean of eight turned views of x")
    p.add_argument(
        "--local-mean",
        metavar="N",
        nargs="+",
        type=int,
        default=[],
        help="also score with G1 keeping the mean colour of the NxN pixels around each; 0: free to move it",
    )
    p.add_argument(
        "--denoiser", choices=sorted(DENOISERS), help="also score a denoiser without training, followed by SR"
    )
    p.add_argument(
        "--noise-levels",
        metavar="N",
        nargs="+",
        type=float,
        default=[4, 6, 8, 10, 12, 15, 20],
        help="what the denoiser is told about the noise, in levels of 255 (default: 4 6 8 10 12 15 20)",
    )
    p.add_argument(
        "--protocol",
        metavar="NAME",
        nargs="+",
        choices=PROTOCOLS,
        default=[],
        help="also score by these: " + "; ".join(f"{name}: {protocol.line}" for name, protocol in PROTOCOLS.items()),
    )
    p.add_argument("--record", metavar="NAME", help="also write book/results/NAME, with provenance")
    results_argument(p)


def _evaluate(options: argparse.Namespace) -> int:
    if options.record:
        check_name(options.record)
    if options.photos and div2k.is_official(options.photos):
        return _evaluate_given(options)
    trained = networks_of(options.weights)
    if options.lr_photos:
        return _without_reference(options, trained)
    if trained.facts.get("x_is_lr") and not options.degradation:
        raise ValueError(
            "these weights were trained on LR photographs as they came, and nobody knows how to make more of them from"
            " HR ones: PSNR can't be had. Score without a reference (--lr-photos DIR), or name a --degradation."
        )
    photographs = held_out(options.photos)
    degradation = DEGRADATIONS[options.degradation or trained.preset.degradation]
    if not options.shift:
        degradation = degradation.without_shift()
    chosen = _chosen(options, trained)
    rows = evaluate(trained, photographs, degradation, options.seed, chosen, options.protocol)
    print(f"{len(photographs)} photographs, {degradation.name}{', best shift' if degradation.max_shift else ''}\n")
    print(table(rows))
    if options.record:
        clean = cleaning(trained, photographs, options.seed, degradation)
        data, facts = evaluation_data(trained, rows, clean, degradation, options.seed)
        log = find_weights(options.weights).with_name("log.jsonl")
        files = {log.name: log} if log.is_file() else {}
        where = record(options.record, data, facts, options.results, files)
        print(f"\nRecorded: {where}")
    return 0


def _chosen(options: argparse.Namespace, trained: Trained) -> dict[str, System]:
    """Return the systems that were asked for."""
    chosen = systems(trained)
    if options.self_ensemble:
        chosen |= eightfold(trained)
    for side in options.local_mean:
        chosen |= keeping(trained, side)
    if options.denoiser:
        chosen |= denoised(trained, options.denoiser, options.noise_levels)
    return chosen


def _without_reference(options: argparse.Namespace, trained: Trained) -> int:
    """Say how the results look where no clean version is at hand."""
    if options.photos or options.record or options.degradation or options.shift or options.protocol:
        raise ValueError(
            "--lr-photos: has no reference, so --photos, --record, --degradation, --shift and --protocol don't apply."
        )
    if options.sheet.exists():
        raise ValueError(f"{options.sheet}: exists already and is not overwritten. Choose another --sheet.")
    photographs = read_photographs(options.lr_photos)
    chosen = _chosen(options, trained)
    found = looks(photographs, chosen, trained.preset.scale)
    options.sheet.parent.mkdir(parents=True, exist_ok=True)
    with replacing(options.sheet) as temporary:
        contact_sheet(found, trained.preset.scale).save(temporary, format="PNG")
    seen = set(trained.facts.get("x_photographs", {}).values())
    known = sum(photograph.sha256 in seen for photograph in photographs)
    print(f"{len(photographs)} LR photographs, {known} of them seen in training\n")
    print(table_of_looks(found))
    print(
        "\nPSNR and SSIM can't be had: they compare with a clean version, and there is none. Less noise is good where"
        f" the detail stays, and no number here says whether it does: look at {options.sheet}"
    )
    return 0


def _evaluate_given(options: argparse.Namespace) -> int:
    """Score on the validation pairs of track 2: there is nothing to degrade."""
    if options.degradation or options.shift:
        raise ValueError(f"{options.photos}: pairs, of which x is given. Leave --degradation and --shift out.")
    pairs = div2k.track2_pairs(options.photos)
    trained = networks_of(options.weights)
    chosen = _chosen(options, trained)
    rows = evaluate_pairs(trained, pairs, chosen, options.protocol)
    print(f"{len(pairs)} pairs of {div2k.SOURCE}, x as given, best shift\n")
    print(table(rows))
    if options.record:
        data, facts = evaluation_data(trained, rows, {}, None, options.seed)
        print(f"\nRecorded: {record(options.record, data, facts, options.results)}")
    return 0


EVALUATE = Command(
    "evaluate",
    "score weights on photographs",
    "Degrade photographs, enlarge them with every system, print mean PSNR and SSIM (RGB, border 4).",
    "--weights runs/mine --photos held-out",
    _evaluate_arguments,
    _evaluate,
    needs_less="Take fewer photographs, or cut large ones into parts.",
)
