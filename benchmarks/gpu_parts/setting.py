"""What every part of the kit is told."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import torch


@dataclass(frozen=True)
class Setting:
    """Where to measure.

    Attributes:
        device: the GPU, or the CPU.
        quick: everything small, to show that it runs.
        data: folder of the hippocampus task; it may be missing.
    """

    device: torch.device
    quick: bool
    data: Path

    @property
    def on_gpu(self) -> bool:
        return self.device.type == "cuda"


def left(until: float) -> float:
    """Seconds until a moment of ``time.monotonic``, negative once it has passed."""
    return until - time.monotonic()
