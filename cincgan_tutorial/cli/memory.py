"""Too little memory: which errors mean it, and how it is said."""

from __future__ import annotations

import errno
import re

import torch

# torch has a class for it on a GPU only. On a CPU its allocator says who it is; libraries below have their own words.
_WORDS = re.compile(r"DefaultCPUAllocator|out of memory|cannot allocate memory|bad_alloc|ALLOC_FAILED", re.IGNORECASE)
_ASKED = re.compile(r"allocate ([\d.]+) (bytes|[KMGTPE]iB)")
_UNITS = ("KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
# Characters of a command that are shown: it may name a thousand files.
_SHOWN = 200


def lacks_memory(error: BaseException) -> bool:
    """Return whether an error means that there is not enough memory, in the words of any library."""
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and bool(_WORDS.search(str(error)))


def said(typed: str, remedy: str, error: BaseException) -> str:
    """Return a line for an error that `lacks_memory`: what was to be done, how much was asked for, what helps."""
    command = typed if len(typed) <= _SHOWN else f"{typed[:_SHOWN]} ..."
    asked = _ASKED.search(f"{error} {error.__cause__}")
    size = f" ({_for_people(float(asked[1]), asked[2])} more were asked for)" if asked else ""
    # Those of other libraries only say so; this library's own name a file.
    named = f" {error}" if type(error) is MemoryError and str(error) else ""
    return f"not enough memory{size} for: {command}.{named} {remedy}"


def _for_people(number: float, unit: str) -> str:
    count = number * 1024 ** (_UNITS.index(unit) + 1) if unit in _UNITS else number
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else f"{count / 1e6:,.1f} MB"
