"""What a command of the command line is, and the options that several share."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..presets import PRESETS, Preset, preset_named, with_settings
from ..training import ranks, training_device
from ..training.precision import full_32_bits
from ..unpaired import Photograph, bundled_photographs, read_photographs
from ..weights import DEFAULT, Trained, load_weights, shipped_names

PHOTOS = "folder of photographs; left out: the seven that come with the installation"


@dataclass(frozen=True)
class Command:
    """One command.

    Attributes:
        name: What is typed.
        summary: A line for the list of commands.
        details: Sentences for its own help.
        example: Arguments to try.
        arguments: Adds its arguments to a parser.
        run: Does it and returns the exit status.
        many_ranks: Whether several processes of torchrun may share its work.
        needs_less: What to do where there is not enough memory for it.
    """

    name: str
    summary: str
    details: str
    example: str
    arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]
    many_ranks: bool = False
    needs_less: str = "Close other programs, or use a machine with more."


def weights_argument(p: argparse.ArgumentParser, default: str = DEFAULT) -> None:
    """Add ``--weights``."""
    names = ", ".join(shipped_names()) or "none here"
    p.add_argument(
        "--weights",
        metavar="W",
        help=f"a shipped name ({names}), a weights file or a run folder (default: {default}, shipped)",
    )


def networks_of(where: str | None) -> Trained:
    """Load weights to enlarge with: on a GPU where there is one, see `inference.applied`, in 32 bits there too."""
    full_32_bits()
    return load_weights(where).to(training_device())


def preset_arguments(p: argparse.ArgumentParser, more: str = "") -> None:
    """Add ``--preset`` and ``--set``."""
    p.add_argument("--preset", default="lesson", help=f"{', '.join(PRESETS)} (default: lesson)")
    p.add_argument(
        "--set",
        metavar="KEY=VALUE",
        nargs="+",
        action="extend",
        default=[],
        dest="settings",
        help=f"change settings of the preset, for example --set seed=1 first.steps=500{more}",
    )


def chosen_preset(options: argparse.Namespace) -> Preset:
    """Return the preset that ``--preset`` names, changed as ``--set`` asks."""
    return with_settings(preset_named(options.preset), dict(_key_value(text) for text in options.settings))


def _key_value(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise ValueError(f"--set {text}: expected KEY=VALUE, for example first.steps=500.")
    return key, value


def results_argument(p: argparse.ArgumentParser) -> None:
    """Add ``--results``."""
    p.add_argument(
        "--results",
        metavar="DIR",
        type=Path,
        default=Path("book/results"),
        help="where results are written (default: book/results)",
    )


def held_out(folder: str | None) -> list[Photograph]:
    """Return the photographs to score on: all of a folder, or the two bundled ones that are kept for this."""
    if folder is None:
        return list(bundled_photographs().held_out)
    return read_photographs(Path(folder), hr=True)


def one_line(text: str) -> str:
    """Return text as one line that is safe to print: names of files may hold line breaks and commands to a terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def say(line: str) -> None:
    """Print what came of a training, once and not once per rank."""
    if not ranks.rank():
        print(line)
