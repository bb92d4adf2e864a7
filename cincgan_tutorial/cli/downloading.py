"""``download``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

from ..data import CATALOGUE, DataSet, accept, data_folder, free_space, is_accepted, is_here, obtain, to_fetch
from ..settings import nearest
from .command import Command

_EXAMPLE = "tutorial-photos"


def _download_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("name", metavar="NAME", nargs="?", help=f"{', '.join(CATALOGUE)}; left out: list them with sizes")
    p.add_argument(
        "--to", metavar="DIR", type=Path, help="folder for all data (default: CINCGAN_PHOTOS, else data, at the top)"
    )
    p.add_argument(
        "--from",
        metavar="PATH",
        type=Path,
        dest="local",
        help="a folder with copies of the files, or one archive; nothing is fetched then",
    )
    p.add_argument("--accept-licence", action="store_true", help="accept the terms; remembered in DIR")


def _download(options: argparse.Namespace) -> int:
    folder = options.to or data_folder()
    if options.name is None:
        print(listing(CATALOGUE.values(), folder))
        return 0
    if options.name not in CATALOGUE:
        raise ValueError(f"unknown data {options.name!r}.{nearest(options.name, CATALOGUE)}")
    data_set = CATALOGUE[options.name]
    if options.local is not None and not options.local.exists():
        raise ValueError(f"--from {options.local}: no such file or folder.")
    missing, needed = to_fetch(data_set, folder)
    free = free_space(folder)
    print(f"{data_set.name}: {data_set.purpose}")
    print(f"{size_of(missing)} to obtain, {size_of(needed)} of free space needed, {size_of(free)} free in {folder}")
    print(f"Terms: {data_set.licence.terms}")
    if needed > free:
        raise OSError(f"{folder}: {size_of(free)} are free and {size_of(needed)} needed. Make room, or use --to.")
    if options.accept_licence or (not is_accepted(data_set.licence, folder) and _asked()):
        accept(data_set.licence, folder)
    if not is_accepted(data_set.licence, folder):
        raise ValueError(f"{data_set.name}: accept its terms, shown above, once with --accept-licence.")
    root = obtain(data_set, folder, options.local)
    print(f"{data_set.name} is in {root}: {data_set.files} photographs.")
    print(how_to_use(data_set, root))
    return 0


def _asked() -> bool:
    """Ask a person; where there is none, the answer is no."""
    if not sys.stdin.isatty():
        return False
    return input("Do you accept these terms? [y/N] ").strip().lower() in ("y", "yes")


def how_to_use(data_set: DataSet, root: Path) -> str:
    """Return the command that is likely to come next."""
    if data_set.photos is not None:
        return f"Train on it with: python -m cincgan_tutorial train --photos {root / data_set.photos} --run runs/mine"
    if data_set.name == "div2k-valid":
        return f"Score on it with: python -m cincgan_tutorial evaluate --photos {root}"
    return "No command of this library reads the bicubic LR images; they are there for other programs."


def listing(data_sets: Iterable[DataSet], folder: Path) -> str:
    """Return a table of what can be fetched."""
    lines = [f"{'name':22}{'size':>9}  {'files':>5}  {'here':5}what it is"]
    for data_set in data_sets:
        here = "yes" if is_here(data_set, folder) else "no"
        lines.append(f"{data_set.name:22}{size_of(data_set.size):>9}  {data_set.files:5}  {here:5}{data_set.purpose}")
    return "\n".join([*lines, f"\nThey go to {folder}. Fetch one with: python -m cincgan_tutorial download {_EXAMPLE}"])


def size_of(count: int) -> str:
    """Return a number of bytes for people."""
    return f"{count / 1e9:.2f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"


DOWNLOAD = Command(
    "download",
    "fetch photographs to train on",
    "Show size, terms and free space; fetch, check and unpack what is not there yet. Interrupted? Run it again.",
    _EXAMPLE,
    _download_arguments,
    _download,
)
