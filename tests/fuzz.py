"""Doors under random damage: `python tests/fuzz.py image|weights|checkpoint --seconds 600 [--seed 0]`.

Valid files are mutated at random and read. What may come back is a right result, a ValueError or an OSError; anything
else is printed with the seed that makes it again, and its file is kept. Exit status 1 if there was any.
"""

from __future__ import annotations

import argparse
import collections
import os
import resource
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent))
from helpers import write_photographs
from odd_files import readable

from cincgan_tutorial.cli.quiet import quiet_libraries
from cincgan_tutorial.images import read_pixels
from cincgan_tutorial.pictures import read_picture
from cincgan_tutorial.presets import PRESETS
from cincgan_tutorial.training import train
from cincgan_tutorial.training.checkpoint import load_checkpoint
from cincgan_tutorial.training.state import restore
from cincgan_tutorial.unpaired import folder_of_photographs
from cincgan_tutorial.weights import load_weights

# Damage that a reader may well be tempted by: the ends of ranges, and what length fields look like.
TEMPTING = [bytes.fromhex(text) for text in ("00", "ff", "7f", "80", "00000000", "ffffffff", "7fffffff", "0001")]
MEMORY = 6 * 2**30
# Seconds after which a file is named: damage must not stop a program for long either.
SLOW = 5


def mutated(content: bytes, others: list[bytes], rng: np.random.Generator) -> bytes:
    """Damage a file in one to four places."""
    result = bytearray(content)
    for _ in range(int(rng.integers(1, 5))):
        # Headers are short and matter most: half of the damage is near the beginning.
        reach = min(len(result), 400) if rng.random() < 0.5 else len(result)
        place, length = int(rng.integers(max(1, reach))), int(rng.integers(1, 40))
        match int(rng.integers(7)):
            case 0 if result:
                result[place % len(result)] ^= 1 << int(rng.integers(8))
            case 1:
                bait = TEMPTING[int(rng.integers(len(TEMPTING)))]
                result[place : place + len(bait)] = bait
            case 2:
                del result[place : place + length]
            case 3:
                result[place:place] = result[place : place + length] * int(rng.integers(1, 4))
            case 4:
                result[place : place + length] = rng.integers(0, 256, length, dtype=np.uint8).tobytes()
            case 5:
                del result[place + length :]
            case 6:
                other = others[int(rng.integers(len(others)))]
                start = int(rng.integers(len(other)))
                result[place : place + length] = other[start : start + length]
    return bytes(result)


def image_door(folder: Path) -> tuple[list[tuple[str, bytes]], Callable[[Path], None]]:
    """Every kind of picture that is read."""

    def read(path: Path) -> None:
        picture = read_picture(path)
        height, width, channels = picture.levels.shape
        if not (height and width and channels in (1, 2, 3, 4) and picture.levels.dtype in (np.uint8, np.uint16)):
            raise AssertionError(f"levels {picture.levels.shape} of {picture.levels.dtype}")
        rows = picture.rows(0, min(height, 3))
        if not (rows.min() >= 0 and rows.max() <= 1):
            raise AssertionError("rows outside [0, 1]")
        if picture.alpha is None:
            pixels = read_pixels(path)
            if pixels.shape != (height, width, 3) or pixels.dtype != np.uint8:
                raise AssertionError(f"pixels {pixels.shape} of {pixels.dtype}")

    return [(name, content) for name, (content, _) in readable().items()], read


def smoke_run(folder: Path):
    photographs = folder_of_photographs(write_photographs(folder / "photographs"))
    return train(PRESETS["smoke"], photographs, folder / "run", command="fuzz"), photographs


def weights_door(folder: Path) -> tuple[list[tuple[str, bytes]], Callable[[Path], None]]:
    """A weights file: what is loaded must be complete networks with finite or damaged numbers, and no code may run."""
    run, _ = smoke_run(folder)

    def read(path: Path) -> None:
        trained = load_weights(path)
        if not isinstance(trained.facts, dict):
            raise AssertionError("facts are no dictionary")
        trained.nets.upscaler()(torch.zeros(1, 3, 8, 8))

    return [("a.safetensors", run.weights_path.read_bytes())], read


def checkpoint_door(folder: Path) -> tuple[list[tuple[str, bytes]], Callable[[Path], None]]:
    """A checkpoint, as `resume` reads it."""
    run, photographs = smoke_run(folder)
    content = run.checkpoint_path.read_bytes()
    run.weights_path.unlink()

    def read(path: Path) -> None:
        load_checkpoint(path, run.preset)
        os.replace(path, run.checkpoint_path)
        with warnings.catch_warnings(action="ignore"):
            restore(run, run.preset, torch.device("cpu"), photographs, ranks_may_differ=True)

    return [("checkpoint.pt", content)], read


DOORS = {"image": image_door, "weights": weights_door, "checkpoint": checkpoint_door}


def fuzz(door: str, seconds: float, seed: int, folder: Path) -> collections.Counter[str]:
    """Damage and read until the time is over; return how often what came back."""
    files, read = DOORS[door](folder)
    contents = [content for _, content in files]
    counts: collections.Counter[str] = collections.Counter()
    end, number = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        rng = np.random.default_rng([seed, number])
        name, content = files[int(rng.integers(len(files)))]
        path = folder / f"fuzzed-{name}"
        damaged = mutated(content, contents, rng)
        path.write_bytes(damaged)
        began = time.monotonic()
        try:
            with warnings.catch_warnings(action="error"), quiet_libraries():
                read(path)
            counts["right result"] += 1
        except (ValueError, OSError):
            counts["clear error"] += 1
        except Exception as error:
            counts["anything else"] += 1
            kept = Path(tempfile.gettempdir()) / f"fuzz-{door}-{seed}-{number}-{name}"
            kept.write_bytes(damaged)
            print(f"{kept}: {type(error).__name__}: {error}\n{traceback.format_exc()}", file=sys.stderr)
        if time.monotonic() - began > SLOW:
            print(f"{door} {seed} {number} {name}: {time.monotonic() - began:.1f} s", file=sys.stderr)
        number += 1
    return counts


def main() -> int:
    """Fuzz one door and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("door", choices=DOORS)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    with tempfile.TemporaryDirectory() as folder:
        counts = fuzz(options.door, options.seconds, options.seed, Path(folder))
    kinds = ("right result", "clear error", "anything else")
    print(f"{options.door}: {sum(counts.values())} files, " + ", ".join(f"{counts[kind]} {kind}" for kind in kinds))
    return 1 if counts["anything else"] else 0


if __name__ == "__main__":
    sys.exit(main())
