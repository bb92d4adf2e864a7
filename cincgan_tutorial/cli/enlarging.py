"""``upscale``."""

from __future__ import annotations

import argparse
import collections
import itertools
import sys
from collections.abc import Sequence
from pathlib import Path

from ..front_end import progress_bar
from ..images import read_image, write_png
from ..inference import super_resolve
from ..weights import FOR_STRANGERS, load_weights
from .command import Command, weights_argument


def _upscale_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("inputs", metavar="INPUT", nargs="+", help="image files")
    p.add_argument("--out", metavar="DIR", required=True, type=Path, help="folder for the results")
    weights_argument(p, FOR_STRANGERS)
    p.add_argument("--tile", metavar="N", type=int, default=256, help="work in tiles of N input pixels (default: 256)")


def _upscale(options: argparse.Namespace) -> int:
    if options.tile < 1:
        raise ValueError(f"--tile: expected at least 1 pixel, got {options.tile}.")
    inputs = [Path(text) for text in options.inputs]
    trained = load_weights(options.weights or FOR_STRANGERS)
    upscaler = trained.nets.upscaler()
    targets = output_names(inputs, options.out)
    failed = 0
    with progress_bar(len(inputs), "upscale") as bar:
        for path, target in zip(inputs, targets, strict=True):
            try:
                if target.exists():
                    raise ValueError(f"{path}: {target} exists already and is not overwritten. Choose another --out.")
                result = super_resolve(upscaler, read_image(path)[None], options.tile)
                write_png(target, result[0])
            except (ValueError, OSError) as error:
                failed += 1
                bar.write(f"error: {error}", file=sys.stderr)
            bar.update()
    print(f"{len(inputs) - failed} of {len(inputs)} written to {options.out}")
    return 1 if failed else 0


def output_names(inputs: Sequence[Path], out: Path) -> list[Path]:
    """Return where each result goes: ``out/a.png`` for ``a.jpg``.

    Inputs that share a stem keep their full name, ``out/a.jpg.png``. Inputs of one full name from different folders
    also get these folders' names, so that no result overwrites another.
    """
    # Case is ignored: on macOS A.png and a.png are one file.
    stems = collections.Counter(path.stem.casefold() for path in inputs)
    names = collections.Counter(path.name.casefold() for path in inputs)
    if len({path.resolve() for path in inputs}) < len(inputs):
        twice = next(path for path in inputs if sum(path.resolve() == other.resolve() for other in inputs) > 1)
        raise ValueError(f"{twice}: given twice; give each input once.")
    chosen: list[Path] = []
    taken: set[str] = set()
    for path in inputs:
        if stems[path.stem.casefold()] == 1:
            name = path.stem
        elif names[path.name.casefold()] == 1:
            name = path.name
        else:
            name = "_".join(part for part in path.parts if part not in (path.anchor, "..", "."))
        numbered = itertools.chain([name], (f"{name}-{number}" for number in itertools.count(2)))
        free = next(candidate for candidate in numbered if candidate.casefold() not in taken)
        taken.add(free.casefold())
        chosen.append(out / f"{free}.png")
    return chosen


UPSCALE = Command(
    "upscale",
    "enlarge photographs",
    "Write DIR/name.png for every input, exactly 4x as large. Existing files are never overwritten.",
    "a.jpg b.png --out enlarged",
    _upscale_arguments,
    _upscale,
)
