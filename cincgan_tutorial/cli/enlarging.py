"""``upscale``."""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path
from typing import Any

from ..architectures import SelfEnsemble, Upscaler
from ..comparison_page import Pair, comparison_page, most_detailed, pair
from ..enlargement import enlarge
from ..front_end import progress_bar
from ..images import list_images, replacing
from ..pictures import read_picture, size_of
from ..weights import FOR_STRANGERS
from .command import Command, networks_of, one_line, weights_argument
from .inputs import expanded, identity, output_names
from .memory import lacks_memory
from .quiet import quiet_libraries

_PAGE = "comparison.html"
_NEEDS_LESS = "Try a smaller --tile, or cut the picture into parts."


def _upscale_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("inputs", metavar="INPUT", nargs="+", help="image files, folders of them, or patterns like '*.jpg'")
    p.add_argument("--out", metavar="DIR", required=True, type=Path, help="folder for the results")
    weights_argument(p, FOR_STRANGERS)
    p.add_argument("--tile", metavar="N", type=int, default=256, help="work in tiles of N input pixels (default: 256)")
    p.add_argument(
        "--self-ensemble",
        action="store_true",
        help="the mean of eight turned views: a little better, eight times as long",
    )
    p.add_argument(
        "--local-mean",
        metavar="N",
        type=int,
        help="let the mean colour of the NxN input pixels around each stay as it is, for weights that tint: 17 for one;"
        " 0: let the networks move it (default: as the weights say)",
    )
    p.add_argument("--overwrite", action="store_true", help="replace results that exist; inputs never are")
    p.add_argument("--compare", action="store_true", help=f"also write DIR/{_PAGE}, which shows before and after")


def _upscale(options: argparse.Namespace) -> int:
    if options.tile < 1:
        raise ValueError(f"--tile: expected at least 1 pixel, got {options.tile}.")
    inputs = expanded(options.inputs, options.out)
    weights = options.weights or FOR_STRANGERS
    trained = networks_of(weights)
    upscaler, scale = trained.nets.upscaler(), trained.preset.scale
    if options.local_mean is not None:
        upscaler = upscaler.keeping(options.local_mean)
    if options.self_ensemble:
        upscaler = SelfEnsemble.of(upscaler)
    targets = output_names(inputs, options.out)
    page, pairs, failed = options.out / _PAGE, [], 0
    if options.compare and page.exists() and not options.overwrite:
        raise ValueError(f"{page}: exists already and is not overwritten. Choose another --out, or add --overwrite.")
    with quiet_libraries():
        tiles = [_tiles(path, options.tile) for path in inputs]
    originals, due = {identity(path) for path in inputs}, 0
    # At least one, so that there is a bar also where no input can be read.
    with progress_bar(max(1, sum(tiles)), "upscale") as bar:
        for path, target, own_tiles in zip(inputs, targets, tiles, strict=True):
            try:
                _check_target(path, target, originals, options.overwrite)
                pairs += _upscale_one(path, target, upscaler, scale, options, bar)
            except (ValueError, OSError, MemoryError, RuntimeError) as error:
                if isinstance(error, RuntimeError) and not lacks_memory(error):
                    raise
                failed += 1
                bar.write(f"error: {one_line(_naming(path, error))}", file=sys.stderr)
            due += own_tiles
            bar.update(due - bar.n)  # the tiles of one that failed
    if options.compare and pairs:
        with replacing(page) as temporary:
            whole = comparison_page(pairs, str(weights), scale, self_ensemble=options.self_ensemble)
            temporary.write_text(whole, encoding="utf-8")
    print(f"{len(inputs) - failed} of {len(inputs)} written to {one_line(str(options.out))}")
    return 1 if failed else 0


def _tiles(path: Path, tile: int) -> int:
    """Return how many tiles a picture has; none where it can't be read, which is for its turn to say."""
    size = size_of(path)
    return 0 if size is None else math.ceil(size[0] / tile) * math.ceil(size[1] / tile)


def _check_target(path: Path, target: Path, originals: set[str], overwrite: bool) -> None:
    if identity(target) in originals:
        raise ValueError(f"{path}: {target} exists already and is an input, never overwritten. Choose another --out.")
    if target.exists() and not overwrite:
        raise ValueError(
            f"{path}: {target} exists already and is not overwritten. Choose another --out, or add --overwrite."
        )


def _upscale_one(
    path: Path, target: Path, upscaler: Upscaler, scale: int, options: argparse.Namespace, bar: Any
) -> list[Pair]:
    """Enlarge one file; return what the page of comparisons shows of it, if there is to be one."""
    if path.is_dir():
        list_images(path)  # says what is wrong with it: the folders that have images were looked into before
    with quiet_libraries():
        picture = read_picture(path)
    if picture.narrowed:
        note = f"{path}: 16 bits of a kind that only 8 can be read of; the result has 8."
        bar.write(f"note: {one_line(note)}", file=sys.stderr)
    view = most_detailed(picture) if options.compare else None
    after = enlarge(upscaler, picture, target, scale, options.tile, view, bar.update)
    return [] if view is None else [pair(path.name, picture, view, after, scale)]


def _naming(path: Path, error: Exception) -> str:
    """Return the words of an error with the input's name in them."""
    if lacks_memory(error):
        return f"{path}: not enough memory. {_NEEDS_LESS}"
    return str(error) if str(path) in str(error) else f"{path}: {error}"


UPSCALE = Command(
    "upscale",
    "enlarge photographs",
    "Write DIR/name.png for every input, exactly 4x as large, with its bit depth, alpha channel and colour profile. One"
    " that fails does not stop the others; the exit status is then 1.",
    "a.jpg b.png --out enlarged",
    _upscale_arguments,
    _upscale,
    needs_less=_NEEDS_LESS,
)
