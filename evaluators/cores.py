"""How many processor cores this process may use: fewer than the machine has, where somebody has set bounds."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

from evaluators.control_groups import control_groups


def allowed_cores(root: Path = Path("/")) -> int:
    """Cores that are left by affinity (``taskset``, SLURM, ``--cpuset-cpus``) and by the quotas of control groups.

    A part of a core counts only where there is no whole one. ``root``: where ``/proc`` and ``/sys`` are found.
    """
    own = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(own, math.floor(min(_quotas(root), default=own))))


def _quotas(root: Path) -> Iterator[float]:
    """Cores that each control group around this process allows."""
    for group in control_groups("cpu", root):
        try:
            yield _quota(group.folder, group.version)
        except (OSError, ValueError, ZeroDivisionError):  # no file there, or no bound
            continue


def _quota(folder: Path, version: int) -> float:
    """Cores by the files of one group; ``ValueError`` where they set no bound."""
    if version == 2:
        quota, period = (folder / "cpu.max").read_text(encoding="utf-8").split()
    else:
        quota, period = ((folder / f"cpu.cfs_{name}_us").read_text(encoding="utf-8") for name in ("quota", "period"))
    cores = int(quota) / int(period)  # 'max' is no number
    if cores <= 0:  # version 1 says -1 for no bound
        raise ValueError(quota)
    return cores
