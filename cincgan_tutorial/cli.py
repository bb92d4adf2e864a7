"""The command line: ``python -m cincgan_tutorial``, also installed as ``cincgan``."""

from __future__ import annotations

import argparse
import collections
import itertools
import shlex
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from .degradation import DEGRADATIONS
from .experiments import (
    DENOISERS,
    SIGNALS,
    STUDIES,
    bound,
    check_name,
    cleaning,
    denoised,
    evaluate,
    evaluation_data,
    record,
    repeat,
    run_signals,
    run_study,
    systems,
    table,
)
from .front_end import progress_bar
from .images import list_images, read_image, read_pixels, write_png
from .inference import super_resolve
from .presets import PRESETS, preset_named, with_settings
from .provenance import program
from .training import Run, Stopped, load_photographs, ranks, resume, train
from .unpaired import Photograph, bundled_photographs
from .weights import DEFAULT, FOR_STRANGERS, find_weights, load_weights, shipped_names

_DESCRIPTION = """\
CinCGAN: super-resolution x4 without paired data.

First steps:
  python -m cincgan_tutorial upscale photo.jpg --out enlarged       enlarge with the shipped weights
  python -m cincgan_tutorial train --preset lesson --run runs/mine  train on the bundled photographs, minutes on a CPU
  python -m cincgan_tutorial evaluate --weights runs/mine           score the result
"""


_EXAMPLES = {
    "train": "--preset lesson --photos my-photos --run runs/mine",
    "resume": "runs/mine",
    "evaluate": "--weights runs/mine --photos held-out",
    "study": "cycle-one --preset lesson",
    "upscale": "a.jpg b.png --out enlarged",
}
_SEEDS, _BOUND = "seeds", "bound"
_PHOTOS = "folder of photographs; left out: the seven that come with the installation"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status.

    0 done, 1 some inputs failed, 2 could not begin or go on, 130 stopped by Ctrl-C, 143 stopped by SIGTERM.
    """
    options = _parser().parse_args(arguments)
    # Of several ranks, the first speaks for all; another one only says what is wrong.
    who = f"rank {ranks.rank()}: " if ranks.rank() else ""
    try:
        if ranks.launched() > 1 and options.run_command not in (_train, _resume):
            raise ValueError("only train and resume share their work between several ranks; start this one by python.")
        return options.run_command(options)
    except KeyboardInterrupt as interrupt:
        if not ranks.rank():
            saved = isinstance(interrupt, Stopped)
            print(f"\n{interrupt}" if saved else "\nInterrupted.", file=sys.stderr)
            _say_how_to_go_on(options, "Go on" if saved else "Go on from the last checkpoint")
        # What a shell reports of a program that a signal ended.
        return 128 + (interrupt.asked if isinstance(interrupt, Stopped) else signal.SIGINT)
    except (ValueError, OSError) as error:
        print(f"{who}error: {error}", file=sys.stderr)
        if isinstance(error, ConnectionError):
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

    def command(
        name: str, run: Callable[[argparse.Namespace], int], summary: str, details: str
    ) -> argparse.ArgumentParser:
        example = f"example: python -m cincgan_tutorial {name} {_EXAMPLES[name]}"
        added = commands.add_parser(name, help=summary, description=details, epilog=example)
        added.set_defaults(run_command=run)
        return added

    _train_arguments(
        command(
            "train",
            _train,
            "train the three stages",
            "Train SR, then cycle one, then both cycles. Interrupted? Use resume. On several GPUs:"
            " torchrun --nproc-per-node N -m -- cincgan_tutorial train ...",
        )
    )
    _resume_arguments(
        command(
            "resume",
            _resume,
            "go on with an interrupted run",
            "Go on from the newest checkpoint, or from the start if none.",
        )
    )
    _evaluate_arguments(
        command(
            "evaluate",
            _evaluate,
            "score weights on photographs",
            "Degrade photographs, enlarge them with every system, print mean PSNR and SSIM (RGB, border 4).",
        )
    )
    _study_arguments(
        command(
            "study",
            _study,
            "run the experiments behind the chapters",
            "Train every variant of a study and record the scores; what is finished is not done again.",
        )
    )
    _upscale_arguments(
        command(
            "upscale",
            _upscale,
            "enlarge photographs",
            "Write DIR/name.png for every input, exactly 4x as large. Existing files are never overwritten.",
        )
    )
    return parser


def _train_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("--preset", default="lesson", help=f"{', '.join(PRESETS)} (default: lesson)")
    p.add_argument(
        "--photos", metavar="DIR", help=_PHOTOS + ". A split.csv in it (columns file, half: A or B) is obeyed"
    )
    p.add_argument(
        "--run",
        metavar="DIR",
        required=True,
        help="new folder for log, checkpoints and weights; one that holds this very run, finished, is left as it is",
    )
    p.add_argument(
        "--set",
        metavar="KEY=VALUE",
        nargs="+",
        action="extend",
        default=[],
        dest="settings",
        help="change settings of the preset, for example --set seed=1 first.steps=500",
    )


def _resume_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("run", metavar="RUN", help="the run folder")
    p.add_argument(
        "--ranks-may-differ",
        action="store_true",
        help="go on with another number of ranks (see torchrun) than the checkpoint was saved with; the result will"
        " not be that of an undisturbed run",
    )


def _weights_argument(p: argparse.ArgumentParser, default: str = DEFAULT) -> None:
    names = ", ".join(shipped_names()) or "none here"
    p.add_argument(
        "--weights",
        metavar="W",
        help=f"a shipped name ({names}), a weights file or a run folder (default: {default}, shipped)",
    )


def _evaluate_arguments(p: argparse.ArgumentParser) -> None:
    _weights_argument(p)
    p.add_argument(
        "--photos", metavar="DIR", help="HR photographs no network saw; left out: the two bundled ones kept for this"
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
    _results_argument(p)


def _results_argument(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "--results",
        metavar="DIR",
        type=Path,
        default=Path("book/results"),
        help="where results are written (default: book/results)",
    )


def _study_arguments(p: argparse.ArgumentParser) -> None:
    questions = {name: study.question for name, study in STUDIES.items()} | {
        SIGNALS.name: SIGNALS.question,
        _SEEDS: "how much the result depends on the seed",
        _BOUND: "what the same networks reach when they are trained on pairs",
    }
    p.add_argument(
        "name", choices=sorted(questions), help="; ".join(f"{name}: {text}" for name, text in questions.items())
    )
    p.add_argument("--preset", default="lesson", help=f"{', '.join(PRESETS)} (default: lesson)")
    p.add_argument("--photos", metavar="DIR", help=_PHOTOS)
    p.add_argument("--held-out", metavar="DIR", help="photographs to score on; left out: the two bundled ones")
    p.add_argument(
        "--seeds", metavar="N", nargs="+", type=int, default=[0, 1, 2], help=f"of the study {_SEEDS} (default: 0 1 2)"
    )
    p.add_argument(
        "--runs", metavar="DIR", type=Path, default=Path("runs"), help="where the runs are kept (default: runs)"
    )
    _results_argument(p)


def _upscale_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("inputs", metavar="INPUT", nargs="+", help="image files")
    p.add_argument("--out", metavar="DIR", required=True, type=Path, help="folder for the results")
    _weights_argument(p, FOR_STRANGERS)
    p.add_argument("--tile", metavar="N", type=int, default=256, help="work in tiles of N input pixels (default: 256)")


def _train(options: argparse.Namespace) -> int:
    settings = dict(_key_value(text) for text in options.settings)
    preset = with_settings(preset_named(options.preset), settings)
    photographs = load_photographs(options.photos)
    existing = Run(Path(options.run))
    if existing.finished and existing.config_path.is_file():
        # Asked for twice, made once, as by make: a script that trains and then scores can be run again.
        Run.open(options.run).check_answers(preset, photographs)
        _say(f"{options.run}: already finished, nothing to do. Score it with: evaluate --weights {options.run}")
        return 0
    run = train(preset, photographs, options.run)
    _say(f"Finished: {run.weights_path}")
    return 0


def _key_value(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise ValueError(f"--set {text}: expected KEY=VALUE, for example first.steps=500.")
    return key, value


def _resume(options: argparse.Namespace) -> int:
    was_finished = Run.open(options.run).finished
    run = resume(options.run, ranks_may_differ=options.ranks_may_differ)
    _say(f"{'Already finished' if was_finished else 'Finished'}: {run.weights_path}")
    return 0


def _say(line: str) -> None:
    """Print what came of a training, once and not once per rank."""
    if not ranks.rank():
        print(line)


def _evaluate(options: argparse.Namespace) -> int:
    if options.record:
        check_name(options.record)
    trained = load_weights(options.weights)
    photographs = _held_out(options.photos)
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


def _held_out(folder: str | None) -> list[Photograph]:
    """Return the photographs to score on: all of a folder, or the two bundled ones that are kept for this."""
    if folder is None:
        return list(bundled_photographs().held_out)
    return [Photograph(path.relative_to(folder).as_posix(), read_pixels(path)) for path in list_images(folder)]


def _study(options: argparse.Namespace) -> int:
    photographs, held_out = load_photographs(options.photos), _held_out(options.held_out)
    preset = preset_named(options.preset)
    if options.name == _SEEDS:
        where = repeat(preset, options.seeds, photographs, held_out, options.runs, options.results)
    elif options.name == _BOUND:
        where = bound(preset, photographs, held_out, options.runs, options.results)
    elif options.name == SIGNALS.name:
        where = run_signals(SIGNALS, preset, photographs, held_out, options.runs, options.results)
    else:
        where = run_study(STUDIES[options.name], preset, photographs, held_out, options.runs, options.results)
    print(f"Recorded: {where}")
    return 0


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
