"""How much memory there is for this process, and how much it holds."""

from __future__ import annotations

import os
from collections.abc import Iterator
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
    try:
        lines = (root / "proc/self/status").read_text(encoding="utf-8").splitlines()
    except OSError:  # no Linux
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon:")), 0)


def _limits(root: Path) -> Iterator[int]:
    """Bytes that each control group around this process allows."""
    for group in control_groups("memory", root):
        try:
            yield int((group.folder / LIMITS[group.version]).read_text(encoding="utf-8"))
        except (OSError, ValueError):  # no file there, or no bound: 'max' is no number
            continue
