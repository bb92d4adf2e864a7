"""Trained weights in a file: safetensors, whose header says where they come from.

A file holds the six networks as the joint stage left them, and beside them G1 and SR as they were before it: chapter 7
compares the two. Tensors only: loading can't run code.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from .architectures import Networks, Upscaler
from .images import replacing
from .presets import Preset, check

FORMAT = "cincgan-tutorial weights 1"
SHIPPED = Path(__file__).parent / "shipped"
# What chapters look at, and what enlarges photographs whose noise nobody knows.
DEFAULT, FOR_STRANGERS = "mild", "general"

_AFTER, _BEFORE = "nets.", "before_joint."


@dataclass(frozen=True)
class Trained:
    """Networks with their history.

    Attributes:
        nets: The six networks after the joint stage, in evaluation mode.
        before_joint: SR(G1(x)) after the first two stages.
        preset: The settings they were trained with.
        facts: The header: command, commit, seed, device, date, versions, seconds, source and content hashes of the
            photographs.
    """

    nets: Networks
    before_joint: Upscaler
    preset: Preset
    facts: dict[str, Any]

    def to(self, device: torch.device) -> Trained:
        """Move the networks there, in place, and return self; images may stay, see `inference.applied`."""
        self.nets.to(device)
        self.before_joint.to(device)
        return self


def save_weights(path: str | os.PathLike[str], trained: Trained, half: bool = False) -> None:
    """Write a weights file; it appears whole or not at all. With ``half`` its numbers take 16 bits each, not 32."""
    tensors: dict[str, Tensor] = {}
    for prefix, module in ((_AFTER, trained.nets), (_BEFORE, trained.before_joint)):
        tensors |= {prefix + name: value.detach().cpu().contiguous() for name, value in module.state_dict().items()}
    if half:
        tensors = {name: value.half() if value.is_floating_point() else value for name, value in tensors.items()}
    header = {
        "format": FORMAT,
        "preset": json.dumps(trained.preset.to_dict()),
        "facts": json.dumps(trained.facts),
    }
    with replacing(path) as temporary:
        temporary.write_bytes(save(tensors, metadata=header))


def load_weights(where: str | os.PathLike[str] | None = None) -> Trained:
    """Load weights by shipped name, file or run folder; without an argument the shipped default.

    Raises:
        ValueError: No such weights, a file that is damaged or is no weights file of ours, tensors whose sizes do not
            fit the preset in the header, or a shipped file whose SHA-256 is not the recorded one.
    """
    path = find_weights(where)
    if path.parent == SHIPPED:
        check_sum(path)
    with opened(path, "Copy or train it again.") as file:
        preset, facts = _history(file.metadata() or {}, path)
        names = list(file.keys())
        # Before a number is read, or a network built: a damaged header may claim any size.
        _check_sizes(preset, {name: tuple(file.get_slice(name).get_shape()) for name in names}, path)
        tensors = {name: file.get_tensor(name) for name in names}
    nets = Networks.from_preset(preset)
    before_joint = Networks.from_preset(preset).upscaler()
    for module, prefix in ((nets, _AFTER), (before_joint, _BEFORE)):
        module.load_state_dict(
            {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
        )
    return Trained(nets.eval(), before_joint.eval(), preset, facts)


@contextmanager
def opened(path: Path, remedy: str) -> Iterator[safe_open]:
    """Open a safetensors file to read its header and tensors.

    Raises:
        ValueError: It can't be read. The message ends with the ``remedy``.
    """
    try:
        with safe_open(path, framework="pt") as file:
            yield file
    except (SafetensorError, OSError) as error:
        if getattr(error, "errno", None) == errno.ENOMEM:
            raise  # nothing is wrong with the file
        raise ValueError(f"{path}: not a readable safetensors file ({error}). {remedy}") from error


def _history(header: Mapping[str, str], path: Path) -> tuple[Preset, dict[str, Any]]:
    """Return the settings and the facts that a header holds."""
    if header.get("format") != FORMAT:
        raise ValueError(
            f"{path}: format {header.get('format')!r}, expected {FORMAT!r}. Was it saved by another program?"
        )
    try:
        preset, facts = check(Preset.from_json(header["preset"])), json.loads(header["facts"])
        if not isinstance(facts, dict):
            raise ValueError(f"facts are {facts!r:.20}, no names with values")
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"{path}: its header is damaged ({error}). Copy or train it again.") from error
    return preset, facts


def _check_sizes(preset: Preset, given: Mapping[str, tuple[int, ...]], path: Path) -> None:
    """Compare the sizes of all tensors with those that the preset needs, and name the first that does not fit.

    The networks are built on the device ``meta``, where a tensor has a size and no memory.
    """
    blocks = preset.generator.blocks + preset.sr.blocks
    if blocks > len(given):
        raise ValueError(
            f"{path}: its header is damaged ({blocks} blocks, and only {len(given)} tensors). Copy or train it again."
        )
    try:
        with torch.device("meta"):
            nets = Networks.of_sizes(preset)
    except (RuntimeError, TypeError) as error:  # more than a number of 64 bits can count
        raise ValueError(f"{path}: its header is damaged ({error}). Copy or train it again.") from error
    expected = {
        prefix + name: tuple(tensor.shape)
        for prefix, module in ((_AFTER, nets), (_BEFORE, nets.upscaler()))
        for name, tensor in module.state_dict().items()
    }
    for name in [*expected, *given]:
        if expected.get(name) != given.get(name):
            raise ValueError(
                f"{path}: tensor {name}: the preset needs {expected.get(name)}, the file has {given.get(name)}."
            )


def shipped_names() -> list[str]:
    """Return the names of the weights that come with the package."""
    return sorted(path.stem for path in SHIPPED.glob("*.safetensors"))


def find_weights(where: str | os.PathLike[str] | None) -> Path:
    """Return the file that ``where`` means: a shipped name, a file, a finished run's folder; else the default."""
    if where is None and DEFAULT in shipped_names():
        return SHIPPED / f"{DEFAULT}.safetensors"
    where = DEFAULT if where is None else where
    path = Path(where)
    if isinstance(where, str) and where in shipped_names():
        if path.exists():
            raise ValueError(
                f"{where}: is the name of shipped weights and of a folder or file here. For this one: ./{where}"
            )
        return SHIPPED / f"{where}.safetensors"
    if path.is_dir():
        if not (path / "config.json").is_file():
            raise ValueError(
                f"{path}: a folder, but not that of a run. Give a run folder, a weights file or a shipped name."
            )
        if not (path / "weights.safetensors").is_file():
            raise ValueError(
                f"{path}: no weights.safetensors in it; the run is not finished. Go on with: resume {path}"
            )
        return path / "weights.safetensors"
    if not path.is_file():
        names = ", ".join(shipped_names()) or "none in this installation"
        raise ValueError(f"{where}: no such weights. Give a file, a run folder, or a shipped name ({names}).")
    return path


def ship(where: str | os.PathLike[str], name: str) -> Path:
    """Put the weights of a finished run into the package as ``name``, in half precision, and record their SHA-256.

    Which photographs they may have seen is for the model card beside them to say.
    """
    path = SHIPPED / f"{name}.safetensors"
    save_weights(path, load_weights(where), half=True)
    record_sum(path)
    return path


def record_sum(path: Path) -> None:
    """Write the SHA-256 of a file that ships into the list beside it."""
    sums = _sums(path.parent) | {path.name: hashlib.sha256(path.read_bytes()).hexdigest()}
    with replacing(path.parent / "SHA256SUMS") as temporary:
        temporary.write_text("".join(f"{sums[name]}  {name}\n" for name in sorted(sums)), encoding="utf-8")


def check_sum(path: Path) -> None:
    """Raise `ValueError` unless a shipped file has the SHA-256 that was recorded when it was made."""
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if _sums(path.parent).get(path.name) != found:
        raise ValueError(f"{path}: SHA-256 {found[:12]}… is not the recorded one. Install the package again.")


def _sums(folder: Path) -> dict[str, str]:
    """Return the recorded SHA-256 of each shipped file of a folder."""
    listed = folder / "SHA256SUMS"
    lines = listed.read_text(encoding="utf-8").splitlines() if listed.is_file() else []
    return {name: digest for digest, name in (line.split() for line in lines)}
