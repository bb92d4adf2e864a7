"""Chapter 7, a trained system in a file: safetensors, whose header says what it is and where it comes from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from ..images import replacing
from ..provenance import provenance
from ..training import Run
from .system import System

FORMAT = "cincgan-tutorial system 1"


def save_system(path: Path, system: System, run: Run, seconds: dict[str, float]) -> None:
    """Write the weights of a finished run; the file appears whole or not at all."""
    photographs = run.config["photographs"]
    facts = run.config["facts"] | {key: value for key, value in provenance().items() if key != "command"}
    facts |= {
        "seed": run.preset.seed,
        "seconds": seconds,
        "parameters": {"used": system.parameters_used, "trained": system.parameters_trained},
        "x_photographs": photographs["x"],
        "yz_photographs": photographs["yz"],
    }
    facts["photographs"] = photographs["source"]
    header = {
        "format": FORMAT,
        "system": system.name,
        "preset": json.dumps(run.preset.to_dict()),
        "facts": json.dumps(facts),
    }
    tensors = {name: value.detach().cpu().contiguous() for name, value in system.state_dict().items()}
    with replacing(path) as temporary:
        temporary.write_bytes(save(tensors, metadata=header))


def load_system(system: System, path: Path) -> dict[str, Any]:
    """Fill a system, built for the same preset, with the weights of a file and return the facts of its header.

    Raises:
        ValueError: The file can't be read, or holds another system or one of another size.
    """
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{path}: not a readable safetensors file ({error}). Train it again.") from error
    found = (header.get("format"), header.get("system"))
    if found != (FORMAT, system.name):
        raise ValueError(f"{path}: holds {found}, expected {(FORMAT, system.name)}.")
    try:
        system.load_state_dict(tensors)
    except RuntimeError as error:
        raise ValueError(f"{path}: does not fit {system.name} of this preset: {error}") from error
    system.eval()
    return json.loads(header["facts"])
