"""How long it takes to get at 2K photographs: decoding the PNG files each time, or mapping what was decoded once.

``python benchmarks/decoding.py`` enlarges bundled photographs to the size of DIV2K's, adds noise like that of a camera,
reads them all both ways in turns, and prints one line. ``--folder`` takes photographs that are there, ``--results``
writes down what was measured.
"""

from __future__ import annotations

import argparse
import shlex
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from cincgan_tutorial.decoded import Decoded
from cincgan_tutorial.experiments.results import record
from cincgan_tutorial.images import content_hash, list_images, read_pixels
from cincgan_tutorial.unpaired import bundled_names, bundled_photograph

HEIGHT, WIDTH = 1356, 2040
# Standard deviation in levels of 255.
_NOISE = 2


def make(folder: Path, count: int, height: int = HEIGHT, width: int = WIDTH) -> list[Path]:
    """Write enlarged photographs with some noise, about as hard to compress as those of DIV2K: 4.4 MB each there."""
    rng, names = np.random.default_rng(0), bundled_names()
    paths = []
    for number in range(count):
        photograph = Image.fromarray(bundled_photograph(names[number % len(names)]).pixels)
        soft = np.asarray(ImageOps.fit(photograph, (width, height), Image.Resampling.BICUBIC), dtype=np.float32)
        noisy = soft + rng.standard_normal(soft.shape, dtype=np.float32) * _NOISE
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

    The cache is made in ``folder`` and must not be there yet.

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


def line(taken: dict[str, float]) -> str:
    """Return what was measured, for people."""
    # A start on DIV2K reads 400 HR photographs, and 400 LR ones of a sixteenth of their pixels.
    start = {name: 400 * (1 + 1 / 16) * value for name, value in taken.items()}
    return (
        f"seconds for each photograph: decoded {taken['decoded']:.3f}, mapped {taken['mapped']:.3f}"
        f" ({taken['decoded'] / taken['mapped']:.1f}x as fast), the first time {taken['first']:.3f}. Extrapolated from"
        f" 2K to a start on DIV2K: {start['decoded']:.0f} s, {start['mapped']:.0f} s and {start['first']:.0f} s."
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and write it down where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=6, help="photographs (default: 6)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds, of which the median counts (default: 5)")
    parser.add_argument("--folder", type=Path, help="photographs to read; left out: enlarged bundled ones with noise")
    parser.add_argument("--results", type=Path, help="where to write decoding/result.json; left out: nowhere")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = list_images(options.folder)[: options.count] if options.folder else make(folder, options.count)
        taken = measure(folder, paths, options.rounds)
        megabytes = statistics.fmean(path.stat().st_size for path in paths) / 1e6
    print(f"{len(paths)} photographs of {megabytes:.1f} MB, {line(taken)}")
    if options.results:
        typed = shlex.join(["python", "benchmarks/decoding.py", *(sys.argv[1:] if arguments is None else arguments)])
        facts = {"preset": "none", "seed": 0, "source": options.folder.name if options.folder else "bundled, enlarged"}
        data = {"photographs": len(paths), "megabytes": megabytes, "rounds": options.rounds, "seconds": taken}
        print(f"written: {record('decoding', data, facts | {'command': typed}, options.results)}")


if __name__ == "__main__":
    main()
