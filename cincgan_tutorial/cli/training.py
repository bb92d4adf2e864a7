"""``train`` and ``resume``."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..presets import Preset
from ..survey import survey
from ..training import Run, load_photographs, resume, train
from ..unpaired import Photographs
from .checking import HR_PHOTOS, LR_PHOTOS
from .command import PHOTOS, Command, chosen_preset, preset_arguments, say


def _train_arguments(p: argparse.ArgumentParser) -> None:
    preset_arguments(p)
    p.add_argument(
        "--photos",
        metavar="DIR",
        help=PHOTOS + ". A split.csv in it (columns file, half: A or B) is obeyed,"
        " and DIV2K in its official folders split as in the paper",
    )
    p.add_argument("--lr-photos", metavar="DIR", help=LR_PHOTOS)
    p.add_argument("--hr-photos", metavar="DIR", help=HR_PHOTOS)
    p.add_argument(
        "--run",
        metavar="DIR",
        required=True,
        help="new folder for log, checkpoints and weights; one that holds this very run, finished, is left as it is",
    )


def _resume_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("run", metavar="RUN", help="the run folder")
    p.add_argument("--photos", metavar="DIR", help="where its photographs are now, if moved; it is remembered")
    p.add_argument("--lr-photos", metavar="DIR", help="where its LR photographs are now; with --hr-photos")
    p.add_argument("--hr-photos", metavar="DIR", help="where its HR photographs are now; with --lr-photos")
    p.add_argument(
        "--ranks-may-differ",
        action="store_true",
        help="go on with another number of ranks (see torchrun) than the checkpoint was saved with; the result will"
        " not be that of an undisturbed run",
    )


def _train(options: argparse.Namespace) -> int:
    preset = chosen_preset(options)
    photographs = _photographs(options, preset)
    existing = Run(Path(options.run))
    if existing.finished and existing.config_path.is_file():
        # Asked for twice, made once, as by make: a script that trains and then scores can be run again.
        Run.open(options.run).check_answers(preset, photographs)
        say(f"{options.run}: already finished, nothing to do. Score it with: evaluate --weights {options.run}")
        return 0
    run = train(preset, photographs, options.run)
    say(f"Finished: {run.weights_path}")
    return 0


def _loaded(options: argparse.Namespace) -> Photographs:
    """Load the photographs that were asked for."""
    if not options.lr_photos and not options.hr_photos:
        return load_photographs(options.photos)
    if options.photos or not (options.lr_photos and options.hr_photos):
        raise ValueError("--lr-photos and --hr-photos belong together, and replace --photos.")
    return load_photographs(options.hr_photos, options.lr_photos)


def _photographs(options: argparse.Namespace, preset: Preset) -> Photographs:
    """Load the photographs that were asked for; one's own, LR and HR, are looked at first."""
    photographs = _loaded(options)
    if not options.lr_photos:
        return photographs
    found = survey(photographs.x, photographs.yz, preset.patch, preset.scale)
    if found.stops:
        raise ValueError(next(finding.text for finding in found.findings if finding.stops))
    say(str(found))
    return photographs


def _resume(options: argparse.Namespace) -> int:
    was_finished = Run.open(options.run).finished
    moved = not was_finished and (options.photos or options.lr_photos or options.hr_photos)
    run = resume(options.run, _loaded(options) if moved else None, options.ranks_may_differ)
    say(f"{'Already finished' if was_finished else 'Finished'}: {run.weights_path}")
    return 0


TRAIN = Command(
    "train",
    "train the three stages",
    "Train SR, then cycle one, then both cycles. Interrupted? Use resume. On several GPUs:"
    " torchrun --nproc-per-node N -m -- cincgan_tutorial train ...",
    "--preset lesson --photos my-photos --run runs/mine",
    _train_arguments,
    _train,
    many_ranks=True,
    needs_less="Take a smaller preset (--preset lesson), smaller batches (--set joint.batch=4) or fewer photographs.",
)
RESUME = Command(
    "resume",
    "go on with an interrupted run",
    "Go on from the newest checkpoint, or from the start if none.",
    "runs/mine",
    _resume_arguments,
    _resume,
    many_ranks=True,
    needs_less="Close other programs, or copy the run folder to a machine with more.",
)
