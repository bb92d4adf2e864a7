"""The runs that assignment 4 hands out: logs and pictures of short training runs, two of which went wrong.

They are installed with the library, so that the assignment needs no download. All were really made; what was wrong
with two of them is not written here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..images import Images, read_image

_FOLDER = Path(__file__).parent / "handed_out"
NAMES = ("sound", "broken-1", "broken-2")


@dataclass(frozen=True)
class HandedOut:
    """One run as it is handed out.

    Attributes:
        name: "sound", "broken-1" or "broken-2".
        log: One dictionary per logged step, of stage one.
        provenance: How it was made, apart from the mistake.
    """

    name: str
    log: list[dict[str, Any]]
    provenance: dict[str, Any]

    @property
    def picture(self) -> Images:
        """What G1 made of the running example at the end, (1, 3, 32, 32)."""
        return read_image(_FOLDER / f"{self.name}.png")[None]

    @property
    def x(self) -> Images:
        """The running example as G1 was given it, (1, 3, 32, 32)."""
        return read_image(_FOLDER / "x.png")[None]


def handed_out(name: str) -> HandedOut:
    """Return a run that is handed out.

    Raises:
        ValueError: There is none of that name.
    """
    if name not in NAMES:
        raise ValueError(f"no run called {name!r} is handed out. There are: {', '.join(NAMES)}.")
    content = json.loads((_FOLDER / f"{name}.json").read_text("utf-8"))
    return HandedOut(name, content["log"], content["provenance"])
