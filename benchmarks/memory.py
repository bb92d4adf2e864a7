"""Peak memory of one stage at one preset, in a process of its own: ``python memory.py PRESET STAGE``."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch
from ours import OurLoop
from sizes import batch_of, sized

from cincgan_tutorial.training.precision import prepare, training_device
from cincgan_tutorial.training.replay import EAGER

# On a GPU enough to record one and play it.
STEPS = EAGER + 2 if training_device().type == "cuda" else 2


def peak(size: str, stage: str) -> dict[str, Any]:
    """Return megabytes that a fresh process needs for a stage; "program" is its share without networks and patches."""
    command = [sys.executable, str(Path(__file__).resolve()), size, stage]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def most_resident() -> float:
    """Return the most megabytes that this process has had in memory."""
    status = Path("/proc/self/status")
    if status.exists():
        # Not ru_maxrss: on Linux it begins with what the parent had in memory.
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2  # bytes on macOS


def main(size: str, stage: str) -> None:
    """Do some steps and print what they needed."""
    program = most_resident()
    prepare()
    preset = sized(size)
    ours = OurLoop(preset, stage, training_device())
    for _ in range(STEPS):
        ours.step(*batch_of(preset, stage))
    found = {"program_MB": round(program), "peak_MB": round(most_resident())}
    if training_device().type == "cuda":
        found["gpu_MB"] = round(torch.cuda.max_memory_reserved() / 1024**2)
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
