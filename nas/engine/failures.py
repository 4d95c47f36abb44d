"""Why a trial failed, in one line."""

from __future__ import annotations

from nas.quantities import format_duration


class OutOfTime(RuntimeError):
    """A trial took longer than it may."""


def time_is_over(seconds: float) -> str:
    """The reason of a trial that took longer than ``seconds``."""
    return f"took longer than limits.trial_time ({format_duration(seconds)})"


def failure_reason(error: Exception) -> str:
    """One line that says why a trial failed."""
    import torch

    from evaluators.evaluator import Diverged
    from nas.engine.scores import NoScore

    text = " ".join(str(error).split())
    if isinstance(error, torch.OutOfMemoryError | MemoryError) or "not enough memory" in text:
        return f"out of memory: {text[:300]}"
    if isinstance(error, Diverged):
        return f"diverged: {text}"
    if isinstance(error, NoScore | OutOfTime):
        return text
    return f"{type(error).__name__}: {text[:300]}"
