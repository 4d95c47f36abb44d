"""What an estimate makes once is made once, kept for one task, and left at home."""

from __future__ import annotations

import pickle
from collections.abc import Generator, Hashable

from evaluators.estimate import Kept
from evaluators.evaluator import Progress
from evaluators.preprocessing import PreparedTask, prepare
from tests.evaluators.made_tasks import disc_task


def task() -> PreparedTask:
    return prepare(disc_task([(8, 8)]))


class Maker:
    """Counts how often each thing is made."""

    def __init__(self) -> None:
        self.made: list[Hashable] = []

    def get(self, kept: Kept[str], of: PreparedTask, key: str) -> tuple[list[Progress], str]:
        def make() -> Generator[Progress, None, str]:
            self.made.append(key)
            yield Progress(7, 8, 0.5)
            return f"thing {key}"

        work, told = kept.get(of, key, make, steps=3), []
        while True:
            try:
                told.append(next(work))
            except StopIteration as stop:
                return told, stop.value


def test_a_thing_is_made_once_and_its_making_is_told_as_step_zero():
    kept, maker, of = Kept[str](2), Maker(), task()
    assert maker.get(kept, of, "a") == ([Progress(0, 3, 0.5)], "thing a")
    assert maker.get(kept, of, "a") == ([], "thing a")
    assert maker.made == ["a"]
    assert kept.seconds > 0


def test_what_was_used_longest_ago_goes_first():
    kept, maker, of = Kept[str](2), Maker(), task()
    for key in "abac":
        maker.get(kept, of, key)
    maker.made.clear()
    for key in "ab":
        maker.get(kept, of, key)
    assert maker.made == ["b"]


def test_nothing_is_kept_for_another_task():
    kept, maker = Kept[str](2), Maker()
    for of in (task(), task()):
        maker.get(kept, of, "a")
    assert maker.made == ["a", "a"]


def test_it_travels_empty():
    kept, maker, of = Kept[str](2), Maker(), task()
    maker.get(kept, of, "a")
    received = pickle.loads(pickle.dumps(kept))
    maker.get(received, of, "a")
    assert maker.made == ["a", "a"]
    assert received.most == 2
