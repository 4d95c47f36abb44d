"""How much memory there is for this process, and how much it holds."""

from __future__ import annotations

import ctypes
import gc
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from evaluators.control_groups import control_groups

LIMITS = {1: "memory.limit_in_bytes", 2: "memory.max"}  # of control groups, by version


def allowed_memory(root: Path = Path("/")) -> int:
    """Bytes that the machine has, or the control groups around this process allow, whichever are fewer.

    ``root``: where ``/proc`` and ``/sys`` are found.
    """
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 2**63
    return min([machine, *_limits(root)])


def own_memory(root: Path = Path("/")) -> int:
    """Bytes that this process alone holds, what it shares with others (Ray's objects) left out; 0 where none says.

    ``root``: where ``/proc`` is found.
    """
    return _status("RssAnon", root) or 0


def added_memory(work: Callable[[], object]) -> int | None:
    """Bytes that this process takes at most while ``work`` runs, on top of what it held before; None where none says.

    What other threads take meanwhile is in it. Work that has run before shows what it takes alone, and not what is
    loaded and kept once.
    """
    gc.collect()
    _give_back()
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the high-water mark begins anew
    except OSError:  # no Linux, or a container that forbids it
        return None
    before = _status("VmRSS")
    work()
    most = _status("VmHWM")
    return None if before is None or most is None else max(most - before, 0)


def _give_back() -> None:
    """Return freed memory to the system, else it would be used again without a trace; where the C library can."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _status(name: str, root: Path = Path("/")) -> int | None:
    """Bytes of one line of this process's status; None where there is none."""
    try:
        lines = (root / "proc/self/status").read_text(encoding="utf-8").splitlines()
    except OSError:  # no Linux
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:")), None)


def _limits(root: Path) -> Iterator[int]:
    """Bytes that each control group around this process allows."""
    for group in control_groups("memory", root):
        try:
            yield int((group.folder / LIMITS[group.version]).read_text(encoding="utf-8"))
        except (OSError, ValueError):  # no file there, or no bound: 'max' is no number
            continue
