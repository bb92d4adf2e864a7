"""What it takes to run each chapter from its first cell to its last: ``python benchmarks/chapters.py``.

Each chapter runs in a kernel of its own, on one thread, with the networks that ship. The chapter that trains does so at
``smoke``; what its other presets take is recorded by the runs themselves. Seconds are those that the processor worked,
which a busy machine disturbs little.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbclient import NotebookClient

from cincgan_tutorial.experiments.results import record

ROOT = Path(__file__).resolve().parent.parent
CHAPTERS = sorted((ROOT / "notebooks").glob("*.md"))
TRAINS = "06_training"
# Asks the kernel what it and the processes that it started have used.
ASKED = f"""
import json, resource, sys
sys.path.insert(0, {str(ROOT / "benchmarks")!r})
from memory import most_resident
used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
print(json.dumps({{"seconds": sum(u.ru_utime + u.ru_stime for u in used), "peak_MB": most_resident()}}))
"""


def measured(chapter: Path) -> dict[str, Any]:
    """Run one chapter and return seconds, the most megabytes it had in memory, and at which preset that is so."""
    notebook = jupytext.read(chapter)
    notebook.cells.append(nbformat.v4.new_code_cell(ASKED))
    with tempfile.TemporaryDirectory() as runs:
        chosen = {"CINCGAN_PRESET": "smoke", "CINCGAN_STATIC": "1", "CINCGAN_RUNS": runs, "OMP_NUM_THREADS": "1"}
        client = NotebookClient(notebook, timeout=1200, resources={"metadata": {"path": str(chapter.parent)}})
        client.execute(env={**os.environ, **chosen})
    (output,) = notebook.cells[-1].outputs
    found = json.loads(output.text)
    return {"preset": "smoke" if chapter.stem == TRAINS else "any"} | {name: round(x) for name, x in found.items()}


def main(arguments: Sequence[str] | None = None) -> Path:
    """Measure all chapters and write ``chapters/result.json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--results", type=Path, default=ROOT / "_build" / "bench", help="where to write chapters/result.json"
    )
    parser.add_argument("--only", metavar="NAME", help="one chapter, such as 02_unpaired_training; nothing is written")
    options = parser.parse_args(arguments)
    found = {}
    for chapter in CHAPTERS:
        if options.only in (None, chapter.stem):
            found[chapter.stem] = measured(chapter)
            print(f"{chapter.stem:24} {found[chapter.stem]}", flush=True)
    if options.only:
        return options.results
    facts = {"command": "python benchmarks/chapters.py --results book/results", "preset": "mild", "seed": 0}
    return record("chapters", {"chapters": found}, facts | {"source": "bundled"}, options.results)


if __name__ == "__main__":
    main()
