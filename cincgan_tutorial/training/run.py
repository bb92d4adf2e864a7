"""A run's folder: config.json first, log.jsonl and checkpoint.pt while it trains, weights.safetensors at the end."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .. import div2k
from ..images import replacing
from ..presets import Preset
from ..unpaired import Photographs, bundled_photographs, folder_of_photographs, lr_and_hr_folders
from .checkpoint import differences

BUNDLED = "bundled"
# What a system says where a file can't be written or read: no space, beyond a quota or limit, no right to, broken disk.
_REFUSED = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO}


@dataclass(frozen=True)
class Run:
    """A run folder and what is in it."""

    folder: Path

    @property
    def config_path(self) -> Path:
        """Settings, photographs and their hashes; written before the first step."""
        return self.folder / "config.json"

    @property
    def log_path(self) -> Path:
        """One JSON object per logged step."""
        return self.folder / "log.jsonl"

    @property
    def checkpoint_path(self) -> Path:
        """The newest complete checkpoint."""
        return self.folder / "checkpoint.pt"

    @property
    def weights_path(self) -> Path:
        """The result; its presence means that the run is finished."""
        return self.folder / "weights.safetensors"

    @property
    def finished(self) -> bool:
        """Whether all three stages are done."""
        return self.weights_path.is_file()

    @property
    def config(self) -> dict[str, Any]:
        """The content of config.json."""
        return json.loads(self.config_path.read_text(encoding="utf-8"))

    @property
    def preset(self) -> Preset:
        """The settings of this run."""
        return Preset.from_dict(self.config["preset"])

    @property
    def log(self) -> list[dict[str, Any]]:
        """The log as a list; a last line that a kill cut short is left out."""
        return read_log(self.log_path)

    @staticmethod
    def create(
        folder: str | os.PathLike[str], preset: Preset, photographs: Photographs, facts: Mapping[str, Any]
    ) -> Run:
        """Make a run folder and write its config.json.

        Raises:
            ValueError: The folder already holds something.
        """
        run = Run(Path(folder))
        if run.config_path.exists():
            what = "a finished run" if run.finished else f"a run that is not finished (go on with: resume {folder})"
            raise ValueError(f"{folder}: already holds {what}. Choose another folder; nothing is overwritten.")
        if run.folder.exists() and (not run.folder.is_dir() or _visible(run.folder)):
            raise ValueError(f"{folder}: exists and is not an empty folder. Choose another one.")
        run.folder.mkdir(parents=True, exist_ok=True)
        config = {
            "preset": preset.to_dict(),
            "photographs": {
                "source": photographs.source,
                "path": photographs.path,
                "lr_path": photographs.lr_path,
                "x_is_lr": photographs.x_is_lr,
                "x": {p.name: p.sha256 for p in photographs.x},
                "yz": {p.name: p.sha256 for p in photographs.yz},
            },
            "facts": dict(facts),
        }
        run._write(config)
        return run

    def _write(self, config: Mapping[str, Any]) -> None:
        with replacing(self.config_path) as temporary:
            temporary.write_text(json.dumps(config, indent=1), encoding="utf-8")

    @staticmethod
    def open(folder: str | os.PathLike[str]) -> Run:
        """Return the run in ``folder``; `ValueError` where there is none."""
        run = Run(Path(folder))
        if not run.config_path.is_file():
            raise ValueError(f"{folder}: no run here (no config.json). Start one with: train --run {folder}")
        try:
            run.preset, run.config["photographs"]["path"], run.config["facts"]["versions"]
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{run.config_path}: damaged ({error}). Start a new run in another folder.") from error
        return run

    def check_answers(self, preset: Preset, photographs: Photographs) -> None:
        """Raise `ValueError` unless this run is the one that such settings and photographs ask for; name what differs.

        "auto" asks for whatever precision was settled when the run began.
        """
        done, most = self.preset, 3
        asked = replace(preset, precision=done.precision) if preset.precision == "auto" else preset
        differing = differences(done.to_dict(), asked.to_dict())
        if done.name != asked.name:
            # The presets differ in nearly everything; their names say it best.
            differing = [f"preset is {done.name!r} there and {asked.name!r} here"]
        if len(differing) > most:
            differing = [*differing[:most], f"and {len(differing) - most} more"]
        recorded = self.config["photographs"]
        if _x_is_lr(recorded) != photographs.x_is_lr:
            differing.append(f"X is {_kind(_x_is_lr(recorded))} there and {_kind(photographs.x_is_lr)} here")
        for half, given in (("x", photographs.x), ("yz", photographs.yz)):
            if list(recorded[half].values()) != [p.sha256 for p in given]:
                differing.append(
                    f"{half.upper()} photographs are the {len(recorded[half])} of {recorded['source']!r} there and the"
                    f" {len(given)} of {photographs.source!r} here"
                )
        if differing:
            state = "a finished run" if self.finished else "an unfinished run"
            raise ValueError(
                f"{self.folder}: already holds {state}, and not the one asked for: {'; '.join(differing)}. Nothing was"
                " done. Choose another folder for this one."
            )

    def photographs_where_they_were(self) -> Photographs:
        """Return the photographs from the folders that the run was started with; `ValueError` where one is gone."""
        recorded = self.config["photographs"]
        folders = recorded["path"], recorded.get("lr_path")
        options = "--lr-photos DIR --hr-photos DIR" if folders[1] else "--photos DIR"
        for path in folders:
            if path not in (None, "", BUNDLED) and not Path(path).is_dir():
                raise ValueError(
                    f"{path}: not a folder any more. The photographs of {self.folder} were there. Say where they are:"
                    f" resume {self.folder} {options}"
                )
        return load_photographs(*folders)

    def remember_where(self, photographs: Photographs) -> None:
        """Write down where the photographs are now; they are the same, and nothing else changes."""
        places = {"path": photographs.path, "lr_path": photographs.lr_path}
        config = self.config
        if not places.items() <= config["photographs"].items():
            self._write(config | {"photographs": config["photographs"] | places})

    def check_photographs(self, photographs: Photographs) -> None:
        """Raise `ValueError` unless these are the photographs, in the halves, that the run was started with."""
        if _x_is_lr(self.config["photographs"]) != photographs.x_is_lr:
            raise ValueError(
                f"{self.folder}: X is {_kind(photographs.x_is_lr)} here and was {_kind(not photographs.x_is_lr)} when"
                " the run was started. Give the photographs as then, or start a new run."
            )
        for half, given in (("x", photographs.x), ("yz", photographs.yz)):
            # In order: which patch is drawn depends on it.
            recorded = list(self.config["photographs"][half].values())
            if recorded != [p.sha256 for p in given]:
                raise ValueError(
                    f"{self.folder}: the {half.upper()} photographs are not those that the run was started with"
                    f" ({len(recorded)} recorded, {len(given)} given), or not in that order. Restore them, or"
                    " start a new run."
                )


def _x_is_lr(recorded: Mapping[str, Any]) -> bool:
    return bool(recorded.get("x_is_lr"))  # runs of earlier versions don't say: there was no other kind


def _kind(lr: bool) -> str:
    return "LR as it came" if lr else "HR to be degraded"


def _visible(folder: Path) -> bool:
    """Return whether a folder holds anything but hidden files, such as what a killed start left behind."""
    return any(not path.name.startswith(".") for path in folder.iterdir())


def load_photographs(where: str | None, lr: str | None = None) -> Photographs:
    """Return the photographs that ``--photos`` names: a folder, or for ``None`` or "bundled" the bundled ones.

    DIV2K in its official folders is split by number, as in the paper; any other folder as `folder_of_photographs` says.
    With ``lr``, X are the LR images of that folder, as they are, and Y and Z come from ``where``.
    """
    if lr:
        if where in (None, BUNDLED):
            raise ValueError(f"{lr}: LR photographs need a folder of HR photographs beside them, and none is given.")
        return lr_and_hr_folders(lr, str(where))
    if where is None or where == BUNDLED:
        return bundled_photographs()
    return div2k.track2(where) if div2k.is_official(where) else folder_of_photographs(where)


@contextmanager
def writing(run: Run, then: str) -> Iterator[None]:
    """Where a file of a run can't be read or written, say what becomes of the run, and what to do ``then``.

    Raises:
        OSError: A file could not be read or written; the last checkpoint stands.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _REFUSED:  # another error
            raise
        kept = "the last checkpoint is untouched" if run.checkpoint_path.exists() else "there is no checkpoint yet"
        raise OSError(
            f"{run.folder}: could not be read or written ({error}); {kept}. Free some space, or make the folder"
            f" writable, then: {then}"
        ) from error


def read_log(path: Path) -> list[dict[str, Any]]:
    """Read a JSONL log; a last line that is incomplete is left out."""
    if not path.is_file():
        return []
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    try:
        return [json.loads(line) for line in lines if line.endswith("\n") and line.strip()]
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}: damaged ({error}). Remove the broken line and go on.") from error
