"""Work spread over threads that compute alone."""

from __future__ import annotations

import threading
import time

import pytest
import torch

from evaluators.threads import spread


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_results_come_in_the_order_of_the_items(threads: int):
    def work(item: int) -> int:
        time.sleep(0.001 * (7 * item % 5))
        return item * item

    assert list(spread(work, range(20), threads)) == [item * item for item in range(20)]


@pytest.mark.parametrize("threads", [1, 3])
def test_no_more_items_are_worked_on_than_there_are_threads(threads: int):
    lock, running, most, taken = threading.Lock(), 0, 0, 0

    def work(item: int) -> int:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.002)
        with lock:
            running -= 1
        return item

    def items() -> list[int]:
        nonlocal taken
        for item in range(12):
            taken += 1
            yield item

    for done, _ in enumerate(spread(work, items(), threads)):
        assert taken - done <= threads + 1
    assert most <= threads


@pytest.mark.parametrize("threads", [1, 2])
def test_torch_computes_on_one_thread_meanwhile_and_as_before_afterwards(threads: int):
    torch.set_num_threads(2)
    used = list(spread(lambda _: torch.get_num_threads(), range(4), threads))
    assert used == [1] * 4
    assert torch.get_num_threads() == 2


@pytest.mark.parametrize("threads", [1, 2])
def test_what_goes_wrong_comes_out_and_torch_is_as_before(threads: int):
    def work(item: int) -> int:
        if item == 2:
            raise ValueError("two")
        return item

    torch.set_num_threads(2)
    with pytest.raises(ValueError, match="two"):
        list(spread(work, range(5), threads))
    assert torch.get_num_threads() == 2


def test_what_is_not_taken_is_left():
    results = spread(lambda item: item, iter(range(10**9)), 2)
    assert next(results) == 0
    results.close()  # type: ignore[attr-defined]


def test_one_thread_is_the_callers():
    assert list(spread(lambda _: threading.get_ident(), range(2), 1)) == [threading.get_ident()] * 2
