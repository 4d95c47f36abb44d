"""The most memory that this process takes while something runs, on top of what it held before; Linux.

What numpy, scipy and other libraries take is in it, so it belongs into a process of its own that has done the same
on something small before: then what is loaded and kept once does not count.
"""

from __future__ import annotations

import ctypes
import gc
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

Result = TypeVar("Result")


class Measured(NamedTuple):
    """Bytes on top, bytes of the whole process at most, and seconds."""

    added: int
    whole: int
    seconds: float


def measured(work: Callable[[], Result]) -> tuple[Result, Measured]:
    """What ``work`` returns, and what it took."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # what was freed is given back, else it would be used without a trace
    Path("/proc/self/clear_refs").write_text("5")  # the high-water mark begins anew
    before, began = _status("VmRSS"), time.perf_counter()
    result = work()
    seconds, most = time.perf_counter() - began, _status("VmHWM")
    return result, Measured(most - before, most, seconds)


def _status(name: str) -> int:
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) * 1024
