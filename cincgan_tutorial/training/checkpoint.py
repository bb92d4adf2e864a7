"""Everything a run needs to go on as if nothing had happened, in one file that is replaced whole."""

from __future__ import annotations

import errno
import pickle
import warnings
from pathlib import Path
from typing import Any

import torch

from ..images import replacing
from ..presets import Preset

FORMAT = "cincgan-tutorial checkpoint 4"
# Torch reports a failed write as a RuntimeError, in words of its writer of archives.
_WRITE_FAILED = ("PytorchStreamWriter", "unexpected pos", "inline_container")


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write the checkpoint beside the old one and put it in its place; errors as in `save_whole`."""
    save_whole(path, state | {"format": FORMAT})


def save_whole(path: Path, state: dict[str, Any]) -> None:
    """Write with torch what appears whole or not at all.

    Raises:
        OSError: The disk is full or the folder can't be written; what was there is untouched.
    """
    try:
        with replacing(path) as temporary:
            torch.save(state, temporary)
    except RuntimeError as error:
        if not any(words in str(error) for words in _WRITE_FAILED):
            raise
        raise OSError(errno.EIO, str(error), str(path)) from error


def load_checkpoint(path: Path, preset: Preset) -> dict[str, Any]:
    """Read a checkpoint of a run with these settings.

    Raises:
        ValueError: The file is damaged, is no checkpoint of ours, or was made with other settings; these are named.
    """
    try:
        # A damaged file makes torch guess aloud at what it may be; what it raises is enough.
        with warnings.catch_warnings(action="ignore"):
            state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # in a damaged file torch stumbles over almost anything
        # Where torch refuses to run code, its words end in how to run it after all; nobody should.
        refused = isinstance(error, pickle.UnpicklingError)
        why = "more than numbers and texts, and that is never loaded" if refused else str(error).partition("\n")[0]
        raise ValueError(f"{path}: damaged, or not a checkpoint ({why}). Restore a copy, or start again.") from error
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        found = state.get("format") if isinstance(state, dict) else type(state).__name__
        raise ValueError(f"{path}: format {found!r}, expected {FORMAT!r}.")
    if not isinstance(state.get("preset"), dict):
        raise ValueError(f"{path}: damaged, or not a checkpoint (no settings in it). Restore a copy, or start again.")
    # A setting that an older version did not have counts as its default.
    differing = differences(Preset.from_dict(state["preset"]).to_dict(), preset.to_dict())
    if differing:
        raise ValueError(f"{path}: was made with other settings: {'; '.join(differing)}.")
    return state


def differences(saved: dict[str, Any], wanted: dict[str, Any], path: str = "") -> list[str]:
    """Name the settings in which two presets differ, with both values."""
    found: list[str] = []
    for name in sorted({*saved, *wanted}):
        a, b = saved.get(name), wanted.get(name)
        if isinstance(a, dict) and isinstance(b, dict):
            found += differences(a, b, f"{path}{name}.")
        elif a != b:
            found.append(f"{path}{name} is {a!r} there and {b!r} here")
    return found
