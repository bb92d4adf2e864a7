"""Chapter 6, the state of a run: everything that training changes, in memory and in a checkpoint."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.swa_utils import AveragedModel

from ..architectures import Networks, Upscaler
from ..presets import Preset
from ..provenance import device_name, versions
from ..unpaired import Photographs
from ..weights import Trained, load_weights
from . import ranks
from .alarms import Alarms
from .checkpoint import load_checkpoint, save_checkpoint
from .precision import Arithmetic
from .replay import Replay, replay_for
from .run import Run
from .steps import Optimizers, make_optimizers, settled

# Pixel by pixel with the channels together, as the fast convolutions of CPUs and GPUs want it.
LAYOUT = torch.channels_last


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
    best: dict[str, Any] | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    replay: Replay = field(default_factory=Replay)


def enter(state: State, name: str, preset: Preset) -> None:
    """Set up a stage: fresh optimizers, a fresh average, and before the joint stage a copy to compare with."""
    nets = state.nets.train()
    # What was recorded in the stage before goes first, and the gradients that lie in its memory.
    state.replay = Replay()
    nets.zero_grad(set_to_none=True)
    state.optimizers = make_optimizers(nets, name, preset.stages()[name], preset)
    state.average = _average(nets, preset)
    state.best = None
    state.replay = replay_for(state.arithmetic)
    if name == "joint":
        if state.average is not None:
            # G1 and SR come as averages of the stages before: there is no fast start to forget.
            state.average.n_averaged.fill_(settled(preset.ema))
        state.before_joint = copy.deepcopy(nets.upscaler())


def leave(state: State) -> None:
    """Let the best of stage one, elsewhere the averaged G1 and SR, take the place of the last step's."""
    if state.best is not None:
        state.nets.upscaler().load_state_dict(state.best["weights"])
    elif state.average is not None and int(state.average.n_averaged):
        state.nets.upscaler().load_state_dict(state.average.module.state_dict())


def published(state: State) -> Upscaler:
    """Return G1 and SR with the weights that would be published now: the average, where there is one.

    In training mode: what a run looks at is its game, and there colours are free to drift. In use G1 may keep them.
    """
    return state.nets.upscaler() if state.average is None else cast(Upscaler, state.average.module)


def _average(nets: Networks, preset: Preset) -> AveragedModel | None:
    if not preset.ema:
        return None
    return AveragedModel(nets.upscaler())  # its own rule of averaging is not used, see update_average


def changing(state: State) -> dict[str, list[Tensor]]:
    """Return the numbers of a checkpoint that training changes, by the name of what they belong to."""
    parts = {f"the weights of {name}": list(net.state_dict().values()) for name, net in state.nets.named_children()}
    if state.average is not None:
        parts["the average"] = list(state.average.state_dict().values())
    for name, optimizer in state.optimizers.items():
        moments = [value for one in optimizer.state.values() for value in one.values() if isinstance(value, Tensor)]
        parts[f"the optimizer of {name}"] = moments
    return parts


def save(run: Run, state: State, alarms: Alarms) -> None:
    """Save everything that the run needs to go on from here, unless a number in it is not finite.

    Rank 0 does it, since all ranks hold the same, and all hear if it failed.
    """
    ranks.first_does(lambda: _write(run, state, alarms))


def _write(run: Run, state: State, alarms: Alarms) -> None:
    alarms.check(changing(state))
    save_checkpoint(
        run.checkpoint_path,
        {
            "preset": run.preset.to_dict(),
            "stage": state.stage,
            "step": state.step,
            "nets": state.nets.state_dict(),
            "optimizers": {name: optimizer.state_dict() for name, optimizer in state.optimizers.items()},
            "average": None if state.average is None else state.average.state_dict(),
            "best": state.best,
            "before_joint": None if state.before_joint is None else state.before_joint.state_dict(),
            "scaler": state.arithmetic.scaler.state_dict(),
            "seconds": state.seconds,
            "versions": versions(),
            "device": device_name(),
            "threads": torch.get_num_threads(),
            "ranks": ranks.world(),
        },
    )


def restore(run: Run, preset: Preset, device: torch.device, photographs: Photographs, ranks_may_differ: bool) -> State:
    """Return the state of the newest checkpoint, or the state before the first step where there is none."""
    nets = Networks.from_preset(preset).to(device).to(memory_format=LAYOUT)  # type: ignore[call-overload]
    state = State("pretrain", 0, nets, Arithmetic(preset.precision, device))
    if not run.checkpoint_path.is_file():
        if preset.start:
            nets.load_state_dict(beginning(preset, photographs).nets.state_dict())
        return state
    saved = load_checkpoint(run.checkpoint_path, preset)
    try:
        _fill(state, saved, preset)
        # Older checkpoints do not name their device.
        made_by = saved["versions"], saved.get("device", device_name()), saved["threads"]
        several = saved["ranks"]
    except torch.OutOfMemoryError:
        raise
    except (KeyError, RuntimeError, ValueError, TypeError, AttributeError) as error:
        first_line = str(error).partition("\n")[0]
        raise ValueError(
            f"{run.checkpoint_path}: damaged, or not a checkpoint ({first_line}). Restore a copy, or start again."
        ) from error
    if several != ranks.world() and not ranks_may_differ:
        raise ValueError(
            f"{run.checkpoint_path}: was saved with {several} rank(s), and here are {ranks.world()}. The"
            " result would not be that of an undisturbed run. To go on all the same:"
            f" resume {run.folder} --ranks-may-differ"
        )
    if made_by != (versions(), device_name(), torch.get_num_threads()):
        warnings.warn(
            "library versions, device or number of threads are not those of the checkpoint: the run goes on, but its"
            " result will not equal an undisturbed run to the bit.",
            stacklevel=2,
        )
    return state


def _fill(state: State, saved: Mapping[str, Any], preset: Preset) -> None:
    """Put what a checkpoint holds where it belongs."""
    state.stage, state.step, state.seconds = saved["stage"], saved["step"], saved["seconds"]
    enter(state, state.stage, preset)
    state.nets.load_state_dict(saved["nets"])
    for name, optimizer in state.optimizers.items():
        optimizer.load_state_dict(_with_own_settings(saved["optimizers"][name], optimizer))
    state.arithmetic.scaler.load_state_dict(saved["scaler"])
    if state.average is not None:
        state.average.load_state_dict(saved["average"])
    if state.before_joint is not None:
        state.before_joint.load_state_dict(saved["before_joint"])
    state.best = saved["best"]


def _with_own_settings(saved: Mapping[str, Any], optimizer: Optimizer) -> dict[str, Any]:
    """Return what a checkpoint holds of an optimizer, but settings of this machine: on a GPU, a rate lives there."""
    groups = zip(saved["param_groups"], optimizer.state_dict()["param_groups"], strict=True)
    return {**saved, "param_groups": [own | {"params": theirs["params"]} for theirs, own in groups]}


def beginning(preset: Preset, photographs: Photographs) -> Trained:
    """Return what a run begins with, after a look at whether it fits and saw nothing of the other half."""
    start = load_weights(preset.start)
    sizes = ("scale", "generator", "discriminator", "sr")
    given, asked = (p.with_free_colours() for p in (start.preset, preset))
    differing = [name for name in sizes if getattr(given, name) != getattr(asked, name)]
    if differing:
        raise ValueError(f"start={preset.start}: its networks have another {', '.join(differing)} than this preset's.")
    for ours, theirs in ((photographs.x, "yz_photographs"), (photographs.yz, "x_photographs")):
        seen = set(start.facts[theirs].values())
        both = [photograph.name for photograph in ours if photograph.sha256 in seen]
        if both:
            raise ValueError(f"start={preset.start}: was trained with {both[0]!r} in the other half. Split as it was.")
    return start
