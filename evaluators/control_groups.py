"""The control groups around this process, in which containers and schedulers keep what they start."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ControlGroup:
    """A folder with the bounds of one group, and the version of control groups, 1 or 2, which names its files."""

    folder: Path
    version: int


def control_groups(controller: str, root: Path = Path("/")) -> Iterator[ControlGroup]:
    """Groups that may bound what ``controller`` (``cpu``, ``memory``) counts; a bound above holds below too.

    Some are not to be found: in a container the names are those of the host.

    ``root``: where ``/proc`` and ``/sys`` are found.
    """
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:  # no Linux
        return
    for line in lines:
        _, controllers, group = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        base = root / "sys/fs/cgroup" / (controller if controllers else "")
        inside = Path(group.lstrip("/"))
        for folder in (inside, *inside.parents):
            yield ControlGroup(base / folder, version=1 if controllers else 2)
