"""Trials on a real Ray."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Sequence

import pytest
import ray

from evaluators.evaluator import Progress
from evaluators.preprocessing import PreparedTask, prepare
from evaluators.tasks import open_task
from nas.engine import ray_growth, ray_waiting
from nas.engine.failures import failure_reason
from nas.engine.orders import Order, Outcome
from nas.engine.ray_bridge import Bridge
from nas.engine.ray_cluster import Resources
from nas.engine.ray_trials import run_trials
from search_spaces.architecture.architecture import Architecture
from search_spaces.errors import InputError
from tests.nas.broken_evaluators import WAYS, Broken
from tests.nas.trials import architecture

TWO = Resources(workers=2)


class Orders:
    """A source of given orders that remembers what came back.

    ``patience``: reports until it stops an endless one; ``wait``: seconds in which a trial must begin.
    """

    def __init__(self, orders: Sequence[Order], workers: int, patience: int = 3, wait: float | None = None) -> None:
        self.left = list(orders)
        self.workers = workers
        self.patience = patience
        self.wait = wait
        self.running: list[Order] = []
        self.outcomes: dict[int, Outcome] = {}
        self.reports: dict[int, list[Progress]] = {}
        self.most = 0

    def next(self) -> Order | None:
        if not self.left or len(self.running) == self.workers:
            return None
        self.running.append(self.left.pop(0))
        self.most = max(self.most, len(self.running))
        return self.running[-1]

    def progress(self, order: Order, progress: Progress) -> bool:
        reports = self.reports.setdefault(order.number, [])
        reports.append(progress)
        if len(reports) < self.patience:
            return True
        self.running.remove(order)
        return False

    def rung(self, order: Order, progress: Progress, outcome: Outcome) -> Order | None:
        raise AssertionError("no order has rungs")

    def finished(self, order: Order, outcome: Outcome) -> None:
        assert order.number not in self.outcomes
        self.running.remove(order)
        self.outcomes[order.number] = outcome

    def resized(self, trials: int) -> None:
        self.workers = trials

    def longest_wait(self) -> float | None:
        return self.wait


def order(number: int, way: str, candidate: Architecture | None = None, phase: str = "search") -> Order:
    split = "val" if phase == "search" else "test"
    seconds = 1.0 if way in ("late", "hangs") else None
    return Order(
        number, phase, candidate or architecture(number, "skip.0"), 20, WAYS.index(way), split, seconds=seconds
    )  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def task(small_task) -> PreparedTask:
    return prepare(open_task(small_task, classes={"disc": 255}))


GOOD = ("good", "slow", "numpy", "killed once", "short of memory once")
WANTED = [
    "good", "raises", "good", "killed", "good", "memory", "good", "torch memory", "diverges", "good",
    "endless", "nan", "no dice", "good", "slow", "good", "numpy", "case nan", "too good", "no evaluation", "text",
    "killed once", "good", "late", "hangs", "good",
    "short of memory once",
]  # fmt: skip


@pytest.fixture(scope="module")
def told() -> list[str]:
    """What a user was told in that session."""
    return []


@pytest.fixture(scope="module")
def source(cluster, task, told, tmp_path_factory) -> Orders:
    """What came of one session in which trials failed in every way, two at once."""
    orders = [order(number, way, phase="final" if number == 2 else "search") for number, way in enumerate(WANTED)]
    source = Orders(orders, workers=2)
    broken = Broken(tmp_path_factory.mktemp("broken"))
    run_trials(source, task, {"search": broken, "final": broken}, TWO, told.append)
    return source


def of_trials(told: list[str]) -> list[str]:
    """What was told of trials: on a busy machine workers start slowly, and that is told too."""
    return [line for line in told if not line.startswith("no trial has begun")]


def outcomes(source: Orders, way: str) -> list[Outcome]:
    return [source.outcomes[number] for number, wanted in enumerate(WANTED) if wanted == way]


def test_every_order_is_worked_on_two_at_once(source):
    assert source.left == source.running == []
    assert source.most == 2
    assert sorted(source.outcomes) == [number for number, way in enumerate(WANTED) if way != "endless"]


def test_good_candidates_are_scored_whatever_became_of_the_others(source):
    for outcome in [*outcomes(source, "good"), *outcomes(source, "slow")]:
        assert outcome.error is None
        assert outcome.metrics["dice"] == 0.5
        assert outcome.cases["case"]["disc"] == 0.5
        assert outcome.weights is None


def test_the_phase_of_an_order_chooses_its_split(source):
    assert {number: outcome.metrics["split"] for number, outcome in source.outcomes.items() if outcome.metrics} == {
        number: float(number == 2) for number, way in enumerate(WANTED) if way in GOOD
    }


@pytest.mark.parametrize(
    ("way", "reason"),
    [
        ("raises", "ValueError: the candidate is no good"),
        ("memory", "out of memory: no room for 3 GB"),
        ("torch memory", "out of memory: [enforce fail] DefaultCPUAllocator: not enough memory"),
        ("diverges", "diverged: the loss was nan at step 10 of 20"),
        ("nan", "the score is not a number: dice"),
        ("no dice", "the score is not a number: no dice"),
        ("killed", "the worker died: it was killed, most often for lack of memory, or crashed in native code"),
        ("case nan", "the score is not a number: Dice of case 'case', class 'disc', got nan"),
        ("too good", "the score is no Dice: dice, expected 0 to 1, got 50"),
        ("no evaluation", "the evaluator returned no Evaluation; got NoneType"),
        ("text", "the score is not a number: dice, got str"),
        ("late", "took longer than limits.trial_time (1 s)"),
        ("hangs", "took longer than limits.trial_time (1 s)"),
    ],
)
def test_a_failed_candidate_has_its_reason_in_one_line_and_no_score(source, way, reason):
    (outcome,) = outcomes(source, way)
    assert outcome.error is not None
    assert outcome.error.startswith(reason)
    assert len(outcome.error) > len("the worker died: ")
    assert "\n" not in outcome.error
    assert outcome.metrics == {}
    assert outcome.cases == {}


def test_workers_are_reused(cluster, task, source, tmp_path):
    """In the other session trials that die, or run alone, start workers: how many hangs on timing."""
    assert os.getpid() not in {outcome.metrics["process"] for outcome in source.outcomes.values() if outcome.metrics}
    good = Orders([order(number, "good") for number in range(8)], workers=2)
    run_trials(good, task, {"search": Broken(tmp_path)}, TWO, print)
    assert len({outcome.metrics["process"] for outcome in good.outcomes.values()}) <= 2 < len(good.outcomes)


@pytest.mark.parametrize("way", ["killed once", "short of memory once"])
def test_a_trial_that_is_lost_to_the_machine_is_tried_once_more_alone_and_counts_once(source, way):
    (outcome,) = outcomes(source, way)
    assert outcome.metrics["dice"] == 0.5
    assert outcome.seconds < 10  # those of the attempt that counts
    others = [other.metrics["began"] for other in source.outcomes.values() if other.metrics and other is not outcome]
    assert not any(outcome.metrics["began"] < began < outcome.metrics["began"] + 1 for began in others)


def test_what_is_tried_once_more_is_said(source, told):
    again = ("killed", "memory", "torch memory", "killed once", "short of memory once")
    lines = of_trials(told)
    assert sorted(line.split(":")[0] for line in lines) == sorted(f"search {WANTED.index(way)}" for way in again)
    assert all(line.endswith("; it is tried once more with no other beside it") for line in lines)
    assert any("out of memory: no room for 3 GB beside others" in line for line in lines)


def test_scores_are_numbers_of_pythons_own_whatever_the_evaluator_gave(source):
    (outcome,) = outcomes(source, "numpy")
    assert {type(value) for value in outcome.metrics.values()} == {float}
    assert outcome.cases == {"case": {"disc": 0.5, "ring": None}}
    assert type(outcome.cases["case"]["disc"]) is float


def test_the_time_of_a_trial_is_its_own(source):
    (slow,) = outcomes(source, "slow")
    assert 1 <= slow.seconds < 3
    assert slow.cpu_seconds < slow.seconds
    assert all(math.isfinite(outcome.seconds) and outcome.seconds >= 0 for outcome in source.outcomes.values())


def test_progress_arrives_in_order_and_a_trial_that_is_no_longer_wanted_stops_without_an_outcome(source):
    number = WANTED.index("endless")
    assert number not in source.outcomes
    reports = source.reports[number]
    assert len(reports) == source.patience
    assert [report.step for report in reports] == sorted(report.step for report in reports)
    assert {report.steps for report in reports} == {20}


def test_a_worker_whose_trials_leave_memory_behind_is_replaced_and_no_trial_is_lost(cluster, task):
    told: list[str] = []
    source = Orders([order(number, way) for number, way in enumerate(["good", "leaks", "good", "good"])], workers=1)
    run_trials(source, task, {"search": Broken()}, Resources(1), told.append)
    processes = [source.outcomes[number].metrics["process"] for number in range(4)]
    assert processes[0] == processes[1] != processes[2] == processes[3]
    (line,) = of_trials(told)
    assert line.startswith("search 2: its worker holds ")
    assert line.endswith(" more than after its first trial, and is replaced; it begins in another")


class Absent(Broken):
    """An evaluator whose module is there where the search is started, and nowhere else."""

    def __reduce__(self) -> tuple[Callable[[], Broken], tuple[()]]:
        return _absent, ()


def _absent() -> Broken:
    raise ModuleNotFoundError("No module named 'mine'")


def test_where_no_worker_can_begin_the_session_ends_with_the_reason_and_no_trial_has_failed(cluster, task, capfd):
    source = Orders([order(number, "good") for number in range(3)], workers=1)
    with pytest.raises(
        InputError, match="^no trial can begin, .*No module named 'mine'; expected this package"
    ) as caught:
        run_trials(source, task, {"search": Absent()}, Resources(1))
    assert "\n" not in str(caught.value)
    assert source.outcomes == {}
    assert "Traceback" not in capfd.readouterr().err


def test_a_source_without_orders_ends_at_once(cluster, task):
    source = Orders([], workers=2)
    run_trials(source, task, {"search": Broken(), "final": Broken()}, TWO)
    assert source.outcomes == {}


def test_a_cluster_that_grows_is_used_and_one_that_shrinks_is_not_waited_for(monkeypatch):
    there = [1, 1, 3, 0, 2]
    monkeypatch.setattr(ray_growth, "EVERY", 0.0)
    monkeypatch.setattr(ray_growth, "trials_at_once", lambda resources: there.pop(0))
    told: list[str] = []
    source = Orders([], workers=1)
    growth = ray_growth.Growth(Bridge(source, told.append), Resources())
    sizes = []
    while there:
        growth.on_step_end(0, [])
        sizes.append(source.workers)
    assert sizes == [1, 3, 3, 2]
    assert told == [f"the cluster has changed: {trials} trials at once from now on" for trials in (3, 2)]


def test_what_is_waited_for_is_said_and_the_time_limit_holds_meanwhile(cluster, task, monkeypatch):
    """Somebody else holds every core of the cluster."""
    monkeypatch.setattr(ray_waiting, "FIRST_WORD", 0.5)
    monkeypatch.setattr(ray_waiting, "STARTING", 0.0)
    holder = ray.remote(num_cpus=cluster.workers(Resources()))(object).remote()
    told: list[str] = []
    try:
        while ray.available_resources().get("CPU", 0):
            time.sleep(0.1)
        with pytest.raises(InputError, match="limits.time is over: no trial has begun for"):
            run_trials(Orders([order(0, "good")], 1, wait=3.0), task, {"search": Broken()}, TWO, told.append)
    finally:
        ray.kill(holder)
    assert told[0].startswith("no trial has begun for ")
    assert told[0].endswith("; each waits for 1 core on one node, and free are 0 cores")


def test_what_the_source_raises_ends_the_session_and_is_told(cluster, task):
    class Full(Orders):
        def finished(self, order: Order, outcome: Outcome) -> None:
            raise OSError("no space left on device")

    with pytest.raises(OSError, match="^no space left on device$"):
        run_trials(Full([order(0, "good")], workers=1), task, {"search": Broken(), "final": Broken()}, Resources(1))


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (MemoryError(), "out of memory: "),
        (KeyError("x"), "KeyError: 'x'"),
        (RuntimeError("a\nb"), "RuntimeError: a b"),
    ],
)
def test_a_reason_is_one_line(error, reason):
    assert failure_reason(error) == reason
