r"""Chapter 6, the loop: three stages, logged, checkpointed, resumable to the bit.

A plain loop, for the loop is part of what there is to learn. Everything random is a function of (seed, stage, step),
so a resumed run sees the patches that the undisturbed one would have seen, and nothing about the data has to be saved.
"""

from __future__ import annotations

import copy
import json
import math
import os
import time
import warnings
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TextIO

import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from ..architectures import Networks, Upscaler
from ..degradation import degradation_named
from ..front_end import progress_bar
from ..images import replacing
from ..presets import Preset, Stage, check
from ..provenance import provenance, versions
from ..unpaired import Photographs, UnpairedPatches
from ..weights import Trained, load_weights, save_weights
from . import ranks
from .checkpoint import load_checkpoint, save_checkpoint
from .precision import Arithmetic, settle
from .run import Run, load_photographs
from .steps import (
    Losses,
    Optimizers,
    cycle_one_step,
    cycle_two_step,
    judge_step,
    make_optimizers,
    pretrain_step,
    set_rates,
)
from .stopping import Stopped, StopRequest

# Pixel by pixel with the channels together: on the CPU it was measured on, convolutions run a third faster so.
_LAYOUT = torch.channels_last


@dataclass
class State:
    """Where a run is: the stage and step it will do next, and everything that training changes."""

    stage: str
    step: int
    nets: Networks
    arithmetic: Arithmetic
    optimizers: Optimizers = field(default_factory=dict)
    average: AveragedModel | None = None
    before_joint: Upscaler | None = None
    seconds: dict[str, float] = field(default_factory=dict)


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
        ValueError: The folder is taken, a photograph is too small, or the settings make no sense together.
        OSError: A checkpoint could not be written.
        Stopped: Ctrl-C or SIGTERM came; a checkpoint of the step that was reached is saved. `resume` goes on.
    """
    preset = replace(check(preset), precision=settle(preset.precision, _device()))
    ranks.check_batches(preset)
    # These look at photographs and weights first: a run that can't start should leave no folder behind.
    patches = _patches(preset, photographs)
    if preset.start:
        _start(preset, photographs)
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
        photographs: The photographs of the run; left out, they are read from where the run was started with.
        ranks_may_differ: Go on also where the checkpoint was saved by another number of ranks.

    Raises:
        ValueError: No run there, its photographs have changed, or its checkpoint is damaged.
        OSError: A checkpoint could not be written.
        Stopped: As for `train`.
    """
    run = Run.open(folder)
    if run.finished:
        return run
    if photographs is None:
        photographs = load_photographs(run.config["photographs"]["path"])
    run.check_photographs(photographs)
    ranks.check_batches(run.preset)
    return _go_on(run, photographs, _patches(run.preset, photographs), ranks_may_differ)


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _patches(preset: Preset, photographs: Photographs) -> UnpairedPatches:
    return UnpairedPatches(photographs, degradation_named(preset.degradation), preset.patch, preset.scale, preset.seed)


def _go_on(run: Run, photographs: Photographs, patches: UnpairedPatches, ranks_may_differ: bool = False) -> Run:
    """Do what is left of the three stages, then write the weights."""
    preset, device = run.preset, _device()
    state = _restore(run, preset, device, photographs, ranks_may_differ)
    ranks.begin_alike((state.stage, state.step), state.nets, state.average, state.before_joint)
    ranks.first_does(lambda: _tidy(run, state))
    names = list(preset.stages())
    with StopRequest() as stop:
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
        _enter(state, name, preset)
    length = stage.steps + stage.warm_up if stage.steps else 0
    earlier, begun = state.seconds.get(name, 0.0), time.monotonic()
    device, first = state.arithmetic.device, ranks.rank() == 0
    log_path = run.log_path if first else Path(os.devnull)
    with log_path.open("a", encoding="utf-8") as log, progress_bar(length, f"{name:8}", state.step, first) as bar:
        while state.step < length:
            if stop.here(state.step, preset.log_every, device):
                state.seconds[name] = earlier + time.monotonic() - begun
                ranks.first_does(lambda: _save(run, state))
                raise Stopped(stop.asked, f"{name}, step {state.step} of {length}")
            x, y, z = (
                batch.to(device, memory_format=_LAYOUT)
                for batch in patches.batch(*ranks.share(state.step, stage.batch), number)
            )
            losses = _step(state, name, stage, preset, (x, y, z))
            state.step += 1
            bar.update()
            if state.step % preset.log_every == 0 or state.step == length:
                state.seconds[name] = earlier + time.monotonic() - begun
                _write_line(log, state, losses, bar)
            if state.step % preset.save_every == 0 and state.step < length:
                _save(run, state)
    _leave(state)
    state.step = length
    _save(run, state)


def _step(state: State, name: str, stage: Stage, preset: Preset, batch: tuple[Tensor, Tensor, Tensor]) -> Losses:
    """Do one step of the stage called ``name`` and return its losses, detached."""
    x, y, z = batch
    nets, optimizers, arithmetic = state.nets, state.optimizers, state.arithmetic
    set_rates(optimizers, stage, max(0, state.step - stage.warm_up))
    if name == "pretrain":
        losses = pretrain_step(nets, optimizers, y, z, arithmetic)
    elif state.step < stage.warm_up:
        losses = _warm_up(nets, optimizers, name, x, y, z, arithmetic, preset.clip)
    else:
        losses = {}
        if stage.cycle_one is not None:
            losses |= cycle_one_step(nets, optimizers, x, y, stage.cycle_one, preset.norms, arithmetic, preset.clip)
        if name == "joint" and stage.cycle_two is not None:
            losses |= cycle_two_step(nets, optimizers, x, y, z, stage.cycle_two, preset.norms, arithmetic, preset.clip)
    arithmetic.end_step()
    if state.average is not None:
        state.average.update_parameters(nets.upscaler())
    return losses


@torch.no_grad()
def _warm_up(
    nets: Networks,
    optimizers: Optimizers,
    name: str,
    x: Tensor,
    y: Tensor,
    z: Tensor,
    arithmetic: Arithmetic,
    clip: float,
) -> Losses:
    """Let the discriminator that is new in this stage learn first: a judge at chance would teach noise."""
    with arithmetic.forward():
        fake = nets.G1(x) if name == "first" else nets.SR(nets.G1(x))
    D, real = (nets.D1, y) if name == "first" else (nets.D2, z)
    key = "D1" if name == "first" else "D2"
    with torch.enable_grad():
        return {key: judge_step(D, optimizers[key], real, fake, arithmetic, clip)}


def _enter(state: State, name: str, preset: Preset) -> None:
    """Set up a stage: fresh optimizers, a fresh average, and before the joint stage a copy to compare with."""
    nets = state.nets.train()
    state.optimizers = make_optimizers(nets, name, preset.stages()[name], preset)
    state.average = _average(nets, preset)
    if name == "joint":
        state.before_joint = copy.deepcopy(nets.upscaler())


def _leave(state: State) -> None:
    """Let the averaged G1 and SR take the place of the last step's."""
    if state.average is not None and int(state.average.n_averaged):
        state.nets.upscaler().load_state_dict(state.average.module.state_dict())


def _average(nets: Networks, preset: Preset) -> AveragedModel | None:
    if not preset.ema:
        return None
    return AveragedModel(nets.upscaler(), multi_avg_fn=get_ema_multi_avg_fn(preset.ema))


def _write_line(log: TextIO, state: State, losses: Losses, bar: Any) -> None:
    """Log one step. Reading the losses is the only point at which the host waits for the device."""
    values = {name: float(value) for name, value in ranks.average_losses(losses).items()}
    broken = [name for name, value in values.items() if not math.isfinite(value)]
    if broken:
        raise ValueError(
            f"{state.stage}, step {state.step}: the loss {broken[0]!r} is not finite any more. The checkpoint stands;"
            " start a new run with a smaller learning rate."
        )
    line = {"stage": state.stage, "step": state.step, "seconds": round(state.seconds[state.stage], 2)} | values
    log.write(json.dumps(line) + "\n")
    log.flush()
    bar.set_postfix({name: f"{value:.3f}" for name, value in values.items() if name in ("SR", "D1", "D2", "LR cycle")})


def _save(run: Run, state: State) -> None:
    """Save everything that the run needs to go on from here: on rank 0, since all ranks hold the same."""
    if ranks.rank():
        return
    save_checkpoint(
        run.checkpoint_path,
        {
            "preset": run.preset.to_dict(),
            "stage": state.stage,
            "step": state.step,
            "nets": state.nets.state_dict(),
            "optimizers": {name: optimizer.state_dict() for name, optimizer in state.optimizers.items()},
            "average": None if state.average is None else state.average.state_dict(),
            "before_joint": None if state.before_joint is None else state.before_joint.state_dict(),
            "scaler": state.arithmetic.scaler.state_dict(),
            "seconds": state.seconds,
            "versions": versions(),
            "threads": torch.get_num_threads(),
            "ranks": ranks.world(),
        },
    )


def _restore(run: Run, preset: Preset, device: torch.device, photographs: Photographs, ranks_may_differ: bool) -> State:
    """Return the state of the newest checkpoint, or the state before the first step where there is none."""
    nets = Networks.from_preset(preset).to(device).to(memory_format=_LAYOUT)  # type: ignore[call-overload]
    state = State("pretrain", 0, nets, Arithmetic(preset.precision, device))
    if not run.checkpoint_path.is_file():
        if preset.start:
            nets.load_state_dict(_start(preset, photographs).nets.state_dict())
        return state
    saved = load_checkpoint(run.checkpoint_path, preset)
    # Checkpoints of before there were ranks come from one.
    if saved.get("ranks", 1) != ranks.world() and not ranks_may_differ:
        raise ValueError(
            f"{run.checkpoint_path}: was saved with {saved.get('ranks', 1)} rank(s), and here are {ranks.world()}. The"
            " result would not be that of an undisturbed run. To go on all the same:"
            f" resume {run.folder} --ranks-may-differ"
        )
    if (saved["versions"], saved["threads"]) != (versions(), torch.get_num_threads()):
        warnings.warn(
            "library versions or number of threads are not those of the checkpoint: the run goes on, but its result"
            " will not equal an undisturbed run to the bit.",
            stacklevel=2,
        )
    state.stage, state.step, state.seconds = saved["stage"], saved["step"], saved["seconds"]
    _enter(state, state.stage, preset)
    nets.load_state_dict(saved["nets"])
    for name, optimizer in state.optimizers.items():
        optimizer.load_state_dict(saved["optimizers"][name])
    state.arithmetic.scaler.load_state_dict(saved["scaler"])
    if state.average is not None:
        state.average.load_state_dict(saved["average"])
    if state.before_joint is not None:
        state.before_joint.load_state_dict(saved["before_joint"])
    return state


def _start(preset: Preset, photographs: Photographs) -> Trained:
    """Return what a run begins with, after a look at whether it fits and saw nothing of the other half."""
    start = load_weights(preset.start)
    sizes = ("scale", "generator", "discriminator", "sr")
    differing = [name for name in sizes if getattr(start.preset, name) != getattr(preset, name)]
    if differing:
        raise ValueError(f"start={preset.start}: its networks have another {', '.join(differing)} than this preset's.")
    for ours, theirs in ((photographs.x, "yz_photographs"), (photographs.yz, "x_photographs")):
        seen = set(start.facts[theirs].values())
        both = [photograph.name for photograph in ours if photograph.sha256 in seen]
        if both:
            raise ValueError(f"start={preset.start}: was trained with {both[0]!r} in the other half. Split as it was.")
    return start


def _tidy(run: Run, state: State) -> None:
    """Remove what a kill left behind: files half written, and log lines of steps that will be done again."""
    for left_by_a_kill in run.folder.glob(".*.part"):
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
