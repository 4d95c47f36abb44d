"""What stands for full training in a search because it costs less, and what it makes once and keeps."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Hashable
from typing import Generic, TypeVar

from evaluators.evaluator import Evaluator, Progress
from evaluators.preprocessing import PreparedTask
from evaluators.training import TrainingEvaluator

T = TypeVar("T")


class Estimate(Evaluator):
    """Base of evaluators that only stand for full training: the finals of a search are trained by ``train``.

    A constructor may ask for two arguments that are no settings of a user's: ``training``, how networks are trained,
    and ``space``, the space that is searched.

    Args:
        training: how networks are trained; None: as ``train`` does with its defaults.
    """

    def __init__(self, training: TrainingEvaluator | None = None) -> None:
        self.training = training or TrainingEvaluator()


class Kept(Generic[T]):
    """What is made once for a task and used for many candidates, by key. It travels to other processes empty.

    Args:
        most: things that are kept; that which was used longest ago goes first.

    Attributes:
        seconds: wall-clock time that making took, all together.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.seconds = 0.0
        self._task: PreparedTask | None = None
        self._made: dict[Hashable, T] = {}

    def __reduce__(self) -> tuple[type[Kept[T]], tuple[int]]:
        return Kept, (self.most,)

    def get(
        self, task: PreparedTask, key: Hashable, make: Callable[[], Generator[Progress, None, T]], steps: int
    ) -> Generator[Progress, None, T]:
        """The thing of ``key``, made where it is not there; meanwhile it tells of step 0 of ``steps``."""
        if task is not self._task:
            self._task, self._made = task, {}
        if key in self._made:
            self._made[key] = self._made.pop(key)
        else:
            began = time.perf_counter()
            work = make()
            while True:
                try:
                    progress = next(work)
                except StopIteration as stop:
                    made: T = stop.value
                    break
                yield Progress(0, steps, progress.loss)
            self.seconds += time.perf_counter() - began
            self._made[key] = made
            if len(self._made) > self.most:
                del self._made[next(iter(self._made))]
        return self._made[key]
