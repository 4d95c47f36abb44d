from __future__ import annotations

import hashlib
import shutil
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators.evaluator import Progress
from evaluators.scoring import CaseScores
from nas.engine import plan as planning
from nas.engine.failures import time_is_over
from nas.engine.orders import SILENCE, Order, Outcome
from nas.engine.plan import Plan
from nas.engine.schedule import Schedule
from nas.engine.watcher import Watcher
from nas.evidence.front import front_of
from nas.evidence.left_out import each_slot_empty
from nas.records.journal import Journal
from nas.records.trial import Trial
from nas.strategies import STRATEGIES
from search_spaces.architecture.architecture import Architecture
from search_spaces.architecture.cost import Cost
from search_spaces.architecture.placement import Placement
from search_spaces.space.space_file import load_space
from tests.nas.trials import trial

SPACE = load_space(
    {"host": "unet", "options": {"depth": [2, 3], "width": [4, 6, 8]}, "mechanisms": ["se", "eca", "cbam"]}, 2
)
SCHEDULE = Schedule(trials=12, seconds=None, steps=10, final_steps=30, final_seeds=2, candidates=3, seed=7, workers=1)


def cost_of(candidate: Architecture) -> Cost:
    return candidate.cost(1, 1, (32, 32))


def score(order: Order) -> float:
    """Any fixed number for an architecture and a seed."""
    digest = hashlib.blake2b(f"{order.architecture.key}{order.seed}".encode(), digest_size=2).digest()
    return int.from_bytes(digest, "big") / 2**17 + cost_of(order.architecture).params / 1e6


DISTANCES: CaseScores = {"a": {"disc": 2.5}}
FALSE_POSITIVES: CaseScores = {"b": {"disc": 7.0}}


def outcome_of(order: Order) -> Outcome:
    dice = score(order)
    weights = f"{order.architecture.key} {order.seed}".encode() if order.keep_weights else None
    return Outcome(2.0, 1.0, {"dice": dice}, {"a": {"disc": dice}}, DISTANCES, FALSE_POSITIVES, weights)


@dataclass
class Recorder(Watcher):
    """Keeps what it is told."""

    stops: list[Order] = field(default_factory=list)
    ended: list[Trial] = field(default_factory=list)
    finalists: list[Architecture] = field(default_factory=list)
    counterparts: Mapping[Architecture, Architecture] = field(default_factory=dict)
    count: int = 0
    notes: list[str] = field(default_factory=list)

    def noted(self, notes: Sequence[str]) -> None:
        self.notes += notes

    halts: list[Trial] = field(default_factory=list)

    def halted(self, trial: Trial) -> None:
        self.halts.append(trial)

    def finished(self, trial: Trial) -> None:
        self.ended.append(trial)

    def stopped(self, order: Order) -> None:
        self.stops.append(order)

    def finals(
        self, finalists: list[Architecture], counterparts: Mapping[Architecture, Architecture], count: int
    ) -> None:
        self.finalists, self.counterparts, self.count = finalists, counterparts, count


def make_plan(
    folder: Path,
    schedule: Schedule = SCHEDULE,
    strategy: str = "evolution",
    watcher: Recorder | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Plan:
    built = STRATEGIES[strategy](SPACE, lambda candidate: True, schedule.seed)
    return Plan(built, schedule, Journal(folder / "journal.jsonl"), folder, cost_of, watcher or Recorder(), clock)


def work(plan: Plan, does: Callable[[Order], Outcome | None] = outcome_of) -> list[Order]:
    """What Ray does, in memory: first come, first served; None in place of an outcome is a trial that was stopped."""
    given: list[Order] = []
    running: list[Order] = []
    while True:
        order = plan.next()
        if order is not None:
            given.append(order)
            running.append(order)
            assert len(running) <= plan.schedule.workers
        elif running:
            ended = running.pop(0)
            outcome = does(ended)
            if outcome is not None:
                plan.finished(ended, outcome)
        else:
            return given


def of_phase(orders: list[Order], phase: str) -> list[Order]:
    return [order for order in orders if order.phase == phase]


def without_time(trials: list[Trial]) -> list[Trial]:
    return [replace(item, finished="") for item in trials]


# -- the search -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("workers", [1, 3])
def test_the_plain_network_comes_first_and_no_architecture_twice_up_to_the_limit(tmp_path, strategy, workers):
    orders = of_phase(work(make_plan(tmp_path, replace(SCHEDULE, workers=workers), strategy)), "search")
    assert orders[0].architecture == SPACE.plain()
    assert [order.number for order in orders] == list(range(SCHEDULE.trials))
    assert len({order.architecture for order in orders}) == SCHEDULE.trials
    assert {(order.steps, order.seed, order.split, order.keep_weights) for order in orders} == {(10, 7, "val", False)}


def test_every_trial_is_in_the_journal_before_anybody_is_told(tmp_path):
    class Checker(Recorder):
        def finished(self, trial: Trial) -> None:
            assert Journal(tmp_path / "journal.jsonl").read()[-1] == trial
            super().finished(trial)

    watcher = Checker()
    orders = work(make_plan(tmp_path, watcher=watcher))
    assert len(watcher.ended) == len(orders) == len(Journal(tmp_path / "journal.jsonl").read())


def test_an_exhausted_space_ends_the_search_below_the_limit(tmp_path):
    few = load_space({"host": "unet", "options": {"depth": 2, "width": [4, 8]}, "max_filled": 0}, 2)
    strategy = STRATEGIES["evolution"](few, lambda candidate: True, 0)
    plan = Plan(strategy, SCHEDULE, Journal(tmp_path / "journal.jsonl"), tmp_path, cost_of, Recorder())
    assert len(of_phase(work(plan), "search")) == few.size() < SCHEDULE.trials
    assert plan.ended == "every architecture that may be tried has been, 2"


class Clock:
    """A time that is set."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_why_the_search_ended_is_known_once_it_has(tmp_path):
    plan = make_plan(tmp_path)
    first = plan.next()
    assert first is not None
    assert plan.ended is None
    plan.finished(first, outcome_of(first))
    work(plan)
    assert plan.ended == "limits.trials (12) is reached"
    assert not plan.searching


def test_a_time_shorter_than_a_trial_is_why_the_search_ended(tmp_path, clock):
    plan = make_plan(tmp_path, replace(SCHEDULE, seconds=1), clock=clock)

    def late(order: Order) -> None:
        assert plan.progress(order, Progress(1, 9, 0.5))
        clock.now += 60
        assert not plan.progress(order, Progress(2, 9, 0.5))

    work(plan, late)
    assert plan.trials == []
    assert plan.ended == "limits.time (1 s) is over"


def test_a_final_may_take_as_much_longer_as_it_has_more_steps(tmp_path):
    orders = work(make_plan(tmp_path, replace(SCHEDULE, trial_seconds=5.0)))
    assert {(order.phase, order.seconds) for order in orders} == {("search", 5.0), ("final", 15.0)}


def test_as_many_orders_are_out_as_there_is_room_for_now(tmp_path):
    plan = make_plan(tmp_path, replace(SCHEDULE, workers=2))

    def given() -> int:
        while plan.next() is not None:
            pass
        return len(plan.running)

    assert given() == 2
    plan.resized(5)
    assert given() == 5
    plan.resized(3)
    plan.finished(next(iter(plan.running.values())), outcome_of(next(iter(plan.running.values()))))
    assert given() == 4  # what runs is not taken away


def test_a_trial_that_reports_nothing_is_ended_soon_after_the_time_limit(tmp_path, clock):
    plan = make_plan(tmp_path, replace(SCHEDULE, seconds=45, workers=2), clock=clock)
    first = plan.next()
    assert (first.seconds, first.limit, first.silence) == (45 + SILENCE, "limits.time leaves it", True)
    assert plan.progress(first, Progress(1, 9, 0.5))
    clock.now += 20
    assert plan.next().seconds == 25 + SILENCE
    assert time_is_over(first) == "took longer than limits.time leaves it (1 min 15 s)"
    sooner = make_plan(tmp_path, replace(SCHEDULE, seconds=45, trial_seconds=5.0), clock=clock).next()
    assert (sooner.seconds, sooner.limit, sooner.silence) == (5.0, "limits.trial_time", False)


def test_no_trial_starts_that_would_end_after_the_time_limit(tmp_path, clock):
    def ten_seconds(order: Order) -> Outcome:
        clock.now += 10
        return replace(outcome_of(order), seconds=10.0)

    watcher = Recorder()
    orders = work(make_plan(tmp_path, replace(SCHEDULE, seconds=45), watcher=watcher, clock=clock), ten_seconds)
    assert len(of_phase(orders, "search")) == 4  # the fifth would end at 50 s
    assert len(of_phase(orders, "final")) == 2 * len(watcher.finalists) > 0  # the limit is the search's


def test_a_trial_that_is_late_is_stopped_and_forgotten_and_the_finals_begin(tmp_path, clock):
    watcher = Recorder()
    plan = make_plan(tmp_path, replace(SCHEDULE, seconds=45), watcher=watcher, clock=clock)

    def slow_third(order: Order) -> Outcome | None:
        clock.now += 10
        if order.phase == "final":
            clock.now += 100
            assert plan.progress(order, Progress(1, 2, 0.5))
        elif order.number == 2:
            assert plan.progress(order, Progress(1, 9, 0.5))
            clock.now += 60
            assert not plan.progress(order, Progress(2, 9, 0.5))
            return None
        return outcome_of(order)

    orders = work(plan, slow_third)
    assert watcher.stops == [orders[2]]
    assert [item.number for item in plan.search_trials] == [0, 1]
    assert not plan.running
    assert len(of_phase(orders, "final")) >= 2


def test_a_trial_keeps_what_was_scored_of_each_case(tmp_path):
    plan = make_plan(tmp_path)
    work(plan)
    for item in Journal(tmp_path / "journal.jsonl").read():
        assert item.cases == {"a": {"disc": item.dice}}
        assert item.distances == DISTANCES
        assert item.false_positives == FALSE_POSITIVES


def test_failed_trials_are_recorded_with_their_reason_never_scored_and_the_search_goes_on(tmp_path):
    def every_third_fails(order: Order) -> Outcome:
        return Outcome(1.0, error="out of memory") if order.number % 3 == 2 else outcome_of(order)

    plan = make_plan(tmp_path)
    orders = of_phase(work(plan, every_third_fails), "search")
    assert len({order.architecture for order in orders}) == SCHEDULE.trials  # one that failed is not tried again
    found = Journal(tmp_path / "journal.jsonl").read()
    failed = [item for item in found if item.status == "failed"]
    assert [item.number for item in failed if item.phase == "search"] == [2, 5, 8, 11]
    assert all(item.dice is None and item.error == "out of memory" and not item.cases for item in failed)
    front = front_of([item for item in found if item.phase == "search"])
    scored = {number for point in (*front.points, *front.dominated) for number in point.trials}
    assert scored == set(range(SCHEDULE.trials)) - {2, 5, 8, 11}


# -- the finals -------------------------------------------------------------------------------------------


def test_finals_are_the_plain_network_and_the_finalists_with_each_seed_on_test_cases(tmp_path):
    watcher = Recorder()
    plan = make_plan(tmp_path, watcher=watcher)
    finals = of_phase(work(plan), "final")
    assert watcher.finalists[0] == SPACE.plain()
    assert 2 <= len(watcher.finalists) <= SCHEDULE.candidates
    assert [(order.architecture, order.seed) for order in finals] == [
        (candidate, seed) for seed in (8, 9) for candidate in watcher.finalists
    ]
    assert {(order.steps, order.split, order.keep_weights) for order in finals} == {(30, "test", True)}
    assert [order.number for order in finals] == list(range(len(finals)))


def test_the_weights_of_finals_are_written_and_the_journal_says_where(tmp_path):
    work(make_plan(tmp_path))
    for item in Journal(tmp_path / "journal.jsonl").read():
        if item.phase == "search":
            assert item.weights is None
        else:
            assert item.weights is not None
            assert (tmp_path / item.weights).read_bytes() == f"{item.architecture.key} {item.seed}".encode()
    assert len(list((tmp_path / "weights").iterdir())) == 6


def test_finals_of_another_length_leave_the_weights_of_those_before_as_they_were(tmp_path):
    def of_steps(order: Order) -> Outcome:
        return replace(outcome_of(order), weights=f"after {order.steps}".encode() if order.keep_weights else None)

    for steps in (30, 20, 60):
        work(make_plan(tmp_path, replace(SCHEDULE, final_steps=steps)), of_steps)
    finals = [item for item in Journal(tmp_path / "journal.jsonl").read() if item.phase == "final"]
    assert {item.steps for item in finals} == {20, 30, 60}
    for item in finals:
        assert item.weights is not None
        assert (tmp_path / item.weights).read_text() == f"after {item.steps}"


def test_a_final_that_fails_is_recorded_and_the_others_go_on(tmp_path):
    def second_final_fails(order: Order) -> Outcome:
        fails = order.phase == "final" and order.number == 1
        return Outcome(1.0, error="the worker died: killed") if fails else outcome_of(order)

    plan = make_plan(tmp_path)
    assert len(of_phase(work(plan, second_final_fails), "final")) == 6
    assert [item.number for item in plan.trials if item.error] == [1]


@pytest.mark.parametrize("outcome", [Outcome(1.0, error="out of memory"), None])
def test_there_are_no_finals_when_nothing_was_scored_or_none_are_wanted(tmp_path, outcome):
    if outcome:
        orders = work(make_plan(tmp_path), lambda order: outcome)
    else:
        orders = work(make_plan(tmp_path, replace(SCHEDULE, final_seeds=0)))
    assert len(orders) == SCHEDULE.trials
    assert of_phase(orders, "final") == []


def test_finals_hold_the_plain_network_even_when_its_trial_failed(tmp_path):
    def first_fails(order: Order) -> Outcome:
        fails = order.phase == "search" and order.number == 0
        return Outcome(1.0, error="out of memory") if fails else outcome_of(order)

    finals = of_phase(work(make_plan(tmp_path), first_fails), "final")
    assert finals[0].architecture == SPACE.plain()


# -- controls and racing ----------------------------------------------------------------------------------

RACED = replace(SCHEDULE, controls=True, racing=True, final_seeds=4)
CASES = 9


def steadily(order: Order) -> Outcome:
    """As ``outcome_of``, with cases and little noise, so that it is known what is on the front."""
    rng = np.random.default_rng([order.seed, int(order.architecture.key, 16)])
    dice = 0.6 + cost_of(order.architecture).params / 1e6 + float(rng.normal(0, 0.01))
    return Outcome(2.0, 1.0, {"dice": dice}, {f"{case}": {"disc": dice + case / 100} for case in range(CASES)})


def test_finals_hold_the_plain_counterpart_of_each_finalist_with_attention_and_keep_its_weights(tmp_path):
    watcher = Recorder()
    finals = of_phase(work(make_plan(tmp_path, replace(SCHEDULE, controls=True), watcher=watcher)), "final")
    assert set(watcher.counterparts) == {one for one in watcher.finalists if not one.is_plain}
    trained = {order.architecture: set[int]() for order in finals}
    for order in finals:
        trained[order.architecture].add(order.seed)
        assert order.keep_weights
    assert set(trained) == {*watcher.finalists, *watcher.counterparts.values()}
    assert set(map(frozenset, trained.values())) == {frozenset({8, 9})}
    assert len(finals) == watcher.count


def test_the_best_finalist_with_attention_is_trained_without_each_of_its_slots_too(tmp_path):
    watcher = Recorder()
    finals = of_phase(work(make_plan(tmp_path, replace(SCHEDULE, leave_out=True), watcher=watcher)), "final")
    best = next(one for one in watcher.finalists if not one.is_plain)
    less = each_slot_empty(best)
    assert len(less) == len(best.attention)
    assert {order.architecture for order in finals} == {*watcher.finalists, *less}
    seeds = {one: {order.seed for order in finals if order.architecture == one} for one in (best, *less)}
    assert set(map(frozenset, seeds.values())) == {frozenset({8, 9})}


def test_a_counterpart_that_is_not_near_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(planning, "NEAR", 0.0)
    watcher = Recorder()
    work(make_plan(tmp_path, replace(SCHEDULE, controls=True), watcher=watcher))
    assert watcher.counterparts
    for one, other in watcher.counterparts.items():
        excess = cost_of(other).params / cost_of(one).params - 1
        told = (
            f"finals: no plain network is about as large as {one}; the nearest, {other}, has {excess:+.0%} parameters"
        )
        assert (told in watcher.notes) == (excess != 0)


@pytest.mark.parametrize("workers", [1, 3])
def test_racing_spends_as_many_trainings_as_evenly_and_every_network_has_two(tmp_path, workers):
    watcher = Recorder()
    finals = of_phase(work(make_plan(tmp_path, replace(RACED, workers=workers), watcher=watcher), steadily), "final")
    seeds = Counter(order.architecture for order in finals)
    assert min(seeds.values()) >= 2
    assert len({(order.architecture, order.seed) for order in finals}) == len(finals)
    assert len(seeds) * RACED.final_seeds - 2 <= len(finals) <= len(seeds) * RACED.final_seeds
    plain = SPACE.plain()
    for one, other in watcher.counterparts.items():
        assert seeds[one] <= min(seeds[other], seeds[plain])


@pytest.mark.parametrize("share", [0.3, 0.62, 0.71, 0.83, 0.97])
def test_racing_finals_that_were_killed_go_on_the_same_way(tmp_path_factory, share):
    whole, cut = tmp_path_factory.mktemp("whole"), tmp_path_factory.mktemp("cut")
    orders = work(make_plan(whole, RACED), steadily)
    content = (whole / "journal.jsonl").read_bytes()
    (cut / "journal.jsonl").write_bytes(content[: round(share * len(content))])
    done = len(Journal(cut / "journal.jsonl").read())
    assert work(make_plan(cut, RACED), steadily) == orders[done:]


# -- going on ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=list(STRATEGIES))
def whole(request, tmp_path_factory):
    """A run that nothing interrupted: its folder, strategy, orders."""
    folder = tmp_path_factory.mktemp(request.param)
    orders = work(make_plan(folder, strategy=request.param))
    return SimpleNamespace(folder=folder, strategy=request.param, orders=orders)


@settings(max_examples=12)
@given(share=st.floats(0, 1))
def test_a_search_killed_anywhere_gives_the_same_remaining_orders(whole, tmp_path_factory, share):
    folder = tmp_path_factory.mktemp("cut")
    content = (whole.folder / "journal.jsonl").read_bytes()
    (folder / "journal.jsonl").write_bytes(content[: round(share * len(content))])
    done = len(Journal(folder / "journal.jsonl").read())
    assert work(make_plan(folder, strategy=whole.strategy)) == whole.orders[done:]
    ended = Journal(folder / "journal.jsonl").read()
    assert without_time(ended) == without_time(Journal(whole.folder / "journal.jsonl").read())


@settings(max_examples=15)
@given(cut=st.integers(0, 18), workers=st.integers(2, 4), strategy=st.sampled_from(list(STRATEGIES)))
def test_with_several_workers_what_was_running_is_made_up_for(tmp_path_factory, cut, workers, strategy):
    folder = tmp_path_factory.mktemp("cut")
    schedule = replace(SCHEDULE, workers=workers)
    plan = make_plan(folder, schedule, strategy)

    class Killed(Exception): ...

    def killed(order: Order) -> Outcome:
        if len(plan.trials) == cut:
            raise Killed
        return outcome_of(order)

    with suppress(Killed):
        work(plan, killed)
    again = make_plan(folder, schedule, strategy)
    work(again)
    found = Journal(folder / "journal.jsonl").read()
    searched = [item for item in found if item.phase == "search"]
    assert sorted(item.number for item in searched) == list(range(SCHEDULE.trials))
    assert len({item.architecture for item in searched}) == SCHEDULE.trials
    finals = Counter((item.architecture, item.seed) for item in found if item.phase == "final")
    assert set(finals.values()) == {1}
    assert work(make_plan(folder, schedule, strategy)) == []


@pytest.mark.parametrize(
    ("change", "more"),
    [({"final_seeds": 3}, 3), ({"candidates": 9}, None), ({"final_steps": 60}, 6), ({"final_seeds": 1}, 0)],
)
def test_finals_asked_for_later_are_added_to_those_that_were_done(whole, tmp_path, change, more):
    shutil.copy(whole.folder / "journal.jsonl", tmp_path)
    before = Journal(tmp_path / "journal.jsonl").read()
    orders = work(make_plan(tmp_path, replace(SCHEDULE, **change), whole.strategy))
    assert all(order.phase == "final" for order in orders)
    assert len(orders) == more if more is not None else orders
    after = Journal(tmp_path / "journal.jsonl").read()  # which refuses a number that comes twice
    assert after[: len(before)] == before
    done = Counter((item.architecture, item.seed, item.steps) for item in after if item.phase == "final")
    assert set(done.values()) == {1}


# -- finals beside the last search trials -----------------------------------------------------------------


def test_an_idle_worker_begins_the_finals_of_the_plain_network_while_the_last_search_trials_run(tmp_path):
    plan = make_plan(tmp_path, replace(SCHEDULE, trials=3, workers=3))
    searched = [plan.next() for _ in range(3)]
    assert [order.phase for order in searched if order] == ["search"] * 3
    for order in searched[:2]:
        assert order is not None
        plan.finished(order, outcome_of(order))
    early = [plan.next() for _ in range(3)]
    assert [(o.phase, o.architecture, o.seed) for o in early if o] == [
        ("final", SPACE.plain(), 8),
        ("final", SPACE.plain(), 9),
    ]
    assert early[2] is None
    for order in (early[0], searched[2], early[1]):
        assert order is not None
        plan.finished(order, outcome_of(order))
    rest = work(plan)
    assert all(order.phase == "final" and order.architecture != SPACE.plain() for order in rest)
    assert [item.number for item in plan.trials if item.phase == "final"] == list(range(2 + len(rest)))


def test_no_final_begins_while_the_search_may_still_start_trials(tmp_path):
    plan = make_plan(tmp_path, replace(SCHEDULE, workers=2))
    first, second = plan.next(), plan.next()
    assert first is not None
    assert second is not None
    plan.finished(first, outcome_of(first))
    following = plan.next()
    assert following is not None
    assert following.phase == "search"


def test_a_search_killed_after_an_early_final_goes_on_with_the_search(tmp_path):
    plan = make_plan(tmp_path, replace(SCHEDULE, trials=3, workers=2))
    first, second = plan.next(), plan.next()
    assert first is not None
    assert second is not None
    plan.finished(first, outcome_of(first))
    third = plan.next()
    assert third is not None
    plan.finished(third, outcome_of(third))
    early = plan.next()
    assert early is not None
    assert early.phase == "final"
    plan.finished(early, outcome_of(early))  # and the second trial dies with the process
    orders = work(make_plan(tmp_path, replace(SCHEDULE, trials=3, workers=2)))
    assert [order.number for order in of_phase(orders, "search")] == [1]
    assert early.seed not in {order.seed for order in orders if order.architecture == SPACE.plain()}


# -- limits that were raised ------------------------------------------------------------------------------


def test_a_search_whose_limits_were_raised_goes_on_and_its_finals_follow(whole, tmp_path):
    shutil.copy(whole.folder / "journal.jsonl", tmp_path)
    before = Journal(tmp_path / "journal.jsonl").read()
    raised = replace(SCHEDULE, trials=15)
    assert of_phase(work(make_plan(tmp_path, raised, whole.strategy)), "search") == []  # nobody said it was raised
    shutil.copy(whole.folder / "journal.jsonl", tmp_path)
    orders = work(make_plan(tmp_path, replace(raised, reopened=True), whole.strategy))
    assert [order.number for order in of_phase(orders, "search")] == [12, 13, 14]
    after = Journal(tmp_path / "journal.jsonl").read()
    assert after[: len(before)] == before
    done = Counter((item.architecture, item.seed) for item in after if item.phase == "final")
    assert set(done.values()) == {1}


def test_a_raised_search_that_was_killed_goes_on_with_the_search(whole, tmp_path):
    shutil.copy(whole.folder / "journal.jsonl", tmp_path)
    raised = replace(SCHEDULE, trials=15)
    plan = make_plan(tmp_path, replace(raised, reopened=True), whole.strategy)
    order = plan.next()
    assert order is not None
    plan.finished(order, outcome_of(order))
    orders = work(make_plan(tmp_path, raised, whole.strategy))
    assert [order.number for order in of_phase(orders, "search")] == [13, 14]


def test_the_time_limit_counts_the_sessions_before(tmp_path):
    finished = [f"2026-01-02T03:04:{10 * number:02d}.000+00:00" for number in (1, 2, 3)]
    journal = Journal(tmp_path / "journal.jsonl")
    for number, stamp in enumerate(finished):
        journal.append(trial(number, seconds=10.0, finished=stamp))
    orders = work(make_plan(tmp_path, replace(SCHEDULE, seconds=35)))
    assert of_phase(orders, "search") == []  # 30 s are gone, and a trial takes 10 s


def test_a_search_waits_for_room_as_long_as_its_time_lasts_and_finals_as_long_as_it_takes(tmp_path, clock):
    plan = make_plan(tmp_path, replace(SCHEDULE, trials=1, seconds=50), clock=clock)
    waits = []

    def does(order: Order) -> Outcome:
        waits.append((order.phase, plan.longest_wait()))
        clock.now += 2
        return outcome_of(order)

    work(plan, does)
    assert waits == [("search", 50), ("final", None), ("final", None)]
    assert make_plan(tmp_path / "without").longest_wait() is None


# -- given architectures ----------------------------------------------------------------------------------

OUTSIDE = Architecture.create("unet", 2, {"depth": 1, "width": 5, "block": "residual"})
INSIDE = Architecture.create("unet", 2, {"depth": 2, "width": 6})
GIVEN = replace(SCHEDULE, start=(OUTSIDE, SPACE.plain(), INSIDE), references={OUTSIDE: "outside", INSIDE: "inside"})


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_starts_are_tried_once_after_the_plain_network_and_then_the_strategy_goes_on(tmp_path, strategy):
    orders = of_phase(work(make_plan(tmp_path, GIVEN, strategy)), "search")
    assert [order.architecture for order in orders[:3]] == [SPACE.plain(), OUTSIDE, INSIDE]
    assert {order.steps for order in orders} == {SCHEDULE.steps}
    assert len({order.architecture for order in orders}) == len(orders) == SCHEDULE.trials
    assert all(order.architecture in SPACE for order in orders[2:])


def test_a_search_killed_among_its_starts_goes_on_with_the_next(tmp_path):
    plan = make_plan(tmp_path, GIVEN)
    for _ in range(2):
        order = plan.next()
        assert order is not None
        plan.finished(order, outcome_of(order))
    resumed = make_plan(tmp_path, GIVEN).next()
    assert resumed is not None
    assert (resumed.number, resumed.architecture) == (2, INSIDE)


def test_references_are_trained_as_the_finalists_are_and_their_weights_are_not_kept(tmp_path):
    watcher = Recorder()
    wide = Architecture.create("unet", 2, {"width": 16})
    schedule = replace(SCHEDULE, references={wide: "wide", SPACE.plain(): "plain"})
    orders = work(make_plan(tmp_path, schedule, watcher=watcher))
    assert wide not in watcher.finalists
    assert wide not in {order.architecture for order in of_phase(orders, "search")}
    assert [(order.architecture, order.seed) for order in of_phase(orders, "final")] == [
        (candidate, seed) for seed in (8, 9) for candidate in (*watcher.finalists, wide)
    ]
    finals = of_phase(orders, "final")
    assert {(order.steps, order.split) for order in finals} == {(30, "test")}
    assert {order.keep_weights for order in finals if order.architecture == wide} == {False}
    assert {order.keep_weights for order in finals if order.architecture != wide} == {True}


def test_references_are_matched_by_a_finalist_and_a_plain_unet_of_their_size(tmp_path):
    watcher = Recorder()
    reference = Architecture.create("unet", 2, {"width": 7, "depth": 2}, {"skip.0": Placement("se")})
    schedule = replace(SCHEDULE, references={reference: "theirs"}, match_references=True)
    finals = of_phase(work(make_plan(tmp_path, schedule, watcher=watcher)), "final")
    unet = watcher.counterparts[reference]
    assert abs(cost_of(unet).params / cost_of(reference).params - 1) < 0.05
    assert {order.architecture for order in finals} == {*watcher.finalists, reference, unet}
    assert any(cost_of(one).params <= cost_of(reference).params for one in watcher.finalists)
    seeds = {one: {order.seed for order in finals if order.architecture == one} for one in (*watcher.finalists, unet)}
    assert set(map(frozenset, seeds.values())) == {frozenset({8, 9})}
    assert {order.keep_weights for order in finals if order.architecture == unet} == {True}
    assert {order.keep_weights for order in finals if order.architecture == reference} == {False}


def test_references_asked_for_later_are_added_to_the_finals(whole, tmp_path):
    shutil.copy(whole.folder / "journal.jsonl", tmp_path)
    orders = work(make_plan(tmp_path, replace(SCHEDULE, references={OUTSIDE: "outside"}), whole.strategy))
    assert [(order.phase, order.architecture, order.seed) for order in orders] == [
        ("final", OUTSIDE, 8),
        ("final", OUTSIDE, 9),
    ]


# -- rungs and halving ------------------------------------------------------------------------------------


RUNGS = replace(SCHEDULE, rungs=(3, 6), reduction=3.0, trials=18)


def on_the_way(plan: Plan, steps: list[int] | None = None, state: bool = True) -> Callable[[Order], Outcome | None]:
    """Work through the rungs that are left as a worker does; ``steps`` collects those that were done."""

    def does(order: Order) -> Outcome | None:
        done = order.curve[-1][0] if order.curve else 0
        assert (order.state is None) == (done == 0)
        assert order.state in (None, f"{order.number} at {done}".encode())
        current = order
        for rung in (*(rung for rung in order.rungs if rung > done), order.steps):
            if steps is not None:
                steps.append(rung - done)
            seconds = (current.spent[0] + rung - done, current.spent[1] + rung - done)
            done = rung
            outcome = replace(outcome_of(order), seconds=seconds[0], cpu_seconds=seconds[1])
            if rung == order.steps:
                return replace(outcome, metrics={"dice": score(order)})
            told = replace(outcome, state=f"{order.number} at {rung}".encode() if state else None)
            further = plan.rung(current, Progress(rung, order.steps, 0.5), told)
            if further is None:
                return None
            current = further
        return None

    return does


def test_without_halving_every_trial_has_its_curve_and_is_worked_to_the_end(tmp_path):
    plan = make_plan(tmp_path, replace(RUNGS, reduction=1.0))
    work(plan, on_the_way(plan))
    found = Journal(tmp_path / "journal.jsonl").read()
    searched = [item for item in found if item.phase == "search"]
    assert [item.number for item in searched] == list(range(18))
    assert all([steps for steps, _ in item.curve] == [3, 6, 10] for item in searched)
    assert all(item.seconds == 10 for item in searched)  # every step is counted once
    assert not (tmp_path / "states").exists()  # nothing waits


@pytest.mark.parametrize("workers", [1, 3])
def test_of_the_trials_at_a_rung_a_share_goes_on(tmp_path, workers):
    steps: list[int] = []
    watcher = Recorder()
    plan = make_plan(tmp_path, replace(RUNGS, workers=workers), watcher=watcher)
    orders = of_phase(work(plan, on_the_way(plan, steps)), "search")
    searched = plan.search_trials
    reached = Counter(item.steps for item in searched)
    assert sum(reached.values()) == len({order.number for order in orders}) == 18
    assert reached[6] + reached[10] <= 18 / 2  # a third, the plain network, and who was ahead at the time
    assert reached[10] <= 18 / 4
    assert searched[0].steps == 10
    assert {item.number for item in searched if item.steps < 10} <= {item.number for item in watcher.halts}


def test_what_goes_on_later_goes_on_from_where_it_was(tmp_path):
    """``on_the_way`` holds every order's state against its curve."""
    watcher = Recorder()
    plan = make_plan(tmp_path, RUNGS, watcher=watcher)
    orders = of_phase(work(plan, on_the_way(plan)), "search")
    resumed = [order for order in orders if order.curve]
    assert resumed
    for order in resumed:
        item = next(item for item in plan.search_trials if item.number == order.number)
        assert item.curve[: len(order.curve)] == order.curve
        assert item.seconds == item.steps


def test_a_search_that_was_killed_at_a_rung_goes_on_from_there(tmp_path):
    plan = make_plan(tmp_path, RUNGS)
    first = plan.next()
    assert first is not None
    assert plan.rung(first, Progress(3, 10, 0.5), replace(outcome_of(first), state=b"0 at 3"))
    again = make_plan(tmp_path, RUNGS)
    order = again.next()
    assert order is not None
    assert (order.number, order.architecture, order.state) == (0, first.architecture, b"0 at 3")
    assert order.curve == ((3, score(first)),)


@pytest.mark.parametrize(("reduction", "kept"), [(1.0, {0, 1, 2, 3, 4}), (3.0, {0, 2, 3})])
def test_of_trials_that_were_stopped_at_a_rung_all_go_on_and_of_those_that_halving_put_aside_the_best(
    tmp_path, monkeypatch, reduction, kept
):
    monkeypatch.setattr(planning, "KEPT", 2)
    schedule = replace(RUNGS, reduction=reduction, workers=5, trials=5)
    plan = make_plan(tmp_path, schedule)
    for order in [plan.next() for _ in range(5)]:
        assert order is not None
        plan.rung(order, Progress(3, 10, 0.5), replace(outcome_of(order), state=b"state"))
    make_plan(tmp_path, schedule)  # as all workers were lost with the process
    assert {int(path.stem) for path in (tmp_path / "states").iterdir()} == kept


def test_a_trial_that_the_time_limit_cuts_off_keeps_what_it_learnt_and_goes_on_with_more_time(tmp_path, clock):
    schedule = replace(SCHEDULE, rungs=(3, 6), seconds=45)
    watcher = Recorder()
    plan = make_plan(tmp_path, schedule, watcher=watcher, clock=clock)

    def slow(order: Order) -> Outcome | None:
        clock.now += 60
        told = replace(outcome_of(order), state=b"state", seconds=60.0)
        assert order.phase == "final" or plan.rung(order, Progress(3, 10, 0.5), told) is None
        return outcome_of(order) if order.phase == "final" else None

    orders = work(plan, slow)
    assert [item.number for item in watcher.halts] == [0]
    assert [(item.steps, item.curve) for item in plan.search_trials] == [(3, ((3, score(orders[0])),))]
    more = make_plan(tmp_path, replace(schedule, seconds=1000, reopened=True)).next()
    assert more is not None
    assert (more.number, more.state) == (0, b"state")


def test_a_trial_without_a_state_stays_where_it_was(tmp_path):
    plan = make_plan(tmp_path, RUNGS)
    orders = of_phase(work(plan, on_the_way(plan, state=False)), "search")
    assert len({order.number for order in orders}) == len(orders) == 18
