"""Chapter 6, memory: on a CPU, what one step frees is kept for the next."""

from __future__ import annotations

import ctypes
import platform

# Numbers of mallopt(3), from glibc's malloc.h.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3
_LARGEST_MMAP_THRESHOLD = 32 << 20  # glibc takes no larger one
_NEVER = 2**31 - 1
_PAD = 64 << 20


def keep_freed_memory() -> bool:
    """Ask the C library to keep freed memory of this process, and return whether it does.

    A step allocates and frees the same hundreds of tensors again and again. glibc, by default, gives the top of its
    heap back to the system whenever a few megabytes lie free there, and the system hands it out again page by page,
    each filled with zeros first. At the sizes of ``lesson`` that is thousands of pages a step. Only glibc has this
    setting; with another C library nothing is changed.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    settings = (_MMAP_THRESHOLD, _LARGEST_MMAP_THRESHOLD), (_TRIM_THRESHOLD, _NEVER), (_TOP_PAD, _PAD)
    return all(mallopt(*setting) for setting in settings)
