"""How the C library keeps memory for threads.

A daemon does each piece of work in a thread of its own, and glibc gives threads heaps ("arenas") of their
own, up to eight a core. Each keeps what it once held, so that resident memory creeps up for weeks although
nothing leaks. Threads of Python mostly wait for each other anyway: one heap costs no time, and stays flat.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping

VARIABLE = "MALLOC_ARENA_MAX"
"""Set by somebody who knows better, it is left to the C library."""

_M_ARENA_MAX = -8
"""mallopt(3): the parameter's number in glibc's malloc.h."""


def share_one_heap(environment: Mapping[str, str]) -> bool:
    """Have all threads share one heap; to be called before there are any.

    Returns:
        Whether the C library does so now; others than glibc have no such heaps and need nothing.
    """
    if VARIABLE in environment:
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, TypeError, AttributeError):
        return False
    mallopt.argtypes, mallopt.restype = (ctypes.c_int, ctypes.c_int), ctypes.c_int
    return bool(mallopt(_M_ARENA_MAX, 1))
