"""Every setting of a run: what can be set, and the presets that have names."""

from .named import PRESETS, current_preset, preset_named
from .preset import (
    DiscriminatorSize,
    EDSRSize,
    GeneratorSize,
    Norm,
    Norms,
    Precision,
    Preset,
    Stage,
    Weights,
    check,
    check_side,
    with_settings,
)

__all__ = [
    "PRESETS",
    "DiscriminatorSize",
    "EDSRSize",
    "GeneratorSize",
    "Norm",
    "Norms",
    "Precision",
    "Preset",
    "Stage",
    "Weights",
    "check",
    "check_side",
    "current_preset",
    "preset_named",
    "with_settings",
]
