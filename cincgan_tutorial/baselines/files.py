"""Chapter 7, a trained system in a file: safetensors, whose header says what it is and where it comes from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safetensors.torch import save
from torch import Tensor

from ..images import replacing
from ..provenance import provenance
from ..training import Run
from ..weights import opened
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
    header, tensors = read_tensors(path, "Train it again.")
    found = (header.get("format"), header.get("system"))
    if found != (FORMAT, system.name):
        raise ValueError(f"{path}: holds {found}, expected {(FORMAT, system.name)}.")
    try:
        system.load_state_dict(tensors)
    except RuntimeError as error:
        raise ValueError(f"{path}: does not fit {system.name} of this preset: {error}") from error
    system.eval()
    return json.loads(header["facts"])


def read_tensors(path: Path, remedy: str) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Return the header and the tensors of a file; one that can't be read is a `ValueError` ending in the remedy."""
    with opened(path, remedy) as file:
        names = file.keys()  # no mapping: it can't be iterated over
        return file.metadata() or {}, {name: file.get_tensor(name) for name in names}
