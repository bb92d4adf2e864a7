"""What a chapter needs to run alone, in any order: the newest run of its preset, else shipped weights, else a run."""

from __future__ import annotations

import os
from pathlib import Path

from ..at_hand import photographs_here
from ..presets import Preset, current_preset
from ..training import BUNDLED, Run, resume, train
from ..weights import Trained, load_weights, shipped_names


def runs_folder() -> Path:
    """Return where chapters keep runs: ``CINCGAN_RUNS``, else ``runs`` at the top of a checkout or here."""
    named = os.environ.get("CINCGAN_RUNS")
    if named:
        return Path(named)
    here = Path.cwd()
    top = next((folder for folder in (here, *here.parents) if (folder / "_toc.yml").is_file()), here)
    return top / "runs"


def newest_run(preset: Preset) -> Run | None:
    """Return the finished run of this preset whose weights are newest; ``None`` where there is none."""
    runs = [Run(path.parent) for path in runs_folder().glob("*/weights.safetensors")]
    runs = [run for run in runs if _preset_name(run) == preset.name]
    return max(runs, key=lambda run: run.weights_path.stat().st_mtime, default=None)


def _preset_name(run: Run) -> str | None:
    """Return the name of a run's preset; ``None`` for one that this version can't read."""
    try:
        return run.preset.name
    except (OSError, ValueError, KeyError, TypeError):
        return None


def trained_networks(preset: Preset | None = None) -> Trained:
    """Return trained networks to look at: the newest run of the preset, else the shipped weights, else a new run.

    Networks trained at ``smoke`` know nothing and are never returned while there are shipped ones: a page should show
    a result.
    """
    preset = current_preset() if preset is None else preset
    run = None if preset.name == "smoke" else newest_run(preset)
    if run is not None:
        return load_weights(run.folder)
    if shipped_names():
        return load_weights()
    return load_weights(train_or_resume(preset).folder)


def train_or_resume(preset: Preset | None = None) -> Run:
    """Run the three stages of a preset on the photographs at hand; called again, go on where it stopped.

    Runs on other photographs have folders of their own, so none is taken for another. See `at_hand.photographs_here`.

    Args:
        preset: The preset; by default the chapters' own, see `presets.current_preset`.
    """
    preset = current_preset() if preset is None else preset
    photographs = photographs_here()
    name = f"chapter-6-{preset.name}"
    folder = runs_folder() / (name if photographs.path == BUNDLED else f"{name}-{photographs.source}")
    if (folder / "config.json").is_file():
        return resume(folder, photographs)
    return train(preset, photographs, folder)
