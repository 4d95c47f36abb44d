"""How many processor cores this process may use: fewer than the machine has, where somebody has set bounds."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path


def allowed_cores(root: Path = Path("/")) -> int:
    """Cores that are left by affinity (``taskset``, SLURM, ``--cpuset-cpus``) and by the quotas of control groups.

    A part of a core counts only where there is no whole one. ``root``: where ``/proc`` and ``/sys`` are found.
    """
    own = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(own, math.floor(min(_quotas(root), default=own))))


def _quotas(root: Path) -> Iterator[float]:
    """Cores that each control group around this process allows, of versions 1 and 2; a bound above holds below too."""
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:  # no Linux
        return
    for line in lines:
        _, controllers, group = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        base = root / "sys/fs/cgroup" / ("cpu" if controllers else "")
        inside = Path(group.lstrip("/"))
        for folder in (inside, *inside.parents):  # in a container the names of the host's groups are not to be found
            try:
                yield _quota(base / folder, version=1 if controllers else 2)
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
