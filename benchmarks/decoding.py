"""How long it takes to get at 2K photographs: decoding the PNG files each time, or mapping what was decoded once.

``python benchmarks/decoding.py`` makes photographs of the size of DIV2K's with noise like that of a camera, reads them
all both ways in turns, and prints one line.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from cincgan_tutorial.decoded import Decoded
from cincgan_tutorial.images import content_hash, read_pixels

HEIGHT, WIDTH = 1356, 2040


def make(folder: Path, count: int, height: int = HEIGHT, width: int = WIDTH) -> list[Path]:
    """Write soft pictures with some noise, about as hard to compress as photographs."""
    rng = np.random.default_rng(0)
    paths = []
    for number in range(count):
        coarse = rng.integers(30, 226, (height // 40, width // 40, 3), dtype=np.uint8)
        soft = np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC), dtype=np.float32)
        noisy = soft + rng.standard_normal(soft.shape, dtype=np.float32) * 2
        paths.append(folder / f"{number:04d}.png")
        Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(paths[-1])
    return paths


def seconds(work: Callable[[], object]) -> float:
    """Return how long something takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _touch(cache: Decoded, paths: list[Path]) -> list[int]:
    return [int(cache(path)[0].sum()) for path in paths]


def measure(folder: Path, paths: list[Path], rounds: int) -> dict[str, float]:
    """Return seconds for one photograph, medians: decoded anew, for the first time into the cache, and mapped.

    All three hash what they read, and touch every pixel, as training does when it copies them to its device. The files
    are in the system's memory already: no disk is measured.
    """
    empty = Decoded(folder)
    first = seconds(lambda: [empty(path) for path in paths])
    taken: dict[str, list[float]] = {"decoded": [], "mapped": []}
    for _ in range(rounds):
        cache = Decoded(folder)
        taken["decoded"].append(seconds(lambda: [content_hash(read_pixels(path)) for path in paths]))
        taken["mapped"].append(seconds(partial(_touch, cache, paths)))
    medians = {name: statistics.median(values) for name, values in taken.items()} | {"first": first}
    return {name: value / len(paths) for name, value in medians.items()}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=6, help="photographs (default: 6)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds, of which the median counts (default: 5)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        taken = measure(Path(name), make(Path(name), options.count), options.rounds)
    # A start on DIV2K reads 400 HR photographs, and 400 LR ones of a sixteenth of their pixels.
    start = {name: 400 * (1 + 1 / 16) * value for name, value in taken.items()}
    print(
        f"2K photographs, seconds each: decoded {taken['decoded']:.3f}, mapped {taken['mapped']:.3f}"
        f" ({taken['decoded'] / taken['mapped']:.1f}x as fast), the first time {taken['first']:.3f}. Extrapolated to a"
        f" start on DIV2K: {start['decoded']:.0f} s, {start['mapped']:.0f} s and {start['first']:.0f} s."
    )


if __name__ == "__main__":
    main()
