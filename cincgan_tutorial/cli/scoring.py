"""``evaluate``."""

from __future__ import annotations

import argparse

from .. import div2k
from ..degradation import DEGRADATIONS
from ..experiments import (
    DENOISERS,
    check_name,
    cleaning,
    denoised,
    evaluate,
    evaluate_pairs,
    evaluation_data,
    record,
    systems,
    table,
)
from ..weights import find_weights, load_weights
from .command import Command, held_out, results_argument, weights_argument


def _evaluate_arguments(p: argparse.ArgumentParser) -> None:
    weights_argument(p)
    p.add_argument(
        "--photos",
        metavar="DIR",
        help="HR photographs no network saw, or DIV2K in its official folders: then its 100 validation pairs, as they"
        " are; left out: the two bundled ones kept for this",
    )
    p.add_argument("--degradation", choices=sorted(DEGRADATIONS), help="default: the one of the training")
    p.add_argument("--shift", action="store_true", help="keep the pixel shift and score at the best alignment")
    p.add_argument("--seed", type=int, default=0, help="seed of blur and noise (default: 0)")
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
    p.add_argument("--record", metavar="NAME", help="also write book/results/NAME, with provenance")
    results_argument(p)


def _evaluate(options: argparse.Namespace) -> int:
    if options.record:
        check_name(options.record)
    if options.photos and div2k.is_official(options.photos):
        return _evaluate_given(options)
    trained = load_weights(options.weights)
    photographs = held_out(options.photos)
    degradation = DEGRADATIONS[options.degradation or trained.preset.degradation]
    if not options.shift:
        degradation = degradation.without_shift()
    chosen = systems(trained)
    if options.denoiser:
        chosen |= denoised(trained, options.denoiser, options.noise_levels)
    rows = evaluate(trained, photographs, degradation, options.seed, chosen)
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


def _evaluate_given(options: argparse.Namespace) -> int:
    """Score on the validation pairs of track 2: there is nothing to degrade."""
    if options.degradation or options.shift:
        raise ValueError(f"{options.photos}: pairs, of which x is given. Leave --degradation and --shift out.")
    pairs = div2k.track2_pairs(options.photos)
    trained = load_weights(options.weights)
    chosen = systems(trained)
    if options.denoiser:
        chosen |= denoised(trained, options.denoiser, options.noise_levels)
    rows = evaluate_pairs(trained, pairs, chosen)
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
)
