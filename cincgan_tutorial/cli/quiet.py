"""Keeping libraries in C from writing their own words to the terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_STDERR = 2


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Drop what is written to the process's stderr meanwhile, past Python.

    libtiff prints what it dislikes before Pillow can turn it into an exception; a person should get one line for a
    damaged file. Nothing else may write meanwhile: wrap as little as possible.
    """
    sys.stderr.flush()
    try:
        kept = os.dup(_STDERR)
    except OSError:  # it is closed: there is nothing to keep quiet
        yield
        return
    try:
        with open(os.devnull, "wb") as nothing:
            os.dup2(nothing.fileno(), _STDERR)
        yield
    finally:
        os.dup2(kept, _STDERR)
        os.close(kept)
