"""Where the time goes: ``make bench``, under five minutes on two CPU cores.

All speeds are ratios within one run, A B A B ..., so that a busy machine disturbs both sides alike: the library's step
against a plain loop of the same losses, in a process of its own (`plain`), the sampler against what a step consumes, a
step's operations against the largest matrix product that the device manages, photographs that were decoded once against
decoding them each time (`decoding`). What some optimisations bring by themselves (`apart`) can't go in turns
everywhere: memory that is kept once is kept for good. Nothing is compared with a figure from another day.
"""

from __future__ import annotations

import argparse
import itertools
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import apart
import decoding
import torch
from memory import peak
from ours import OurLoop, operations, product_peaks, seconds, shares
from plain import plain_process
from scoring import pictures, plain_challenge
from sizes import PAPER, PAPER_FULL, STAGES, drawing, sized

from cincgan_tutorial.challenge import challenge_psnr
from cincgan_tutorial.experiments.results import record
from cincgan_tutorial.presets import PRESETS
from cincgan_tutorial.training.precision import prepare, training_device

PAPER_STEPS = 400_000
# Seconds before each turn: threads of the process that had the last one go on looking for work for some milliseconds.
_REST = 0.05
ROOT = Path(__file__).resolve().parent.parent


def race(works: dict[str, Callable[[], Any]], rounds: int, warm: bool = False) -> dict[str, float]:
    """Return the median seconds of each, taken in turns, after a round that does not count unless they are ``warm``."""
    for work in () if warm else works.values():
        work()
    taken: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            time.sleep(_REST)
            taken[name].append(seconds(work, training_device()))
    return {name: statistics.median(values) for name, values in taken.items()}


def against_plain(works: dict[str, Callable[[], Any]], rounds: int, warm: bool = False) -> dict[str, float]:
    """Return the seconds of "ours" and of "plain", and how many times as fast ours is."""
    taken = race(works, rounds, warm)
    return {"seconds": taken["ours"], "plain_seconds": taken["plain"], "ratio": taken["plain"] / taken["ours"]}


def measure(size: str, stage: str, rounds: int) -> dict[str, Any]:
    """Measure one stage at one size."""
    preset = sized(size)
    draw = drawing(preset, stage)
    ours = OurLoop(preset, stage, training_device())
    with plain_process(size, stage) as ask:
        # The steps whose operations are counted are the first, which are not timed.
        counted = {"flop": operations(ours.step, draw()), "plain_flop": ask("flop")}
        taken = against_plain({"ours": lambda: ours.step(*draw()), "plain": lambda: ask("step")}, rounds, warm=True)
    sampler = statistics.median(seconds(draw, training_device()) for _ in range(3 * rounds))
    ours.launch_each_kernel()
    batch = preset.stages()[stage].batch
    return {
        "size": size,
        "stage": stage,
        "batch": batch,
        "precision": preset.precision,
        **taken,
        "shares": shares(ours, draw, max(3, rounds // 2)),
        **counted,
        "patches_per_second": {"sampler": 3 * batch / sampler, "step": 3 * batch / taken["seconds"]},
        "sampler_ratio": taken["seconds"] / sampler,
        "days_for_400000_steps_extrapolated": taken["seconds"] * PAPER_STEPS / 86_400,
    }


def measure_scoring(rounds: int) -> dict[str, float]:
    """Measure the challenge's scoring of one image of DIV2K's size, on one core, against the plain loop."""
    result, reference = pictures()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    works = {"ours": lambda: challenge_psnr(result, reference), "plain": lambda: plain_challenge(result, reference)}
    found = against_plain(works, rounds)
    torch.set_num_threads(threads)
    return found


def measure_decoding(quick: bool) -> dict[str, float]:
    """Measure reading 2K photographs from the cache of decoded ones against decoding them each time."""
    size = (80, 120) if quick else (decoding.HEIGHT, decoding.WIDTH)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        taken = decoding.measure(folder, decoding.make(folder, 4, *size), rounds=2 if quick else 5)
    return {
        "seconds": taken["mapped"],
        "decoded_seconds": taken["decoded"],
        "first_seconds": taken["first"],
        "ratio": taken["decoded"] / taken["mapped"],
    }


def measure_apart(size: str, wide: str, rounds: int) -> dict[str, Any]:
    """Measure what kept memory, enlarging and, at the size ``wide``, convolution bring on a CPU."""
    freed = [row for stage in STAGES if (row := apart.freed_memory(size, stage, rounds)) is not None]
    upsampling = against_plain(apart.upsampling(size), 9 * rounds)
    ends = {one: against_plain(apart.end_of_SR(one), 2 * rounds) for one in dict.fromkeys((size, wide))}
    convolutions = {name: against_plain(works, 2 * rounds) for name, works in apart.convolutions(wide).items()}
    print(f"\nSteps of {size}, freed memory given back and kept:")
    for row in freed:
        row["ratio"] = row["given_back_seconds"] / row["kept_seconds"]
        print(
            f"{row['stage']:10}{row['given_back_seconds'] * 1e3:7.0f} ms, {row['given_back_pages']:6.0f} new pages"
            f"{row['kept_seconds'] * 1e3:7.0f} ms, {row['kept_pages']:6.0f}"
        )
    of_SR = {"SR's first stage": upsampling} | {f"SR's end, {one}": found for one, found in ends.items()}
    for name, one in (of_SR | convolutions).items():
        print(f"{name}, and the gradients: {one['ratio']:.1f} times as fast as PyTorch's")
    return {"freed_memory": freed, "upsampling": upsampling, "end_of_SR": ends, "convolutions": convolutions}


def report(rows: Sequence[dict[str, Any]]) -> None:
    """Print what was measured."""
    columns = f"{'ours':>10}{'plain':>10}{'ratio':>7}{'TFLOP':>8}{'(plain)':>8}{'of peak':>9}{'sampler':>9}"
    print(f"\n{'size':20}{'stage':10}{'batch':>5}{columns}  400,000 steps (extrapolated)")
    for row in rows:
        print(
            f"{row['size']:20}{row['stage']:10}{row['batch']:5}{row['seconds'] * 1e3:7.0f} ms"
            f"{row['plain_seconds'] * 1e3:7.0f} ms{row['ratio']:7.2f}{row['flop'] / 1e12:8.3f}"
            f"{row['plain_flop'] / 1e12:8.3f}{row['share_of_peak']:9.0%}{row['sampler_ratio']:8.0f}x"
            f"  {row['days_for_400000_steps_extrapolated'] * 24:.1f} h"
        )
    print("\nShare of a step's time, forward passes by network:")
    print(f"{'size':20}{'stage':10}" + "".join(f"{part:>12}" for part in rows[0]["shares"]))
    for row in rows:
        print(f"{row['size']:20}{row['stage']:10}" + "".join(f"{share:12.1%}" for share in row["shares"].values()))


def memory_table(sizes: Sequence[str]) -> list[dict[str, Any]]:
    """Measure and print the peak memory of each stage, each in a process of its own, two at a time: none is timed.

    On a CPU each has one thread, so that the two do not wait for each other.
    """
    print("\nPeak memory of a fresh process, MB (in brackets: the program before it builds a network):")
    rows = []
    every = list(itertools.product(sizes, STAGES))
    with ThreadPoolExecutor(2) as pool:
        for (size, stage), found in zip(every, pool.map(lambda one: peak(*one), every), strict=True):
            rows.append({"size": size, "stage": stage} | found)
            gpu = f", GPU {found['gpu_MB']}" if "gpu_MB" in found else ""
            print(f"{size:20}{stage:10}{found['peak_MB']:8} ({found['program_MB']}){gpu}", flush=True)
    return rows


def main(arguments: Sequence[str] | None = None) -> Path:
    """Measure, print and write it down."""
    parser = argparse.ArgumentParser(description="The library's speed and memory, as ratios within one run.")
    parser.add_argument(
        "--results", type=Path, default=ROOT / "_build" / "bench", help="where to write bench/result.json"
    )
    parser.add_argument("--quick", action="store_true", help="tiny networks, to see that it runs; says nothing")
    parser.add_argument("--full", action="store_true", help="memory of EDSR 32x256 too, minutes more on a CPU")
    options = parser.parse_args(arguments)
    begun = time.monotonic()
    gpu = training_device().type == "cuda"
    sizes = ["smoke"] if options.quick else ["lesson", PAPER] + [PAPER_FULL] * gpu
    prepare()
    kinds = {"fp32": torch.float32, "bf16": torch.bfloat16} | ({"fp16": torch.float16} if gpu else {})
    products = {name: {"matrices": 0.0, "convolution": 0.0} for name in kinds}
    rounds = {"smoke": 2, "lesson": 9, PAPER: 3}
    rows = []
    for size in sizes:
        for stage in STAGES:
            rows.append(measure(size, stage, 30 if gpu else rounds[size]))
            print(f"{size}, {stage}: {rows[-1]['ratio']:.2f} times the plain loop", flush=True)
            # Again and again, and the best counts: a busy machine is not always equally fast.
            for name, kind in kinds.items():
                again = product_peaks(kind, training_device())
                products[name] = {product: max(best, again[product]) for product, best in products[name].items()}
    peaks = {name: max(of_kind.values()) for name, of_kind in products.items()}
    for name, of_kind in products.items():
        print(
            f"measured peak, {name}, TFLOP/s:", {product: round(value / 1e12, 3) for product, value in of_kind.items()}
        )
    for row in rows:
        row["share_of_peak"] = row["flop"] / row["seconds"] / peaks[row["precision"]]
    report(rows)
    scoring = measure_scoring(1 if options.quick else 5)
    print(
        f"\nchallenge scoring, 2040x1356, one core: {scoring['seconds']:.3f} s, {scoring['ratio']:.0f} times the loop"
    )
    cache = measure_decoding(options.quick)
    print(f"photographs of 2K from the cache: {cache['seconds']:.3f} s, {cache['ratio']:.1f} times decoding")
    optimisations = None if gpu else measure_apart(sizes[0], sizes[-1], 1 if options.quick else 3)
    # The paper's sizes are measured with EDSR 16x64, and with its own where there is time: on a CPU that takes minutes.
    every = ["smoke"] if options.quick else [*(name for name in PRESETS if name != "paper"), PAPER]
    memory = memory_table(every)
    usual = time.monotonic() - begun
    if not options.quick and (options.full or gpu):
        memory += memory_table([PAPER_FULL])
    data = {
        "rows": rows,
        "matrix_peak": peaks,
        "products": products,
        "scoring": scoring,
        "decoding": cache,
        "apart": optimisations,
        "memory": memory,
        "seconds": round(usual, 1),  # without the memory of EDSR 32x256
    }
    typed = shlex.join(["python", "benchmarks/bench.py", *(sys.argv[1:] if arguments is None else arguments)])
    facts = {"preset": "smoke" if options.quick else "paper", "seed": 0, "source": "bundled", "command": typed}
    folder = record("bench", data, facts, options.results)
    print(f"\nmeasured in {time.monotonic() - begun:.0f} s, written: {folder / 'result.json'}")
    return folder


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(f"a process of the memory table failed: {error.stderr}")
