"""Is a person looking? Widgets and moving bars are for people; a page or a test gets plain pictures and no bar."""

from __future__ import annotations

import os
import sys
from typing import Any

import tqdm
import tqdm.auto


def _kernel() -> Any | None:
    """Return the running Jupyter kernel, or ``None`` outside one."""
    if "IPython" not in sys.modules:
        return None
    import IPython

    return getattr(IPython.get_ipython(), "kernel", None)


def attended() -> bool:
    """Return whether a live notebook front end (JupyterLab, VS Code, Colab) is attached.

    A front end tells the kernel that it can answer questions (``allow_stdin``); the programs that execute notebooks
    for a book or a test say that they can't. ``CINCGAN_STATIC=1`` answers no in any case.
    """
    kernel = _kernel()
    return kernel is not None and bool(getattr(kernel, "_allow_stdin", False)) and not _static()


def _static() -> bool:
    return os.environ.get("CINCGAN_STATIC", "") not in ("", "0")


def progress_bar(total: int, description: str, done: int = 0, shown: bool = True, unit: str = "it") -> Any:
    """Return a tqdm bar with the remaining time: a widget in a live notebook, text in a terminal, silent on a page.

    ``shown=False`` keeps it silent everywhere: of several ranks, one shows progress. Bytes (``unit="B"``) are shown as
    MB and GB.
    """
    look = {"total": total, "desc": description, "initial": done, "unit": unit, "unit_scale": unit == "B"}
    if attended() and shown:
        return tqdm.auto.tqdm(**look)
    silent = _kernel() is not None or not shown
    return tqdm.tqdm(**look, disable=silent, dynamic_ncols=True)
