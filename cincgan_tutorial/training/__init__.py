"""Chapter 6, training: the steps, the loop, precision, checkpoints and the run folder."""

from .loop import resume, train
from .precision import Arithmetic, settle, training_device
from .run import BUNDLED, Run, load_photographs, read_log
from .state import LAYOUT
from .steps import (
    cycle_one_step,
    cycle_two_step,
    joint_step,
    judge_step,
    make_optimizers,
    pretrain_step,
    rate,
    update_average,
)
from .stopping import Stopped

__all__ = [
    "BUNDLED",
    "LAYOUT",
    "Arithmetic",
    "Run",
    "Stopped",
    "cycle_one_step",
    "cycle_two_step",
    "joint_step",
    "judge_step",
    "load_photographs",
    "make_optimizers",
    "pretrain_step",
    "rate",
    "read_log",
    "resume",
    "settle",
    "train",
    "training_device",
    "update_average",
]
