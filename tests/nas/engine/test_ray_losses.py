"""Why a worker was lost, from what Ray says."""

from __future__ import annotations

import pytest
from ray.core.generated.common_pb2 import ActorDiedErrorContext
from ray.exceptions import ActorDiedError, NodeDiedError, OutOfMemoryError, RayTaskError

from nas.engine.failures import Leaked
from nas.engine.ray_losses import Loss, loss_of

KILLED = Loss("the worker died: it was killed, most often for lack of memory, or crashed in native code")
MACHINE = Loss("the worker died: its machine was lost", alone=False)


def of_creation(last: str) -> ActorDiedError:
    return ActorDiedError(RayTaskError("__init__", f"Traceback:\n  x\n{last}\n\n", RuntimeError()))


def died(text: str) -> ActorDiedError:
    return ActorDiedError(ActorDiedErrorContext(error_message=text, actor_id=bytes(16)))


@pytest.mark.parametrize(
    ("error", "text", "loss"),
    [
        (None, "", KILLED),
        (died("The actor died unexpectedly"), "", KILLED),
        (died("The actor died because its node has died. Node Id: 9d"), "", MACHINE),
        (None, "The actor died because its node has died.", MACHINE),
        (NodeDiedError("gone"), "", MACHINE),
        (OutOfMemoryError("low"), "", Loss("the worker died: out of memory, its machine was running low")),
        (
            of_creation("ModuleNotFoundError: No module named 'mine'"),
            "",
            Loss(
                "the worker died: it could not begin: ModuleNotFoundError: No module named 'mine'",
                again=False,
                alone=False,
                begun=False,
            ),
        ),
        (RayTaskError("reset", "x", Leaked("held")), "", Loss("held", alone=False, begun=False)),
    ],
)
def test_a_reason_is_a_line_and_only_the_machines_faults_are_tried_again(
    error: Exception | None, text: str, loss: Loss
) -> None:
    assert loss_of(error, text) == loss
