"""The most memory that tensors take at once, exactly.

On the CPU: the running sum over the allocator's own events, which torch's profiler records; what kernels take through
that allocator is in it, what libraries keep for themselves (oneDNN's scratch) is not, and neither is Python. The size
of a process, which everybody else's libraries and the allocator's pools blur, is not looked at. On a GPU: torch's own
counter. Either way it is what comes on top of what was there before.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable

import torch

os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # the profiler announces each start and stop otherwise


def peak_bytes(step: Callable[[], object], device: torch.device) -> int:
    """The most bytes at once, on top of those at the start, while ``step`` runs."""
    gc.collect()
    return _on_gpu(step, device) if device.type == "cuda" else _on_cpu(step)


def _on_cpu(step: Callable[[], object]) -> int:
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        step()
    recorded = profile.profiler
    assert recorded is not None
    assert recorded.kineto_results is not None
    events = [event for event in recorded.kineto_results.events() if event.name() == "[memory]"]
    now = most = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        now += event.nbytes()
        most = max(most, now)
    return most


def _on_gpu(step: Callable[[], object], device: torch.device) -> int:
    torch.cuda.synchronize(device)
    before = torch.cuda.memory_allocated(device)
    torch.cuda.reset_peak_memory_stats(device)
    step()
    torch.cuda.synchronize(device)
    return torch.cuda.max_memory_allocated(device) - before


def check_meter(device: torch.device, side: int = 1024) -> None:
    """Hold the meter to something known: a matrix and its softmax are twice its bytes, and freed ones do not count."""

    def two_at_once() -> None:
        torch.empty(side, side, device=device).softmax(-1)
        torch.empty(side, side, device=device).softmax(-1)

    known, found = 2 * 4 * side**2, peak_bytes(two_at_once, device)
    if not known <= found < 1.01 * known:
        raise RuntimeError(f"memory meter: expected {known} bytes for two {side} x {side} matrices, got {found}")
