"""Why a trial ended without an outcome of its own, in plain words, and whether another attempt is worth while."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ray import cloudpickle
from ray.exceptions import ActorDiedError, NodeDiedError, OutOfMemoryError, RayTaskError
from ray.tune.experiment import Trial

from nas.engine.failures import Leaked

CREATION = "creation task"  # in what Ray says of a worker that failed before any trial


@dataclass(frozen=True)
class Loss:
    """What became of a worker.

    Attributes:
        reason: one line.
        again: whether the trial deserves another attempt: it was lost to the machine.
        alone: whether that has to be with no other trial beside it, as memory may have been short.
        begun: whether the trial had; what had not has lost nothing, and keeps its attempts. What cannot begin at all is
            of no trial's making.
    """

    reason: str
    again: bool = True
    alone: bool = True
    begun: bool = True


def error_of(trial: Trial) -> tuple[Exception | None, str]:
    """The error with which a trial has just ended, and the text of it.

    Tune keeps them in files of this process; its own ``get_error`` looks where they are copied to later, if at all.
    """
    if trial.pickled_error_file is None or trial.error_file is None:
        return None, ""
    text = Path(trial.error_file).read_text(encoding="utf-8", errors="replace")
    try:
        return cloudpickle.loads(Path(trial.pickled_error_file).read_bytes()), text
    except Exception:  # an error of somebody else's class may pickle and not come back
        return None, text


def loss_of(error: Exception | None, text: str) -> Loss:
    """From the error of a trial; ``text``: what Tune wrote of it, where the error itself is lost."""
    cause = getattr(error, "cause", None)
    if isinstance(cause, Leaked):
        return Loss(str(cause), alone=False, begun=False)
    # A candidate's own errors are outcomes: this one is of the worker's making.
    if isinstance(error, RayTaskError) or (isinstance(error, ActorDiedError) and CREATION in str(error)):
        last = [line for line in str(error).splitlines() if line.strip()][-1].strip()
        return Loss(f"the worker died: it could not begin: {last[:300]}", again=False, alone=False, begun=False)
    if isinstance(error, OutOfMemoryError) or "OutOfMemory" in text:
        return Loss("the worker died: out of memory, its machine was running low")
    preempted = isinstance(error, ActorDiedError) and error.preempted
    if preempted or isinstance(error, NodeDiedError) or "node has died" in f"{error} {text}":
        return Loss("the worker died: its machine was lost", alone=False)
    return Loss("the worker died: it was killed, most often for lack of memory, or crashed in native code")
