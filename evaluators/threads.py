"""Work spread over threads, each of which computes alone.

Torch splits an operation over its own threads and waits at its end for the last of them: on a machine that others use
too, every operation waits for whoever was interrupted, and many threads end up slower than one. Here threads share
whole pieces of work instead, and each operation runs on one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")


def spread(work: Callable[[Item], Result], items: Iterable[Item], threads: int) -> Iterator[Result]:
    """``work(item)`` of each item, in the order of the items, ``threads`` of them at once.

    No more results than that wait to be taken. With one thread everything happens in the caller's.
    """
    with one_thread_each():
        if threads == 1:
            yield from map(work, items)
            return
        with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            waiting: deque[Future[Result]] = deque()
            for item in items:
                if len(waiting) == threads:
                    yield waiting.popleft().result()
                waiting.append(pool.submit(work, item))
            while waiting:
                yield waiting.popleft().result()


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Every operation of torch on one thread, in threads that are started meanwhile too."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
