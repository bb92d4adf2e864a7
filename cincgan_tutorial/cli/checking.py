"""``check``: a look at one's own photographs before training."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..presets import PRESETS, preset_named
from ..survey import survey
from ..unpaired import read_photographs
from .command import Command

LR_PHOTOS = "folder of LR photographs, noisy as they came: X. Needs --hr-photos, and no degradation is simulated"
HR_PHOTOS = "folder of clean HR photographs of other scenes: Y and Z. Needs --lr-photos"


def _check_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("--lr-photos", metavar="DIR", required=True, type=Path, help=LR_PHOTOS)
    p.add_argument("--hr-photos", metavar="DIR", required=True, type=Path, help=HR_PHOTOS)
    p.add_argument("--preset", default="lesson", help=f"{', '.join(PRESETS)} (default: lesson)")


def _check(options: argparse.Namespace) -> int:
    preset = preset_named(options.preset)
    lr, hr = read_photographs(options.lr_photos), read_photographs(options.hr_photos, hr=True)
    found = survey(lr, hr, preset.patch, preset.scale)
    print(found)
    return 1 if found.stops else 0


CHECK = Command(
    "check",
    "look at your own photographs before training",
    "Measure LR and HR photographs and say what will go wrong. Exit status 1 if training could not begin with them.",
    "--lr-photos from-the-phone --hr-photos from-the-camera",
    _check_arguments,
    _check,
    needs_less="Take fewer photographs; some dozens of each kind tell enough.",
)
