"""Chapter 7, one training loop for every system of the comparison: logged, checkpointed, resumable to the bit.

It is the loop of chapter 6 without stages that hand an average on: a system has phases, and each phase its own data,
optimizers and number of steps. How many steps is given from outside and written into the run's config.json first.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

import torch

from ..front_end import progress_bar
from ..images import replacing
from ..provenance import provenance, versions
from ..training import LAYOUT, Arithmetic, Run, Stopped, settle
from ..training.alarms import Alarms
from ..training.checkpoint import differences, load_checkpoint, save_checkpoint
from ..training.loop import stopwatch
from ..training.precision import prepare, wait
from ..training.run import writing
from ..training.stopping import StopRequest
from .files import save_system
from .material import Material
from .system import Phase, System

Steps = Mapping[str, int]


def train_system(system: System, material: Material, steps: Steps, folder: Path) -> Run:
    """Train a system in a run folder, or go on where an interrupted training stopped, and return the finished run.

    Afterwards ``system`` holds the trained weights, on the CPU. A finished run is not touched.

    Args:
        system: Fresh, as its module builds it.
        material: The patches.
        steps: Steps of each phase, by its name.
        folder: The run folder; it holds nothing, or a run of the same system, settings, photographs and steps.

    Raises:
        ValueError: The folder holds something else, or a loss is not finite any more.
        OSError: The run folder could not be written; what is in it is whole.
        Stopped: Ctrl-C or SIGTERM came; a checkpoint of the step that was reached is saved.
    """
    if set(steps) != {phase.name for phase in system.phases}:
        raise ValueError(f"steps: expected {[phase.name for phase in system.phases]}, got {list(steps)}.")
    run = _open(system, material, steps, folder)
    if run.finished:
        return run
    device = material.device
    prepare()
    system.to(device).to(memory_format=LAYOUT)  # type: ignore[call-overload]
    arithmetic = Arithmetic(run.preset.precision, device)
    with writing(run, "start the same command again"), StopRequest() as stop:
        place = _restore(run, system, arithmetic)
        for phase in system.phases[place.phase :]:
            _do_phase(run, system, phase, place, material, steps[phase.name], arithmetic, stop)
        system.to(torch.device("cpu")).eval()
        save_system(run.weights_path, system, run, place.seconds)
    return run


class _Place:
    """Where a run is: the phase and step it will do next, and the seconds of each phase so far."""

    def __init__(self, phase: int = 0, step: int = 0, seconds: Mapping[str, float] | None = None) -> None:
        self.phase, self.step, self.seconds = phase, step, dict(seconds or {})


def _open(system: System, material: Material, steps: Steps, folder: Path) -> Run:
    """Return the run in a folder if it is the one asked for; begin it where there is none."""
    preset = replace(material.preset, precision=settle(material.preset.precision, material.device))
    asked = {"system": system.name, "source": system.source, "steps": dict(steps)}
    if not (folder / "config.json").is_file():
        return Run.create(folder, preset, material.photographs, provenance() | asked)
    run = Run.open(folder)
    run.check_photographs(material.photographs)
    kept = {name: run.config["facts"].get(name) for name in asked}
    differing = differences(kept, asked) + differences(run.preset.to_dict(), preset.to_dict())
    if differing:
        raise ValueError(
            f"{folder}: holds a run with other settings: {'; '.join(differing[:3])}. Remove it, or give another --runs"
            " folder."
        )
    return run


def _do_phase(
    run: Run,
    system: System,
    phase: Phase,
    place: _Place,
    material: Material,
    steps: int,
    arithmetic: Arithmetic,
    stop: StopRequest,
) -> None:
    """Do the steps that are left of one phase."""
    if place.step == 0:
        system.begin(phase, arithmetic)
    preset, clock = run.preset, stopwatch(place.seconds.get(phase.name, 0.0))
    description = f"{system.name}: {phase.name}"
    alarms = Alarms(phase.name, on=False)  # not of tastes, but of numbers that are not finite
    with run.log_path.open("a", encoding="utf-8") as log, progress_bar(steps, description, place.step) as bar:
        while place.step < steps:
            if stop.here(place.step, preset.log_every, material.device):
                wait(material.device)
                place.seconds[phase.name] = clock()
                _save(run, system, place, alarms)
                raise Stopped(stop.asked, f"{description}, step {place.step} of {steps}")
            system.set_rates(place.step, steps)
            losses = system.step(material.batch(phase, place.step))
            arithmetic.end_step()
            place.step += 1
            alarms.note(place.step, losses)
            bar.update()
            if place.step % preset.log_every == 0 or place.step == steps:
                _log(log, phase, place, alarms, clock)
            if place.step % preset.save_every == 0 and place.step < steps:
                _save(run, system, place, alarms)
    place.phase, place.step = place.phase + 1, 0
    if place.phase < len(system.phases):
        _save(run, system, place, alarms)


def _log(log: TextIO, phase: Phase, place: _Place, alarms: Alarms, clock: Callable[[], float]) -> None:
    values = alarms.read()
    place.seconds[phase.name] = clock()  # only now: a GPU had steps before it
    line = {"stage": phase.name, "step": place.step, "seconds": round(place.seconds[phase.name], 2)}
    log.write(json.dumps(line | values) + "\n")
    log.flush()


def _save(run: Run, system: System, place: _Place, alarms: Alarms) -> None:
    parts = {f"the weights of {name}": list(net.state_dict().values()) for name, net in system.named_children()}
    alarms.check(parts)
    save_checkpoint(
        run.checkpoint_path,
        {
            "preset": run.preset.to_dict(),
            "phase": place.phase,
            "step": place.step,
            "seconds": place.seconds,
            "system": system.state_dict(),
            "optimizers": {name: optimizer.state_dict() for name, optimizer in system.optimizers.items()},
            "scaler": system.arithmetic.scaler.state_dict(),
            "versions": versions(),
        },
    )


def _restore(run: Run, system: System, arithmetic: Arithmetic) -> _Place:
    """Bring a system to the newest checkpoint, and drop what a kill left behind: half files, lines of later steps."""
    for left_by_a_kill in run.folder.glob(".*.part"):
        left_by_a_kill.unlink()
    place = _Place()
    if run.checkpoint_path.is_file():
        saved: dict[str, Any] = load_checkpoint(run.checkpoint_path, run.preset)
        place = _Place(saved["phase"], saved["step"], saved["seconds"])
        if place.step:
            system.begin(system.phases[place.phase], arithmetic)
            for name, optimizer in system.optimizers.items():
                optimizer.load_state_dict(saved["optimizers"][name])
        system.load_state_dict(saved["system"])
        arithmetic.scaler.load_state_dict(saved["scaler"])
    order = [phase.name for phase in system.phases]
    kept = [line for line in run.log if (order.index(line["stage"]), line["step"]) <= _reached(place)]
    with replacing(run.log_path) as temporary:
        temporary.write_text("".join(json.dumps(line) + "\n" for line in kept), encoding="utf-8")
    return place


def _reached(place: _Place) -> tuple[float, float]:
    """Return the last phase and step that are done; at the start of a phase, all of the one before."""
    return (place.phase, place.step) if place.step else (place.phase - 1, math.inf)
