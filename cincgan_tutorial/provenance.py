"""Where a result comes from: enough for anyone to run it again."""

from __future__ import annotations

import datetime
import os
import platform
import shlex
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

_PACKAGES = ("torch", "numpy", "pillow", "scikit-image", "scikit-learn", "safetensors", "cincgan-tutorial")


def provenance(command: str | None = None) -> dict[str, Any]:
    """Return command, commit, device, library versions and date (UTC) of the running program, ready for JSON."""
    return {
        "command": command or command_line(),
        "commit": commit(),
        "device": device_name(),
        "versions": versions(),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


def command_line() -> str:
    """Return the command as a reader would type it; the home folder is written as ~."""
    file = Path(sys.argv[0])
    if file.name in ("__main__.py", "cincgan"):
        typed = shlex.join([*program(), *sys.argv[1:]])
        return typed.replace(str(Path.home()), "~") if Path.home() != Path("/") else typed
    return f"python {file.name}"


def program() -> list[str]:
    """Return what to type before the arguments: Python, or torchrun with as many ranks on each host (``--nnodes``)."""
    ranks, all_ranks = (int(os.environ.get(name, 1)) for name in ("LOCAL_WORLD_SIZE", "WORLD_SIZE"))
    if ranks == all_ranks == 1 or "LOCAL_WORLD_SIZE" not in os.environ:
        return ["python", "-m", "cincgan_tutorial"]
    hosts = ["--nnodes", str(all_ranks // ranks)] if all_ranks > ranks else []
    # Without the two dashes torchrun takes our --run for an abbreviation of its own --run-path.
    return ["torchrun", *hosts, "--nproc-per-node", str(ranks), "-m", "--", "cincgan_tutorial"]


def commit() -> str:
    """Return the library's git commit, with "-dirty" where a tracked file is changed; "unknown" outside a checkout."""
    folder = Path(__file__).resolve().parent

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", *arguments], cwd=folder, capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        # A library installed inside some other repository must not claim that repository's commit.
        git("ls-files", "--error-unmatch", "provenance.py")
        return git("rev-parse", "HEAD") + (
            "-dirty" if git("status", "--porcelain", "--untracked-files=no", ".") else ""
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def device_name() -> str:
    """Return the GPU's name, or the CPU's with the number of threads that torch uses."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return f"{_cpu_model()}, {torch.get_num_threads()} threads"


def _cpu_model() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that a result depends on."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


def caption(preset: str, facts: dict[str, Any]) -> str:
    """Return one line for below a figure: what was trained, on what, when, and by which command."""
    return (
        f"Provenance: preset={preset}, photographs={facts['source']}, seed={facts['seed']},"
        f" {facts['device']}, {str(facts['date'])[:10]}, commit {facts['commit'][:10]}. {facts['command']}"
    )
