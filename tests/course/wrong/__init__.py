"""Wrong answers to the assignments, each with a single mistake that students make. A grader must refuse every one."""

from . import degrade, joint, losses, networks
from .registry import WRONG, Wrong

__all__ = ["WRONG", "Wrong", "degrade", "joint", "losses", "networks"]
