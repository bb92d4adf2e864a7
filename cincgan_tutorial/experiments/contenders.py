"""The rows of the comparison: every system, trained under one budget, or not trained at all.

A contender is trained once for a seed and a budget, in a folder of its own, and found there the next time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ..architectures import parameter_count
from ..baselines import (
    SRGAN,
    CycleGAN,
    DualGAN,
    FSRCNNSystem,
    Material,
    edsr,
    edsr_plus,
    load_system,
    on_pairs,
    srgan_plus,
    srresnet,
    train_system,
)
from ..baselines import System as Trainable
from ..degradation import DEGRADATIONS, bicubic_upsample
from ..images import Images, replacing
from ..inference import super_resolve
from ..perceptual import noise_level
from ..presets import Preset, with_settings
from ..training import training_device
from ..training.validation import spread
from ..unpaired import Photograph, Photographs
from ..weights import load_weights
from .denoisers import DENOISERS
from .evaluate import score_all
from .pace import Pace, SecondsPerStep, pace_of_stages, pace_of_system, seconds_of_yardstick, steps_of, stretched
from .study import trained_in
from .systems import System

TRAINED: dict[str, Callable[[Preset], Trainable]] = {
    "fsrcnn": FSRCNNSystem,
    "edsr": edsr,
    "srresnet": srresnet,
    "srgan": SRGAN,
    "edsr-plus": edsr_plus,
    "srgan-plus": srgan_plus,
    "on-pairs": on_pairs,
    "cycle-gan": CycleGAN,
    "dual-gan": DualGAN,
}
CINCGAN = "cincgan"
# Whose score on clean input admits a row: of the network that it is, begins with, or ends with.
ADMITTED_BY = {
    "fsrcnn": "fsrcnn",
    "edsr": "edsr",
    "edsr-plus": "edsr",
    "srresnet": "srresnet",
    "srgan": "srresnet",
    "srgan-plus": "srresnet",
}
# What is tried to tune a denoiser, in levels of 255, and on how many photographs at most.
LEVELS = (3.0, 5.0, 7.0, 9.0, 12.0, 15.0, 18.0, 22.0, 26.0, 32.0, 40.0)
_TUNED_ON = 4


@dataclass(frozen=True)
class Contender:
    """A row before it is scored.

    Attributes:
        key: Name of its folder.
        name: What tables call it.
        upscale: x -> z.
        facts: Steps, seconds and weights where it was trained, and whatever else says how it came to be.
        admitted_by: Key of the contender that has to beat bicubic on clean input for this one to be shown; empty where
            none has to.
    """

    key: str
    name: str
    upscale: System
    facts: Mapping[str, Any]
    admitted_by: str = ""


@dataclass(frozen=True)
class Arena:
    """What the contenders of one seed share: settings, photographs, patches, and a budget.

    Attributes:
        preset: Settings, with the seed.
        photographs: What all are trained on.
        runs: Where runs and measured paces are kept.
        budget: Training seconds of each.
    """

    preset: Preset
    photographs: Photographs
    runs: Path
    budget: float

    @cached_property
    def material(self) -> Material:
        """The patches."""
        return Material(self.preset, self.photographs, training_device())

    @property
    def folder(self) -> Path:
        """Where the runs of this seed and budget are kept."""
        return self.runs / f"{self.budget:g}s" / f"seed-{self.preset.seed}"

    @property
    def pace(self) -> Pace:
        """The measured seconds per step, shared by all seeds and budgets."""
        return Pace(self.runs / "pace.json", lambda: seconds_of_yardstick(self.material))

    def bicubic(self) -> Contender:
        """Return interpolation, the row that all others are compared with."""
        scale = self.preset.scale
        facts = {"source": "Keys 1981, a = -0.5", "sees_pairs": False, "parameters": {"used": 0, "trained": 0}}
        return Contender("bicubic", "bicubic", lambda x: bicubic_upsample(x, scale).clamp(0, 1), facts)

    def trained(self, key: str) -> Contender:
        """Return a system of `TRAINED`, trained for the budget."""
        make = TRAINED[key]
        pace = self.pace.of(key, lambda: pace_of_system(make(self.preset), self.material))
        learner, system = make(self.preset), make(self.preset)
        run = train_system(learner, self.material, steps_of(learner, pace, self.budget), self.folder / key)
        # Always read from the file: what has just been trained lies otherwise in memory, and rounds otherwise.
        facts = load_system(system, run.weights_path)
        facts = _training_facts(facts) | {"source": system.source, "sees_pairs": system.sees_pairs}
        return Contender(key, system.name, system.upscale, facts, ADMITTED_BY.get(key, ""))

    def cincgan(
        self,
        key: str = CINCGAN,
        name: str = "CinCGAN",
        settings: Mapping[str, Any] | None = None,
        keep_colours: bool = True,
    ) -> Contender:
        """Return CinCGAN, or a variant of it with other settings, its stages stretched to the budget.

        Without ``keep_colours`` those of G1 are left free in use, whatever the preset says; training is the same.
        """
        preset = with_settings(self.preset, settings or {})
        preset = stretched(preset, self.pace_of_cincgan(key, preset), self.budget)
        trained = load_weights(trained_in(self.folder / key, preset, self.photographs))
        upscaler = trained.nets.upscaler() if keep_colours else trained.nets.upscaler().keeping(0)
        facts = _training_facts(trained.facts) | {
            "source": "Yuan et al., CVPRW 2018, 3 and 4",
            "sees_pairs": False,
            "steps": {name: stage.steps + stage.warm_up for name, stage in preset.stages().items() if stage.steps},
            "parameters": {"used": parameter_count(upscaler), "trained": parameter_count(trained.nets)},
            "settings": dict(settings or {}),
        }
        return Contender(key, name, lambda x: super_resolve(upscaler, x), facts)

    def pace_of_cincgan(self, key: str, preset: Preset) -> SecondsPerStep:
        """Return the seconds per step of each stage of a variant, measured where it was not before."""
        return self.pace.of(key, lambda: pace_of_stages(preset, self.material))

    def denoised(self, edsr: Contender, tune: Sequence[Photograph]) -> list[Contender]:
        """Return each denoiser that is installed before EDSR, twice: noise level estimated from x, and tuned.

        Args:
            edsr: The trained EDSR.
            tune: Photographs, not those that are scored, on which the level with the best PSNR is found: a help that
                only a person with pairs could give.
        """
        found = []
        for kind, (label, source) in _DENOISERS.items():
            if missing(kind):
                continue
            # What was trained, and for how long, is EDSR.
            facts = dict(edsr.facts) | {"source": source, "sees_pairs": False}

            def estimated(x: Images, kind: str = kind) -> Images:
                return edsr.upscale(DENOISERS[kind](x, noise_level(x, border=0)))

            level = self._tuned_level(kind, edsr, tune)
            name = f"{label}+{edsr.name}"
            found += [
                Contender(f"{kind}-estimated", f"{name}, estimated", estimated, facts, "edsr"),
                Contender(
                    f"{kind}-tuned", f"{name}, tuned", _before(edsr, kind, level), facts | {"level": level}, "edsr"
                ),
            ]
        return found

    def _tuned_level(self, kind: str, edsr: Contender, tune: Sequence[Photograph]) -> float:
        """Return the noise level with the best mean PSNR; found once, and then read."""
        chosen = spread(tune, _TUNED_ON)
        path = self.folder / f"{kind}-level.json"
        asked = {"photographs": [photograph.sha256 for photograph in chosen], "edsr": edsr.facts["date"]}
        if path.is_file():
            known = json.loads(path.read_text(encoding="utf-8"))
            if known["asked"] == asked:
                return known["level"]
        degradation = DEGRADATIONS[self.preset.degradation].without_shift()
        rows = score_all(
            {f"{level:g}": _before(edsr, kind, level) for level in LEVELS}, chosen, degradation, self.preset.scale
        )
        best = max(rows, key=lambda row: row.mean_psnr)
        with replacing(path) as temporary:
            temporary.write_text(json.dumps({"asked": asked, "level": float(best.system)}), encoding="utf-8")
        return float(best.system)


_DENOISERS = {
    "nlm": ("nlm", "Buades et al., CVPR 2005, then EDSR"),
    "bm3d": ("BM3D", "Dabov et al., TIP 2007, then EDSR"),
}


def missing(kind: str) -> str:
    """Return why a denoiser can't be used here; empty where it can."""
    if kind != "bm3d":
        return ""
    try:
        import bm3d  # noqa: F401 - only whether it is there
    except ImportError:
        return "the package bm3d is not installed; it is free for non-commercial use only"
    return ""


def _before(edsr: Contender, kind: str, level: float) -> System:
    return lambda x: edsr.upscale(DENOISERS[kind](x, level))


def _training_facts(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the header of a weights file says of a training, as far as a row shows it."""
    names = ("command", "commit", "device", "date", "versions", "seconds", "steps", "parameters", "seed")
    return {name: facts[name] for name in names if name in facts}
