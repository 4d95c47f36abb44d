"""Why a trial failed, in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nas.quantities import format_duration

if TYPE_CHECKING:
    from nas.engine.orders import Order

OUT_OF_MEMORY = "out of memory: "  # how the reason begins where memory was short


class OutOfTime(RuntimeError):
    """A trial took longer than it may."""


class Leaked(RuntimeError):
    """A worker holds memory that its trials have left behind; no trial's fault but for those that are over."""


def time_is_over(order: Order) -> str:
    """The reason of a trial that took longer than it may."""
    assert order.seconds is not None
    return f"took longer than {order.limit} ({format_duration(order.seconds)})"


def failure_reason(error: Exception) -> str:
    """One line that says why a trial failed."""
    import torch

    from evaluators.evaluator import Diverged
    from nas.engine.scores import NoScore

    text = " ".join(str(error).split())
    if isinstance(error, torch.OutOfMemoryError | MemoryError) or "not enough memory" in text:
        return f"{OUT_OF_MEMORY}{text[:300]}"
    if isinstance(error, Diverged):
        return f"diverged: {text}"
    if isinstance(error, NoScore | OutOfTime):
        return text
    return f"{type(error).__name__}: {text[:300]}"
