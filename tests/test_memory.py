"""One heap for all threads, unless the environment says otherwise; counted by glibc itself."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from remediator.memory import VARIABLE

COUNT_HEAPS = """
import ctypes, os, sys, threading
from remediator.memory import share_one_heap

if "--share" in sys.argv:
    print(share_one_heap(os.environ), file=sys.stderr)
together = threading.Barrier(6)

def work():
    together.wait()
    kept = [bytes(2_000) for _ in range(500)]
    together.wait()

threads = [threading.Thread(target=work) for _ in range(6)]
for thread in threads: thread.start()
for thread in threads: thread.join()
libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
stream = ctypes.c_void_p(libc.fopen(sys.argv[1].encode(), b"w"))
libc.malloc_info(0, stream)
libc.fclose(stream)
"""

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has a heap a thread")


def heaps(tmp_path: Path, *options: str, **variables: str) -> int:
    """Return how many heaps six threads at work make in a process of their own."""
    place = tmp_path / "heaps.xml"
    environment = {name: value for name, value in os.environ.items() if name != VARIABLE} | variables
    command = [sys.executable, "-c", COUNT_HEAPS, str(place), *options]
    subprocess.run(command, check=True, env=environment, capture_output=True)
    return place.read_text(encoding="ascii").count("<heap nr=")


def test_threads_have_heaps_of_their_own_until_they_are_told_to_share(tmp_path: Path) -> None:
    assert heaps(tmp_path) > 1
    assert heaps(tmp_path, "--share") == 1


def test_what_the_environment_says_about_heaps_stands(tmp_path: Path) -> None:
    assert 1 < heaps(tmp_path, "--share", **{VARIABLE: "3"}) <= 3
