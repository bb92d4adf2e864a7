"""Equal budgets: seconds per step are measured once, and from then on a budget in seconds means a number of steps.

A training that counted its own seconds would end elsewhere each time. One that counts steps can be killed, resumed and
repeated; what was measured is kept in a file beside the runs.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from ..architectures import Networks
from ..baselines import Material, System
from ..images import replacing
from ..presets import Preset, with_settings
from ..provenance import device_name
from ..training import LAYOUT, Arithmetic, settle
from ..training.loop import train_step
from ..training.memory import keep_freed_memory
from ..training.state import State, enter, published
from ..training.validation import Validation

SecondsPerStep = Mapping[str, float]

_WARM_UP, _MOST, _LONG_ENOUGH = 2, 25, 4.0  # steps, steps, seconds


@dataclass(frozen=True)
class Pace:
    """The seconds per step of every system that was measured on this device, kept in ``path``."""

    path: Path

    def of(self, key: str, measure: Callable[[], SecondsPerStep]) -> SecondsPerStep:
        """Return what was measured for ``key``, measuring it if this is the first time.

        Raises:
            ValueError: The file was measured on another device, or is damaged.
        """
        known = self._read()
        if key not in known:
            known[key] = dict(measure())
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(self.path) as temporary:
                content = {"device": device_name(), "seconds_per_step": known}
                temporary.write_text(json.dumps(content, indent=1), encoding="utf-8")
        return known[key]

    def _read(self) -> dict[str, dict[str, float]]:
        if not self.path.is_file():
            return {}
        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
            device, known = content["device"], content["seconds_per_step"]
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{self.path}: damaged ({error!r}). Remove it and all runs beside it.") from error
        if device != device_name():
            raise ValueError(
                f"{self.path}: was measured on {device}, and this is {device_name()}. Equal seconds mean other steps"
                " here: give another --runs folder, or as many threads as there (OMP_NUM_THREADS)."
            )
        return known


def steps_of(system: System, pace: SecondsPerStep, budget: float) -> dict[str, int]:
    """Return the steps of each phase of a system that together take ``budget`` seconds."""
    return {phase.name: max(1, round(budget * phase.share / pace[phase.name])) for phase in system.phases}


def stretched(preset: Preset, pace: SecondsPerStep, budget: float) -> Preset:
    """Return a preset of CinCGAN whose stages take ``budget`` seconds and keep their proportions in steps.

    The steps in which a judge learns alone are shortened with the others, but never stretched.
    """
    warm = sum(stage.warm_up * pace[name] for name, stage in preset.stages().items() if stage.steps)
    whole = sum(stage.steps * pace[name] for name, stage in preset.stages().items())
    short = min(1.0, budget / (whole + warm))
    factor = (budget - short * warm) / whole
    settings = {}
    for name, stage in preset.stages().items():
        if stage.steps:
            settings[f"{name}.steps"] = max(1, round(factor * stage.steps))
            settings[f"{name}.warm_up"] = round(short * stage.warm_up)
    return with_settings(preset, settings)


def pace_of_system(system: System, material: Material) -> dict[str, float]:
    """Measure the seconds per step of each phase. The system is trained a little by it: give one to throw away."""
    device = material.device
    system.to(device).to(memory_format=LAYOUT)  # type: ignore[call-overload]
    arithmetic = Arithmetic(settle(material.preset.precision, device), device)
    pace = {}
    for phase in system.phases:
        system.begin(phase, arithmetic)

        def one(step: int, phase=phase) -> None:  # type: ignore[no-untyped-def]
            system.step(material.batch(phase, step))
            arithmetic.end_step()

        pace[phase.name] = _median_seconds(one, device)
    return pace


def pace_of_stages(preset: Preset, material: Material) -> dict[str, float]:
    """Measure the seconds per step of CinCGAN's stages, with a step's part of what is looked at in between."""
    device, patches = material.device, material.unpaired
    pace = {}
    for number, (name, stage) in enumerate(preset.stages().items()):
        if not stage.steps:
            pace[name] = 0.0
            continue
        nets = Networks.from_preset(preset).to(device).to(memory_format=LAYOUT)  # type: ignore[call-overload]
        state = State(name, stage.warm_up, nets, Arithmetic(settle(preset.precision, device), device))
        enter(state, name, preset)

        def one(step: int, name=name, stage=stage, number=number, state=state) -> None:  # type: ignore[no-untyped-def]
            batch = patches.batch(step, stage.batch, number)
            x, y, z = (images.to(device, memory_format=LAYOUT) for images in batch)
            train_step(state, name, stage, preset, (x, y, z))

        pace[name] = _median_seconds(one, device)
        if preset.validate_every and name != "pretrain":
            look = Validation(patches.X, patches.Y)
            begun = time.monotonic()
            look(published(state).G1, state.arithmetic)
            pace[name] += (time.monotonic() - begun) / preset.validate_every
    return pace


def _median_seconds(one: Callable[[int], None], device: torch.device) -> float:
    """Return the median duration of a step, after some that let caches and clocks settle."""
    keep_freed_memory()  # as the loops do that are timed here
    taken: list[float] = []
    for step in range(_WARM_UP + _MOST):
        begun = time.monotonic()
        one(step)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        taken.append(time.monotonic() - begun)
        if step > _WARM_UP and sum(taken) > _LONG_ENOUGH:
            break
    return statistics.median(taken[_WARM_UP:])
