"""How many trials share a GPU: plain numbers, as most machines that run this have none."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.config.sections import ResourcesSection
from nas.engine import ray_share
from nas.engine.ray_cluster import Node, Resources
from nas.engine.ray_share import resources_of, share_of, told, trials_on_a_gpu
from search_spaces.errors import InputError

GIB = 2**30


@pytest.mark.parametrize(
    ("needed", "free", "there", "cpus", "workers", "trials"),
    [
        (2 * GIB, 24 * GIB, [Node(64, 1)], 1, None, 12),  # by memory
        (2 * GIB, 24 * GIB, [Node(8, 1)], 1, None, 8),  # by cores
        (2 * GIB, 24 * GIB, [Node(8, 1)], 2, None, 4),
        (2 * GIB, 24 * GIB, [Node(8, 4)], 1, None, 2),  # the cores are shared by four GPUs
        (2 * GIB, 24 * GIB, [Node(9, 4)], 1, None, 3),
        (2 * GIB, 24 * GIB, [Node(64, 2)], 1, 4, 2),  # four workers are spread over both
        (2 * GIB, 24 * GIB, [Node(64, 2)], 1, 1, 1),
        (2 * GIB, 24 * GIB, [Node(8, 1), Node(128, 0)], 1, None, 8),  # cores without a GPU do not count
        (30 * GIB, 24 * GIB, [Node(8, 1)], 1, None, 1),  # too much for one is tried all the same
        (0, 24 * GIB, [Node(10**6, 1)], 1, None, 10_000),  # Ray counts no finer
    ],
)
def test_as_many_trials_share_a_gpu_as_its_memory_holds_and_cores_keep_busy(
    needed: int, free: int, there: list[Node], cpus: int, workers: int | None, trials: int
) -> None:
    assert trials_on_a_gpu(needed, free, there, cpus, workers) == trials


@given(trials=st.integers(1, 10_000))
def test_a_share_is_what_ray_counts_and_gives_at_least_that_many_trials(trials: int) -> None:
    share = share_of(trials)
    assert Node(10**9, 1).fits(Resources(gpus_per_trial=share)) >= trials
    assert share * trials <= 1 + 1e-9
    assert share * 10_000 == pytest.approx(round(share * 10_000))


@given(
    needed=st.integers(1, 100 * GIB),
    free=st.integers(1, 100 * GIB),
    cpus=st.integers(1, 256),
    gpus=st.integers(1, 16),
    workers=st.none() | st.integers(1, 100),
)
def test_what_shares_a_gpu_fits_its_memory_and_no_gpu_is_left_idle_for_it(
    needed: int, free: int, cpus: int, gpus: int, workers: int | None
) -> None:
    trials = trials_on_a_gpu(needed, free, [Node(cpus, gpus)], 1, workers)
    assert trials == 1 or trials * needed <= free
    at_once = min(cpus, workers or cpus)
    assert trials == 1 or (trials - 1) * gpus < at_once


def test_a_share_that_is_given_is_taken_as_it_is_and_nothing_is_measured() -> None:
    def never() -> int:
        raise AssertionError

    section = ResourcesSection(workers=3, cpus_per_trial=2, gpus_per_trial=0.25)
    assert resources_of(section, never, never) == Resources(3, 2, 0.25)


def test_a_share_is_worked_out_from_the_gpu_with_least_room_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_share, "nodes", lambda: [Node(16, 1), Node(16, 1), Node(4, 0)])
    monkeypatch.setattr(ray_share, "free_memory", lambda: [80 * GIB, 24 * GIB])
    lines: list[str] = []
    found = resources_of(ResourcesSection(gpus_per_trial="auto"), lambda: 5 * GIB, lines.append)
    assert found == Resources(None, 1, 0.25)
    assert lines == ["a trial takes up to 5.00 GiB of a GPU by prediction, and 24.0 GiB are free: 4 trials share one"]


def test_what_does_not_fit_is_said() -> None:
    assert told(GIB, GIB, 1).endswith("1.00 GiB are free: one trial a GPU")
    assert told(2 * GIB, GIB, 1).endswith(": one trial a GPU, and what does not fit will fail for lack of memory")


def test_a_share_of_no_gpu_is_refused(cluster: Any) -> None:
    with pytest.raises(InputError, match="^resources.gpus_per_trial: expected 0, Ray sees 0 GPUs; got auto$"):
        resources_of(ResourcesSection(gpus_per_trial="auto"), lambda: 1, print)
