"""Equal budgets: the time of a step is measured once, and from then on a budget in seconds means a number of steps.

A training that counted its own seconds would end elsewhere each time. One that counts steps can be killed, resumed and
repeated; what was measured is kept in a file beside the runs.

The systems of a table are measured minutes or hours apart, and a machine does not stay as fast as it was. So each step
is timed in turns with a yardstick, a step of CinCGAN's stage one, and its length in yardsticks is kept. What a
yardstick takes is measured once, before all: a slow hour then makes no system's training shorter than another's.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ..architectures import Networks
from ..baselines import Material, System
from ..images import replacing
from ..presets import Preset, with_settings
from ..provenance import device_name
from ..training import LAYOUT, Arithmetic, settle
from ..training.loop import train_step
from ..training.precision import prepare, wait
from ..training.replay import EAGER
from ..training.state import State, enter, published
from ..training.validation import Validation

YardsticksPerStep = Mapping[str, float]
SecondsPerStep = Mapping[str, float]

_LENGTHS = "yardsticks_per_step"
# Steps, steps, seconds. On a GPU the step after the first `EAGER` is recorded, and takes longer than any other.
_WARM_UP, _MOST, _LONG_ENOUGH = EAGER + 2, 25, 4.0


@dataclass(frozen=True)
class Pace:
    """What a step of every system takes that was measured on this device.

    Attributes:
        path: The file that keeps it.
        yardstick: Measures the seconds of a yardstick.
    """

    path: Path
    yardstick: Callable[[], float]

    def of(self, key: str, measure: Callable[[], YardsticksPerStep]) -> SecondsPerStep:
        """Return the seconds per step for ``key``, measuring it if this is the first time.

        Raises:
            ValueError: The file was measured on another device, or is damaged.
        """
        known = self._read()
        if key not in known[_LENGTHS]:
            known["yardstick_seconds"] = known["yardstick_seconds"] or self.yardstick()
            known[_LENGTHS][key] = dict(measure())
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(self.path) as temporary:
                temporary.write_text(json.dumps({"device": device_name()} | known, indent=1), encoding="utf-8")
        seconds = known["yardstick_seconds"]
        return {name: length * seconds for name, length in known[_LENGTHS][key].items()}

    def _read(self) -> dict[str, Any]:
        if not self.path.is_file():
            return {"yardstick_seconds": None, _LENGTHS: {}}
        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
            device, known = content["device"], {name: content[name] for name in ("yardstick_seconds", _LENGTHS)}
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"{self.path}: damaged, or of an older version ({error!r}). Remove it and all runs beside it."
            ) from error
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
    """Measure a step of each phase, in yardsticks. The system is trained a little by it: give one to throw away."""
    device = material.device
    system.to(device).to(memory_format=LAYOUT)  # type: ignore[call-overload]
    arithmetic = Arithmetic(settle(material.preset.precision, device), device)
    pace = {}
    for phase in system.phases:
        system.begin(phase, arithmetic)

        def one(step: int, phase=phase) -> None:  # type: ignore[no-untyped-def]
            system.step(material.batch(phase, step))
            arithmetic.end_step()

        pace[phase.name] = _yardsticks(one, material)
    return pace


def pace_of_stages(preset: Preset, material: Material) -> dict[str, float]:
    """Measure a step of CinCGAN's stages, in yardsticks, with its part of what is looked at in between."""
    patches, pace = material.unpaired, {}
    for name, stage in preset.stages().items():
        if not stage.steps:
            pace[name] = 0.0
            continue
        state, one = _stage(preset, name, material)
        pace[name] = _yardsticks(one, material)
        if preset.validate_every and name != "pretrain":
            look, nets = Validation(patches.X, patches.Y), published(state)

            def once(_: int, look=look, nets=nets, state=state) -> None:  # type: ignore[no-untyped-def]
                look(nets.G1, state.arithmetic)

            pace[name] += _yardsticks(once, material) / preset.validate_every
    return pace


def _stage(preset: Preset, name: str, material: Material) -> tuple[State, Callable[[int], None]]:
    """Return a fresh state beyond the warm-up of a stage, and what does a step of it."""
    device, stage, number = material.device, preset.stages()[name], list(preset.stages()).index(name)
    nets = Networks.from_preset(preset).to(device).to(memory_format=LAYOUT)  # type: ignore[call-overload]
    state = State(name, stage.warm_up, nets, Arithmetic(settle(preset.precision, device), device))
    enter(state, name, preset)

    def one(step: int) -> None:
        batch = material.unpaired.batch(step, stage.batch, number)
        x, y, z = (images.to(device, memory_format=LAYOUT) for images in batch)
        train_step(state, name, stage, preset, (x, y, z))

    return state, one


def seconds_of_yardstick(material: Material) -> float:
    """Return what a yardstick takes on this device now."""
    prepare()  # as the loops do
    yardstick = _yardstick(material)
    return statistics.median([_seconds(yardstick, material.device) for _ in range(_WARM_UP + _MOST)][_WARM_UP:])


def _yardsticks(one: Callable[[int], None], material: Material) -> float:
    """Return how long a step is in yardsticks: both in turns, the median, after some that let caches settle."""
    prepare()
    yardstick, device = _yardstick(material), material.device
    lengths: list[float] = []
    before = _seconds(yardstick, device)
    for step in range(_WARM_UP + _MOST):
        if step == _WARM_UP:
            begun = time.monotonic()
        taken = _seconds(lambda step=step: one(step), device)  # type: ignore[misc]
        after = _seconds(yardstick, device)
        lengths.append(2 * taken / (before + after))
        before = after
        if step > _WARM_UP and time.monotonic() - begun > _LONG_ENOUGH:
            break
    return statistics.median(lengths[_WARM_UP:])


def _yardstick(material: Material) -> Callable[[], None]:
    _, one = _stage(material.preset, "first", material)
    return lambda: one(0)


def _seconds(work: Callable[[], None], device: torch.device) -> float:
    begun = time.monotonic()
    work()
    wait(device)
    return time.monotonic() - begun
