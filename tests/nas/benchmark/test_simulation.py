"""Simulated workers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from evaluators.evaluator import Progress
from nas.benchmark.simulation import SimulatedCluster
from nas.engine.orders import Order, Outcome
from tests.nas.trials import architecture


class Given:
    """A source of so many orders; ``halt``: numbers that are stopped at their first rung."""

    def __init__(self, count: int, cluster: SimulatedCluster, halt: tuple[int, ...] = ()) -> None:
        self.left = list(range(count))
        self.cluster = cluster
        self.halt = halt
        self.began: dict[int, float] = {}
        self.ended: dict[int, float] = {}
        self.rungs: list[tuple[int, int]] = []

    def next(self) -> Order | None:
        if not self.left:
            return None
        number = self.left.pop(0)
        self.began[number] = self.cluster.clock()
        return Order(number, "search", architecture(number), 10, 0, "val", rungs=(5,))

    def progress(self, order: Order, progress: Progress) -> bool:
        return True

    def rung(self, order: Order, progress: Progress, outcome: Outcome) -> Order | None:
        self.rungs.append((order.number, progress.step))
        if order.number in self.halt:
            self.ended[order.number] = self.cluster.clock()
            return None
        return order

    def finished(self, order: Order, outcome: Outcome) -> None:
        self.ended[order.number] = self.cluster.clock()

    def resized(self, trials: int) -> None:
        raise AssertionError("simulated workers stay as many as they are")

    def longest_wait(self) -> float | None:
        raise AssertionError("simulated workers are there from the beginning")


def in_two_parts(order: Order) -> Iterator[tuple[float, int, Outcome]]:
    seconds = 2.0 + order.number
    yield seconds, 5, Outcome(seconds, metrics={"dice": 0.5})
    yield seconds, 10, Outcome(2 * seconds, metrics={"dice": 0.6})


def test_a_worker_takes_the_next_order_when_it_is_free():
    cluster = SimulatedCluster(2)
    source = Given(4, cluster)
    cluster.run(source, in_two_parts)
    assert source.began == {0: 0.0, 1: 0.0, 2: 4.0, 3: 6.0}
    assert source.ended == {0: 4.0, 1: 6.0, 2: 12.0, 3: 16.0}
    assert source.rungs == [(0, 5), (1, 5), (2, 5), (3, 5)]
    assert cluster.now == 16.0
    assert cluster.idle == pytest.approx(1 - 28 / 32)


def test_what_is_stopped_at_a_rung_frees_its_worker():
    cluster = SimulatedCluster(1)
    source = Given(2, cluster, halt=(0,))
    cluster.run(source, in_two_parts)
    assert source.ended == {0: 2.0, 1: 8.0}
    assert cluster.idle == 0.0


def test_nothing_to_do_takes_no_time():
    cluster = SimulatedCluster(3)
    cluster.run(Given(0, cluster), in_two_parts)
    assert (cluster.now, cluster.idle) == (0.0, 0.0)
