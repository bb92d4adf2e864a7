"""Chapter 7, what enlarges of a trained system, as it ships with the package: half precision, no judge, no helper."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from safetensors.torch import save

from ..images import replacing
from ..presets import Preset
from ..weights import SHIPPED, check_sum, record_sum
from .files import load_system, read_tensors
from .system import System

SYSTEMS = SHIPPED / "systems"
FORMAT = "cincgan-tutorial upscaler 1"


def ship_system(make: Callable[[Preset], System], preset: Preset, trained: Path, name: str) -> Path:
    """Put what enlarges of a trained system into the package as ``name`` and record its SHA-256.

    Args:
        make: Builds the system for a preset.
        preset: Of the training.
        trained: The weights file of the finished run.
        name: What to call it.
    """
    system = make(preset)
    facts = load_system(system, trained)
    tensors = {
        name: (value.half() if value.is_floating_point() else value).contiguous()
        for name, value in system.upscaler().state_dict().items()
    }
    header = {
        "format": FORMAT,
        "system": system.name,
        "preset": json.dumps(preset.to_dict()),
        "facts": json.dumps(facts),
    }
    path = SYSTEMS / f"{name}.safetensors"
    with replacing(path) as temporary:
        temporary.write_bytes(save(tensors, metadata=header))
    record_sum(path)
    return path


def shipped_system(make: Callable[[Preset], System], name: str) -> tuple[System, dict[str, Any]]:
    """Return a system that ships, fit to enlarge and no more, and the facts of its header.

    Raises:
        ValueError: No system of this name ships, or its file is not the recorded one.
    """
    path = SYSTEMS / f"{name}.safetensors"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in SYSTEMS.glob("*.safetensors"))) or "none in this installation"
        raise ValueError(f"{name}: no such system ships. Known: {known}.")
    check_sum(path)
    header, tensors = read_tensors(path, "Install the package again.")
    system = make(Preset.from_json(header["preset"]))
    if (header.get("format"), header.get("system")) != (FORMAT, system.name):
        raise ValueError(f"{path}: holds {header.get('system')!r}, expected {system.name!r} in the format {FORMAT!r}.")
    system.upscaler().load_state_dict(tensors)
    return system.eval(), json.loads(header["facts"])
