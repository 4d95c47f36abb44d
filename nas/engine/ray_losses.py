"""Why a trial ended without an outcome of its own, in plain words, and whether another attempt is worth while."""

from __future__ import annotations

from dataclasses import dataclass

from ray.exceptions import ActorDiedError, NodeDiedError, OutOfMemoryError, RayTaskError

from nas.engine.failures import Leaked


@dataclass(frozen=True)
class Loss:
    """What became of a worker.

    Attributes:
        reason: one line.
        again: whether the trial deserves another attempt: it was lost to the machine.
        alone: whether that has to be with no other trial beside it, as memory may have been short.
        begun: whether the trial had; what had not has lost nothing, and keeps its attempts.
    """

    reason: str
    again: bool = True
    alone: bool = True
    begun: bool = True


def loss_of(error: Exception | None, text: str) -> Loss:
    """From the error that Tune holds of a trial; ``text``: what it wrote of it, where the error itself is lost."""
    leaked = error if isinstance(error, Leaked) else getattr(error, "cause", None)
    if isinstance(leaked, Leaked):
        return Loss(str(leaked), alone=False, begun=False)
    if isinstance(error, RayTaskError):  # a candidate's own errors are outcomes: this one is of the worker's making
        last = [line for line in str(error).splitlines() if line.strip()][-1].strip()
        return Loss(f"the worker died: it could not begin: {last[:300]}", again=False)
    if isinstance(error, OutOfMemoryError) or "OutOfMemory" in text:
        return Loss("the worker died: out of memory, its machine was running low")
    preempted = isinstance(error, ActorDiedError) and error.preempted
    if preempted or isinstance(error, NodeDiedError) or "node has died" in f"{error} {text}":
        return Loss("the worker died: its machine was lost", alone=False)
    return Loss("the worker died: it was killed, most often for lack of memory, or crashed in native code")
