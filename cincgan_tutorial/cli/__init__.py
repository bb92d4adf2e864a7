"""The command line: ``python -m cincgan_tutorial``, also installed as ``cincgan``."""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from ..provenance import program
from ..training import Run, Stopped, ranks
from .checking import CHECK
from .command import Command, one_line
from .downloading import DOWNLOAD
from .enlarging import UPSCALE
from .grading import GRADE
from .memory import lacks_memory, said
from .scoring import EVALUATE
from .studying import STUDY
from .training import RESUME, TRAIN

_DESCRIPTION = """\
CinCGAN: super-resolution x4 without paired data.

First steps:
  python -m cincgan_tutorial upscale photo.jpg --out enlarged       enlarge with the shipped weights
  python -m cincgan_tutorial train --preset lesson --run runs/mine  train on the bundled photographs, minutes on a CPU
  python -m cincgan_tutorial evaluate --weights runs/mine           score the result
"""

_COMMANDS = (CHECK, TRAIN, RESUME, EVALUATE, STUDY, UPSCALE, DOWNLOAD, GRADE)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status.

    0 done, 1 some inputs failed, 2 could not begin or go on, 130 stopped by Ctrl-C, 143 stopped by SIGTERM.
    """
    options = _parser().parse_args(arguments)
    # Of several ranks, the first speaks for all; another one only says what is wrong.
    who = f"rank {ranks.rank()}: " if ranks.rank() else ""
    try:
        if ranks.launched() > 1 and not options.command.many_ranks:
            raise ValueError("only train and resume share their work between several ranks; start this one by python.")
        return options.command.run(options)
    except KeyboardInterrupt as interrupt:
        if not ranks.rank():
            saved = isinstance(interrupt, Stopped)
            print(f"\n{interrupt}" if saved else "\nInterrupted.", file=sys.stderr)
            _say_how_to_go_on(options, "Go on" if saved else "Go on from the last checkpoint")
        # What a shell reports of a program that a signal ended.
        return 128 + (interrupt.asked if isinstance(interrupt, Stopped) else signal.SIGINT)
    except (ValueError, OSError, MemoryError, RuntimeError) as error:
        lacking = lacks_memory(error)
        if isinstance(error, RuntimeError) and not lacking:
            raise  # a fault of this program
        typed = one_line(shlex.join(sys.argv[1:] if arguments is None else arguments))
        print(f"{who}error: {said(typed, options.command.needs_less, error) if lacking else error}", file=sys.stderr)
        if lacking or isinstance(error, ConnectionError):
            _say_how_to_go_on(options, f"{who}Go on from the last checkpoint")
        return 2


def _say_how_to_go_on(options: argparse.Namespace, what: str) -> None:
    if getattr(options, "run", None) and Run(Path(options.run)).config_path.is_file():
        command = shlex.join([*program(), "resume", options.run])
        print(f"{what} with: {command}", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="cincgan", description=_DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in _COMMANDS:
        _add(commands, command)
    return parser


def _add(commands: argparse._SubParsersAction[argparse.ArgumentParser], command: Command) -> None:
    example = f"example: python -m cincgan_tutorial {command.name} {command.example}"
    added = commands.add_parser(command.name, help=command.summary, description=command.details, epilog=example)
    command.arguments(added)
    added.set_defaults(command=command)
