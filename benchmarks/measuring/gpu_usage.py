"""How busy a GPU is while something runs, and how much of its memory all processes take: looked at again and again."""

from __future__ import annotations

import functools
import statistics
import subprocess
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import NamedTuple

import torch

EVERY = 0.2  # seconds between looks
NOBODY = "neither NVML (package nvidia-ml-py) nor nvidia-smi tells how busy the GPU is"


class Look(NamedTuple):
    """At a moment of ``time.monotonic``: percent of the time that kernels ran, and bytes in use by anybody."""

    moment: float
    percent: int | None
    used: int


class GpuUsage:
    """Looks from a thread of its own inside ``with``; on the CPU there is nothing to look at.

    Attributes:
        unknown: why it is not told how busy the GPU is; None where it is.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.unknown: str | None = "no GPU"
        self._looks: list[Look] = []
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        if device.type == "cuda":
            self._percent = _way_of_asking(device)
            self.unknown = None if self._percent else NOBODY
            self._before = self._used()

    def __enter__(self) -> GpuUsage:
        if self.device.type == "cuda":
            self._thread = threading.Thread(target=self._watch, daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        if self._thread:
            self._thread.join()

    def percent(self, begin: float = 0.0, end: float = float("inf")) -> float | None:
        """Mean of the looks between two moments; None where there is none, or it is not told."""
        told = [look.percent for look in self._between(begin, end) if look.percent is not None]
        return round(statistics.mean(told), 1) if told else None

    def added_bytes(self, begin: float = 0.0, end: float = float("inf")) -> int | None:
        """The most that all processes took between two moments, on top of what was taken before."""
        return max((look.used - self._before for look in self._between(begin, end)), default=None)

    def _between(self, begin: float, end: float) -> list[Look]:
        return [look for look in self._looks if begin <= look.moment <= end]

    def _watch(self) -> None:
        while not self._stop.wait(EVERY):
            percent = self._percent() if self._percent else None
            self._looks.append(Look(time.monotonic(), percent, self._used()))

    def _used(self) -> int:
        free, total = torch.cuda.mem_get_info(self.device)
        return total - free


def _way_of_asking(device: torch.device) -> Callable[[], int] | None:
    """The first way that answers."""
    for ask in (functools.partial(torch.cuda.utilization, device), functools.partial(_of_nvidia_smi, device)):
        try:
            ask()
        except Exception:  # NVML's errors are of a class that exists only where NVML does
            continue
        return ask
    return None


def _of_nvidia_smi(device: torch.device) -> int:
    identity = f"GPU-{torch.cuda.get_device_properties(device).uuid}"
    command = ["nvidia-smi", f"--id={identity}", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits"]
    return int(subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout)
