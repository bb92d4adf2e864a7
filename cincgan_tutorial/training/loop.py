r"""Chapter 6, the loop: three stages, logged, checkpointed, resumable to the bit.

A plain loop, for the loop is part of what there is to learn. Everything random is a function of (seed, stage, step),
so a resumed run sees the patches that the undisturbed one would have seen, and nothing about the data has to be saved.
"""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from torch import Tensor

from ..architectures import Networks
from ..degradation import degradation_named
from ..front_end import progress_bar
from ..images import replacing
from ..presets import Preset, Stage, Weights, check
from ..provenance import provenance
from ..unpaired import Photographs, UnpairedPatches
from ..weights import Trained, load_weights, save_weights
from . import ranks
from .alarms import Alarms, appearance
from .checkpoint import save_whole
from .precision import Arithmetic, prepare, settle, training_device, wait
from .run import Run, writing
from .state import LAYOUT, State, beginning, enter, leave, published, restore, save
from .steps import (
    Losses,
    Optimizers,
    cycle_one_step,
    cycle_two_step,
    joint_step,
    pretrain_step,
    set_rates,
    update_average,
    warm_up_step,
)
from .stopping import Stopped, StopRequest
from .validation import Validation


@ranks.joined()
def train(
    preset: Preset,
    photographs: Photographs,
    folder: str | os.PathLike[str],
    command: str | None = None,
) -> Run:
    """Run the three stages in a new run folder and return it finished.

    Args:
        preset: All settings.
        photographs: The split photographs.
        folder: Where the run is kept; must not hold anything yet.
        command: What to record as the command; by default the one that started this program.

    Raises:
        ValueError: The folder is taken, a photograph is too small, the settings make no sense together, or a number is
            not finite any more.
        OSError: The run folder could not be written; what is in it is whole.
        ConnectionError: Another rank is lost.
        Stopped: Ctrl-C or SIGTERM came; a checkpoint of the step that was reached is saved. `resume` goes on.
    """
    preset = replace(check(preset), precision=settle(preset.precision, training_device()))
    ranks.check_batches(preset)
    # These look at photographs and weights first: a run that can't start should leave no folder behind.
    patches = _patches(preset, photographs)
    if preset.start:
        beginning(preset, photographs)
    run = ranks.first_does(lambda: Run.create(folder, preset, photographs, provenance(command)))
    return _go_on(run, photographs, patches)


@ranks.joined()
def resume(
    folder: str | os.PathLike[str], photographs: Photographs | None = None, ranks_may_differ: bool = False
) -> Run:
    """Go on with the run in ``folder`` from its newest checkpoint, or from its first step where it reached none.

    A finished run is returned as it is. On the same CPU, with the same number of threads and library versions, the
    result has the bits that an undisturbed run would have; a warning says where they differ.

    Args:
        folder: The run folder.
        photographs: The photographs of the run; left out, they are read from the folders that it was started with.
            The run remembers where they are now.
        ranks_may_differ: Go on also where the checkpoint was saved by another number of ranks.

    Raises:
        ValueError: No run there, its photographs have changed or are elsewhere, or its checkpoint is damaged.
        OSError, ConnectionError, Stopped: As for `train`.
    """
    run = Run.open(folder)
    if run.finished:
        return run
    if photographs is None:
        photographs = run.photographs_where_they_were()
    run.check_photographs(photographs)
    if run.preset.start:
        beginning(run.preset, photographs)  # it is needed at the end too, and better missed now
    ranks.first_does(partial(run.remember_where, photographs))
    ranks.check_batches(run.preset)
    return _go_on(run, photographs, _patches(run.preset, photographs), ranks_may_differ)


def _patches(preset: Preset, photographs: Photographs) -> UnpairedPatches:
    degradation = None if photographs.x_is_lr else degradation_named(preset.degradation)
    return UnpairedPatches(photographs, degradation, preset.patch, preset.scale, preset.seed).to(training_device())


def _go_on(run: Run, photographs: Photographs, patches: UnpairedPatches, ranks_may_differ: bool = False) -> Run:
    """Do what is left of the three stages, then write the weights."""
    preset, device = run.preset, training_device()
    prepare()
    state = restore(run, preset, device, photographs, ranks_may_differ)
    ranks.begin_alike((state.stage, state.step), state.nets, state.average, state.before_joint)
    names = list(preset.stages())
    with writing(run, f"resume {run.folder}"), StopRequest() as stop:
        ranks.first_does(lambda: _tidy(run, state))
        for name in names[names.index(state.stage) :]:
            _do_stage(run, state, name, patches, stop)
        ranks.first_does(lambda: save_weights(run.weights_path, _trained(run, state, photographs)))
    return run


def _do_stage(run: Run, state: State, name: str, patches: UnpairedPatches, stop: StopRequest) -> None:
    """Do the steps that are left of one stage and hand its average over to the next."""
    preset = run.preset
    stage, number = preset.stages()[name], list(preset.stages()).index(name)
    if state.stage != name:
        state.stage, state.step = name, 0
    if state.step == 0:
        enter(state, name, preset)
    length = stage.steps + stage.warm_up if stage.steps else 0
    clock = stopwatch(state.seconds.get(name, 0.0))
    validation = Validation(patches.X, patches.Y) if _validated(preset, name) else None
    device, shown, alarms = state.arithmetic.device, ranks.rank() == 0, Alarms(name, run.log, preset.alarms)
    log_path = run.log_path if shown else Path(os.devnull)
    with log_path.open("a", encoding="utf-8") as log, progress_bar(length, f"{name:8}", state.step, shown) as bar:
        while state.step < length:
            if stop.here(state.step, preset.log_every, device):
                wait(device)
                state.seconds[name] = clock()
                save(run, state, alarms)
                raise Stopped(stop.asked, f"{name}, step {state.step} of {length}")
            x, y, z = (
                batch.to(device, memory_format=LAYOUT)
                for batch in patches.batch(*ranks.share(state.step, stage.batch), number)
            )
            losses = train_step(state, name, stage, preset, (x, y, z))
            state.step += 1
            alarms.note(state.step, losses)
            bar.update()
            if state.step % preset.log_every == 0 or state.step == length:
                _write_line(log, state, alarms, bar, x, preset, clock)
            played = state.step - stage.warm_up
            if validation and played > 0 and (played % preset.validate_every == 0 or state.step == length):
                _validate(log, state, validation)
            if preset.keep_every and played > 0 and played % preset.keep_every == 0:
                _keep(run, state, played)
            if state.step % preset.save_every == 0 and state.step < length:
                save(run, state, alarms)
    leave(state)
    state.step = length
    save(run, state, alarms)


def train_step(state: State, name: str, stage: Stage, preset: Preset, batch: tuple[Tensor, Tensor, Tensor]) -> Losses:
    """Do one step of the stage called ``name`` and return its losses, detached."""
    set_rates(state.optimizers, stage, max(0, state.step - stage.warm_up))
    if name != "pretrain" and state.step < stage.warm_up:
        rest = preset.norms, state.arithmetic, preset.clip
        losses = warm_up_step(state.nets, state.optimizers, name, *batch, *rest)
        state.arithmetic.end_step()
    else:
        losses = state.replay(partial(_learn, state, name, stage, preset), batch)
    # No part of what is replayed: its span grows from step to step.
    if state.average is not None:
        update_average(state.average, state.nets.upscaler(), preset.ema)
    return losses


def _learn(state: State, name: str, stage: Stage, preset: Preset, x: Tensor, y: Tensor, z: Tensor) -> Losses:
    """Do a step in which everything that learns in the stage learns."""
    nets, optimizers, arithmetic = state.nets, state.optimizers, state.arithmetic
    if name == "pretrain":
        losses = pretrain_step(nets, optimizers, y, z, arithmetic)
    else:
        weights = stage.cycle_one, stage.cycle_two
        losses = _play(nets, optimizers, (x, y, z), weights, preset, arithmetic)
    arithmetic.end_step()
    return losses


def _play(
    nets: Networks,
    optimizers: Optimizers,
    batch: tuple[Tensor, Tensor, Tensor],
    weights: tuple[Weights | None, Weights | None],
    preset: Preset,
    arithmetic: Arithmetic,
) -> Losses:
    """Do a step of the cycles that have weights."""
    (x, y, z), (one, two) = batch, weights
    rest = preset.norms, arithmetic, preset.clip
    if one is not None and two is not None and not preset.adam_per_cycle:
        return joint_step(nets, optimizers, x, y, z, (one, two), *rest)
    losses: Losses = {}
    if one is not None:
        losses |= cycle_one_step(nets, optimizers, x, y, one, *rest)
    if two is not None:
        losses |= cycle_two_step(nets, optimizers, x, y, z, two, *rest)
    return losses


def _validated(preset: Preset, name: str) -> bool:
    return bool(preset.validate_every and preset.stages()[name].steps and name != "pretrain")


def _validate(log: TextIO, state: State, validation: Validation) -> None:
    """Look at the signal without pairs, log it, and keep the best G1 of stage one: the signal does not see SR.

    Rank 0 looks for all: two ranks that round differently might pick different steps.
    """
    seen = ranks.first_does(lambda: validation(published(state).G1, state.arithmetic))
    if not math.isfinite(seen["mismatch"]):
        raise ValueError(
            f"{state.stage}, step {state.step}: G1(x) of a whole image is not finite. The last checkpoint stands. See"
            " the FAQ, book/faq.md#alarm-not-finite"
        )
    log.write(json.dumps({"stage": state.stage, "step": state.step} | seen) + "\n")
    log.flush()
    if state.stage == "first" and (state.best is None or seen["mismatch"] < state.best["mismatch"]):
        weights = {name: value.clone() for name, value in published(state).state_dict().items()}
        state.best = {"mismatch": seen["mismatch"], "step": state.step, "weights": weights}


def _keep(run: Run, state: State, step: int) -> None:
    """Write all networks as they are and as they would be published after a step, for a study to compare."""

    def write() -> None:
        path = run.folder / "snapshots" / f"{state.stage}-{step:06d}.pt"
        path.parent.mkdir(exist_ok=True)
        save_whole(path, {"nets": state.nets.state_dict(), "published": published(state).state_dict()})

    ranks.first_does(write)


def stopwatch(earlier: float) -> Callable[[], float]:
    """Return what tells the seconds of a stage: those of an earlier start, and those since now."""
    begun = time.monotonic()
    return lambda: earlier + time.monotonic() - begun


def _write_line(
    log: TextIO, state: State, alarms: Alarms, bar: Any, x: Tensor, preset: Preset, clock: Callable[[], float]
) -> None:
    """Log one step and warn. Between two such lines no step makes the host wait for the device."""
    values = alarms.read(_appearance(state, x, preset) if preset.alarms else None)
    # Only now: a GPU had steps before it that the host had already handed over.
    state.seconds[state.stage] = clock()
    line = {"stage": state.stage, "step": state.step, "seconds": round(state.seconds[state.stage], 2)} | values
    raised = alarms.look(line)
    for entry in (line, *(alarm.line(state.stage, state.step) for alarm in raised)):
        log.write(json.dumps(entry) + "\n")
    log.flush()
    for alarm in raised if ranks.rank() == 0 else ():
        bar.write(f"warning: {state.stage}, step {state.step}: {alarm}", file=sys.stderr)
    bar.set_postfix({name: f"{value:.3f}" for name, value in values.items() if name in ("SR", "D1", "D2", "LR cycle")})


def _appearance(state: State, x: Tensor, preset: Preset) -> Losses:
    """Return how the output looks on this batch, of the networks that would be published now, where they have moved."""
    if state.stage == "pretrain" or state.step <= preset.stages()[state.stage].warm_up:
        return {}
    return appearance(published(state), x, preset.scale, state.stage == "joint", state.arithmetic)


def _tidy(run: Run, state: State) -> None:
    """Remove what a kill left behind: files half written, and log lines of steps that will be done again."""
    for left_by_a_kill in run.folder.rglob(".*.part"):
        left_by_a_kill.unlink(missing_ok=True)
    _cut_log(run, state)


def _cut_log(run: Run, state: State) -> None:
    """Remove the log lines of steps that the checkpoint does not hold: they will be done, and logged, again."""
    order = list(run.preset.stages())
    reached = (order.index(state.stage), state.step)
    kept = [line for line in run.log if (order.index(line["stage"]), line["step"]) <= reached]
    with replacing(run.log_path) as temporary:
        temporary.write_text("".join(json.dumps(line) + "\n" for line in kept), encoding="utf-8")


def _trained(run: Run, state: State, photographs: Photographs) -> Trained:
    """Collect the result with its history."""
    if state.before_joint is None:
        raise RuntimeError("the joint stage was never entered.")
    config = run.config
    # Commit, versions and device of the end: a run may have been resumed by another program than began it.
    facts = config["facts"] | {key: value for key, value in provenance().items() if key != "command"}
    facts |= {
        "source": photographs.source,
        "x_is_lr": photographs.x_is_lr,
        "seed": run.preset.seed,
        "ranks": ranks.world(),
        "seconds": state.seconds,
        "x_photographs": config["photographs"]["x"],
        "yz_photographs": config["photographs"]["yz"],
    }
    if run.preset.start:
        earlier = load_weights(run.preset.start).facts
        halves = ({*earlier[half].values()} for half in ("x_photographs", "yz_photographs"))
        facts["start_photographs"] = sorted(set.union(*halves, set(earlier.get("start_photographs", []))))
    return Trained(state.nets, state.before_joint, run.preset, facts)
