"""Chapter 6, memory: on a CPU, what one step frees is kept for the next."""

from __future__ import annotations

import ctypes
import os

# Numbers of mallopt(3), from glibc's malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_LARGEST_MMAP_THRESHOLD = 32 << 20  # glibc takes no larger one
_NEVER = -1


def keep_freed_memory() -> bool:
    """Ask the C library to keep what this process frees, as long as it lives, and return whether it does.

    A step makes and frees the same hundreds of tensors again and again. Left alone, glibc gives the free top of its
    heap back to the system, and the system hands it out again page by page, each filled with zeros first. At the sizes
    of ``lesson`` that is thousands of pages a step. Tensors above 32 MiB are given back all the same: glibc takes these
    from the system one by one. Only glibc has this setting; with another C library nothing is changed.
    """
    if not _is_glibc():
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return all(mallopt(*setting) for setting in ((_MMAP_THRESHOLD, _LARGEST_MMAP_THRESHOLD), (_TRIM_THRESHOLD, _NEVER)))


def _is_glibc() -> bool:
    try:
        return bool(os.confstr("CS_GNU_LIBC_VERSION"))
    except (AttributeError, ValueError, OSError):  # no such question, or no answer
        return False
