import itertools
import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators.scoring import mean_score
from nas.cli.app import console
from nas.cli.tables import front_table, left_behind
from nas.evidence.bootstrap import mean_interval, resampled_cases, score_table, table_mean
from nas.evidence.front import Front, front_of, front_of_finals, nondomination_ranks
from nas.evidence.plain_data import front_to_list
from nas.records.trial import Trial
from search_spaces.architecture.cost import Cost
from search_spaces.errors import InputError
from tests.nas.trials import architecture, one_class, scored, trial

# Few values, so that ties in either or both are common.
outcomes = st.lists(st.tuples(st.integers(1, 8), st.integers(0, 8)), min_size=1, max_size=25)


def made(values):
    """A front of one trial for each pair (parameters in thousands, Dice in eighths)."""
    return front_of([trial(i, dice / 8, 1000 * params) for i, (params, dice) in enumerate(values)])


def dominates(other, point):
    """Whether (params, dice, number) ``other`` makes ``point`` superfluous; of equals the first stays."""
    if other[:2] == point[:2]:
        return other[2] < point[2]
    return other[0] <= point[0] and other[1] >= point[1]


# -- the front ----------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(outcomes)
def test_the_front_is_what_brute_force_finds(values):
    points = [(params, dice, number) for number, (params, dice) in enumerate(values)]
    expected = {p[2] for p in points if not any(dominates(q, p) for q in points if q != p)}
    front = made(values)
    assert {point.trials[0] for point in front.points} == expected
    assert len(front.points) + len(front.dominated) == len(values)
    assert all(point.on_front for point in front.points)
    assert not any(point.on_front for point in front.dominated)
    assert [p.cost.params for p in front.points] == sorted(p.cost.params for p in front.points)
    assert [p.cost.params for p in front.dominated] == sorted(p.cost.params for p in front.dominated)


@settings(deadline=None)
@given(outcomes)
def test_ranks_are_the_fronts_peeled_off_one_by_one(values):
    points = [(params, dice, number) for number, (params, dice) in enumerate(values)]
    expected, left, rank = {}, points, 0
    while left:
        front = [p for p in left if not any(dominates(q, p) for q in left if q != p)]
        expected |= {p[2]: rank for p in front}
        left, rank = [p for p in left if p not in front], rank + 1
    ranks = nondomination_ranks([p for p, _ in values], [d for _, d in values])
    assert dict(enumerate(ranks)) == expected


def test_of_equal_trials_the_first_is_on_the_front():
    front = front_of([trial(4, 0.5, 1000), trial(2, 0.5, 1000), trial(3, 0.5, 1000)])
    assert [point.trials for point in front.points] == [(2,)]


def test_failed_trials_are_no_points():
    front = front_of([trial(0, 0.5, 1000), trial(1, None, 100)])
    assert [point.trials for point in front.points] == [(0,)]
    assert front.dominated == ()


def test_the_plain_network_is_that_of_trial_zero_on_the_front_or_not():
    trials = [trial(2, 0.9, 500), trial(0, 0.5, 1000), trial(1, 0.8, 2000)]
    front = front_of(trials)
    assert front.plain is not None
    assert front.plain.trials == (0,)
    assert front.plain.is_plain
    assert not front.plain.on_front
    assert [point.is_plain for point in front.points] == [False]  # that one has no attention either
    assert front_of(trials, plain=architecture(2)).plain == front_of(trials, plain=architecture(2)).points[0]
    assert front_of(trials[:1]).plain is None
    assert front_of([trial(0, None), trials[0]]).plain is None


def test_trials_of_both_phases_make_no_front():
    with pytest.raises(ValueError, match="one phase"):
        front_of([trial(0), trial(0, phase="final")])


# -- seeds and fidelities -----------------------------------------------------------------------------------


def test_a_point_is_the_mean_over_the_seeds_of_one_architecture():
    same = {"architecture": architecture(0)}
    front = front_of([trial(i, dice, seed=i, **same) for i, dice in enumerate((0.5, 0.6, 0.8))])
    (point,) = front.points
    assert point.trials == (0, 1, 2)
    assert point.dice == pytest.approx(np.mean([0.5, 0.6, 0.8]))
    assert point.spread == pytest.approx(np.std([0.5, 0.6, 0.8], ddof=1))
    assert front_of([trial(0)]).points[0].spread is None


def test_only_the_highest_fidelity_of_an_architecture_counts():
    same = {"architecture": architecture(0)}
    short, long, other = trial(0, 0.9, steps=10, **same), trial(1, 0.5, steps=99, **same), trial(2, 0.1, 10, steps=10)
    front = front_of([short, long, other])
    assert {point.trials: point.dice for point in front.points} == {(1,): 0.5}


def test_only_networks_trained_as_long_as_the_front_are_on_it_and_the_others_are_left_behind():
    """As when more steps are asked for on resume, with fewer finalists."""
    trials = [
        trial(0, 0.9, 1000, steps=20), trial(1, 0.8, 100, steps=20), trial(2, 0.5, 2000, steps=100),
        trial(3, 0.7, 1000, steps=100, architecture=architecture(0)), trial(4, 0.99, 10, steps=20),
    ]  # fmt: skip
    front = front_of(trials, references={architecture(4): "reference"})
    assert [point.trials for point in front.points] == [(3,)]
    assert [point.trials for point in front.dominated] == [(2,)]
    assert sorted(point.trials for point in front.behind) == [(1,), (4,)]
    assert (front.steps, {point.steps for point in front.behind}) == (100, {20})
    assert front.references == ()
    listed = {point["trials"][0]: (point["behind"], point["steps"]) for point in front_to_list(front)}
    assert listed == {3: (False, 100), 2: (False, 100), 1: (True, 20), 4: (True, 20)}
    with console.capture() as captured:
        console.print(*left_behind(front))
    assert "2 networks trained for 20 steps only, not 100 as the front: not compared" in " ".join(
        captured.get().split()
    )


def test_a_seed_that_failed_counts_as_nothing_and_puts_nobody_ahead():
    steady, lucky = {"architecture": architecture(1)}, {"architecture": architecture(2)}
    plain = {"architecture": architecture(0)}
    trials = [scored(seed, one_class([0.5, 0.7]), seed=seed, **plain) for seed in range(2)]
    trials += [scored(2 + seed, one_class([0.6, 0.8]), seed=seed, cost=Cost(2000, 1), **steady) for seed in range(2)]
    trials += [scored(4, one_class([0.9, 0.9]), seed=0, cost=Cost(3000, 1), **lucky)]
    trials += [trial(5, None, seed=1, cost=Cost(3000, 1), **lucky), trial(6, None, seed=1, steps=5, **steady)]
    front = front_of(trials)
    point = next(point for point in front.dominated if point.architecture == architecture(2))
    assert (point.dice, point.failed, point.seeds) == (pytest.approx(0.45), 1, 2)
    assert point.low == pytest.approx(0)
    assert point.gain == pytest.approx((0.3 - 0.6) / 2)
    assert front.best().architecture == architecture(1)
    assert [other.failed for other in front.points] == [0, 0]
    with console.capture() as captured:
        console.print(front_table(front, everything=True))
    assert "1 of 2" in captured.get()


def test_a_seed_that_failed_and_came_through_later_has_not_failed():
    same = {"architecture": architecture(0)}
    (point,) = front_of([trial(0, None, **same), trial(1, 0.5, **same)]).points
    assert (point.dice, point.failed) == (0.5, 0)


def test_of_a_seed_that_ran_twice_the_first_trial_counts():
    same = {"architecture": architecture(0), "seed": 3}
    assert front_of([trial(5, 0.9, **same), trial(4, 0.5, **same)]).points[0].trials == (4,)


# -- intervals ----------------------------------------------------------------------------------------------

scores = st.none() | st.floats(0, 1)
tables = st.integers(1, 3).flatmap(
    lambda classes: st.lists(
        st.fixed_dictionaries({f"class{index}": scores for index in range(classes)}), min_size=1, max_size=8
    )
)


@settings(deadline=None)
@given(tables)
def test_a_set_of_cases_scores_as_the_evaluator_scores_it(table):
    cases = {f"case{index}": row for index, row in enumerate(table)}
    ours, theirs = table_mean(score_table([cases], list(cases), list(table[0]))), mean_score(cases)
    assert (ours is None and math.isnan(theirs)) or ours == pytest.approx(theirs)


@settings(deadline=None)
@given(tables)
def test_an_interval_lies_around_the_mean_within_what_dice_may_be_and_needs_two_cases(table):
    cases = {f"case{index}": row for index, row in enumerate(table)}
    (point,) = front_of([trial(0, np.nan_to_num(mean_score(cases)), cases=cases)]).points
    if sum(any(value is not None for value in row.values()) for row in table) < 2:
        assert (point.low, point.high) == (None, None)
    else:
        assert 0 <= point.low <= point.dice + 1e-9
        assert point.dice - 1e-9 <= point.high <= 1


def test_resamples_are_those_of_case_by_case_resampling_with_the_evaluators_own_mean():
    rng = np.random.default_rng(0)
    values = rng.random((12, 2))
    values[rng.random((12, 2)) < 0.2] = np.nan
    rows = [{"a": x, "b": y} for x, y in np.where(np.isnan(values), None, values)]
    slow = []
    for _ in range(4000):
        drawn = rng.integers(12, size=12)
        slow.append(mean_score({f"{place}": rows[index] for place, index in enumerate(drawn)}))
    tails = [0.025, 0.5, 0.975]
    assert np.quantile(resampled_cases(values[None]), tails) == pytest.approx(np.quantile(slow, tails), abs=0.015)


def test_a_resample_that_lost_the_few_cases_of_a_class_is_no_mean_over_the_other_classes():
    values = np.full((1, 20, 2), 0.9)
    values[..., 1] = np.nan
    values[0, :2, 1] = 0.5  # in 12 of 100 resamples none of these
    assert resampled_cases(values) == pytest.approx(0.7)


@pytest.mark.parametrize("cases", [2, 4, 8, 40])
def test_the_interval_over_cases_holds_the_true_mean_about_as_often_as_it_says_however_few_there_are(cases):
    rng = np.random.default_rng(1)
    intervals = [mean_interval(rng.normal(0.8, 0.05, (1, cases, 1)), 0.0, 9.0) for _ in range(200)]
    assert 0.91 <= np.mean([low <= 0.8 <= high for low, high in intervals]) <= 0.99


def test_the_spread_between_seeds_widens_the_interval():
    cases = np.random.default_rng(2).uniform(0.4, 0.6, size=50)
    same = {"architecture": architecture(0)}

    def width(shifts):
        trials = [scored(i, one_class(cases + shift), seed=i, **same) for i, shift in enumerate(shifts)]
        (point,) = front_of(trials).points
        return point.high - point.low

    assert width([-0.2, 0.0, 0.2]) > 3 * width([0.0, 0.0, 0.0])


@pytest.mark.parametrize("cases", [8, 40])
@pytest.mark.parametrize("seeds", [2, 3])
@pytest.mark.parametrize(("own", "shared"), [(0.005, 0.0), (0.02, 0.0), (0.01, 0.01)])
def test_the_interval_of_a_dice_holds_what_the_network_is_worth_over_all_trainings(cases, seeds, own, shared):
    """As in finals of four networks; with the seeds resampled it is 0.76 to 0.93 of 100."""
    rng = np.random.default_rng(7)
    held = []
    for _ in range(100):
        hard, of_seed, trials = rng.normal(0.7, 0.03, cases), rng.normal(0, shared, seeds), []
        for seed, network in itertools.product(range(seeds), range(4)):
            dice = hard + of_seed[seed] + rng.normal(0, own) + rng.normal(0, 0.02, cases)
            made = {"architecture": architecture(network), "seed": seed, "cost": Cost(1 + network, 1)}
            trials.append(scored(len(trials), one_class(dice), phase="final", **made))
        point = front_of(trials).everything[0]
        held.append(point.low <= 0.7 <= point.high)
    assert np.mean(held) > 0.9


def test_intervals_are_the_same_every_time():
    cases = one_class(np.random.default_rng(3).random(30))
    first, second = (front_of([scored(0, cases)]).points[0] for _ in range(2))
    assert (first.low, first.high) == (second.low, second.high)


def test_no_interval_is_claimed_for_fewer_than_two_cases():
    for cases in ({}, one_class([0.5]), one_class([0.5, None])):
        (point,) = front_of([trial(0, 0.5, cases=cases)]).points
        assert (point.low, point.high) == (None, None)


def test_a_point_of_a_hundred_cases_takes_less_than_fifty_milliseconds():
    rng = np.random.default_rng(4)
    trials = [
        scored(10 * index + seed, {f"{c}": dict(zip("abc", rng.random(3), strict=True)) for c in range(100)}, seed=seed,
               architecture=architecture(index))
        for index in range(2) for seed in range(3)
    ]  # fmt: skip
    front_of(trials[:1]).points[0].low  # noqa: B018  (the draws are made once)
    start = time.process_time()
    for point in (*front_of(trials).points, *front_of(trials).dominated):
        assert point.low is not None
        assert point.gain_low is not None or point.is_plain
    assert time.process_time() - start < 2 * 0.05


# -- gains --------------------------------------------------------------------------------------------------


def test_a_gain_is_taken_over_the_same_cases():
    plain = {**one_class([0.2, 0.4, None, 0.9]), "only plain": {"organ": 0.0}}
    other = {**one_class([0.3, 0.6, 0.9, None]), "only other": {"organ": 1.0}}
    front = front_of([scored(0, plain), scored(1, other)])
    point = next(point for point in front.points if not point.is_plain)
    assert point.gain == pytest.approx((0.1 + 0.2) / 2)
    assert point.gain_low < 0 < point.gain < point.gain_high  # of two cases nothing is sure


def test_a_gain_is_taken_over_the_same_seeds():
    plain, other = architecture(0), architecture(1)
    trials = [
        scored(0, one_class([0.5, 0.5]), seed=1, architecture=plain),
        scored(1, one_class([0.1, 0.1]), seed=2, architecture=plain),
        scored(2, one_class([0.6, 0.8]), seed=1, architecture=other, cost=Cost(1, 1)),
        scored(3, one_class([0.0, 0.0]), seed=3, architecture=other, cost=Cost(1, 1)),
    ]
    front = front_of(trials)
    point = next(point for point in front.points if not point.is_plain)
    assert point.gain == pytest.approx(0.2)


def test_pairing_removes_what_is_common_to_the_cases():
    rng = np.random.default_rng(5)
    easy_and_hard = rng.uniform(0, 0.9, size=30)
    front = front_of([scored(0, one_class(easy_and_hard)), scored(1, one_class(easy_and_hard + 0.01))])
    point = next(point for point in front.points if not point.is_plain)
    assert point.gain == pytest.approx(0.01)
    assert point.gain_high - point.gain_low < 0.1 < point.high - point.low


def finals(seeds, noise, rng):
    """Three networks that are worth the same, on the same twenty cases, and the plain one among them."""
    cases, trials = rng.normal(0.7, 0.05, 20), []
    for seed, network in itertools.product(range(seeds), range(3)):
        trained = rng.normal(0, noise) + rng.normal(0, 0.01, 20)
        made = {"architecture": architecture(network), "seed": seed, "cost": Cost(1 + network, 1)}
        trials.append(scored(len(trials), one_class(cases + trained), phase="final", **made))
    return front_of(trials, architecture(0))


@pytest.mark.parametrize("seeds", [1, 2, 3])
def test_the_interval_of_a_gain_holds_all_trainings_there_might_be_and_not_only_the_few_there_were(seeds):
    rng = np.random.default_rng(6)
    gained = [point for _ in range(60) for point in finals(seeds, 0.01, rng).compared if not point.is_plain]
    assert np.mean([point.gain_low <= 0 <= point.gain_high for point in gained]) > 0.9
    steady = [point for _ in range(5) for point in finals(3, 0.001, rng).compared if not point.is_plain]
    assert max(point.gain_high - point.gain_low for point in steady) < 0.03


@pytest.mark.parametrize("changes", [{"seed": 1}, {"cases": one_class([0.5, 0.6])}, {"cases": {}}])
def test_where_nothing_can_be_paired_there_is_no_gain(changes):
    front = front_of([trial(0, 0.5), trial(1, 0.6, **changes)])
    point = next(point for point in front.points if not point.is_plain)
    assert (point.gain, point.gain_low, point.gain_high) == (None, None, None)


def test_the_plain_network_has_no_gain_on_itself():
    (point,) = front_of([trial(0)]).points
    assert (point.gain, point.gain_low, point.gain_high) == (None, None, None)


# -- hypervolume --------------------------------------------------------------------------------------------


def test_the_hypervolume_of_a_case_worked_out_by_hand():
    # log10 from 3 to 6: 0.4 from 1k on, 0.6 from 10k on, 0.9 from 100k on.
    front = front_of([trial(0, 0.6, 10_000), trial(1, 0.4, 1000), trial(2, 0.9, 100_000), trial(3, 0.5, 100_000)])
    assert front.hypervolume(10**6, 10**3) == pytest.approx((0.4 + 0.6 + 0.9) / 3)
    assert front.hypervolume(10**5, 10**3) == pytest.approx((0.4 + 0.6) / 2)  # the heaviest lies on the edge
    assert front.hypervolume(10**5, 10**4) == pytest.approx(0.6)  # the lightest counts from the edge on
    assert front_of([]).hypervolume(10**6, 10**3) == 0
    assert front_of([trial(0, 0.5, 10**7)]).hypervolume(10**6, 10**3) == 0
    assert front_of([trial(0, 1.0, 10**3)]).hypervolume(10**6, 10**3) == 1


@settings(deadline=None)
@given(outcomes, st.tuples(st.integers(1, 8), st.integers(0, 8)), st.integers(2, 9))
def test_another_trial_never_makes_the_hypervolume_smaller(values, another, reference):
    before = made(values).hypervolume(1000 * reference, 1000)
    after = made([*values, another]).hypervolume(1000 * reference, 1000)
    assert 0 <= before <= after + 1e-12 <= 1 + 2e-12


@pytest.mark.parametrize("bounds", [(1000, 1000), (100, 1000), (1000, 0)])
def test_a_box_without_area_is_an_error(bounds):
    with pytest.raises(InputError, match="hypervolume"):
        front_of([trial()]).hypervolume(*bounds)


# -- picks --------------------------------------------------------------------------------------------------


@pytest.fixture
def front():
    values = [(1000, 0.50), (10_000, 0.80), (100_000, 0.85), (1_000_000, 0.87), (500_000, 0.2)]
    return front_of([trial(number, dice, params) for number, (params, dice) in enumerate(values)])


def test_the_picks_of_a_front_worked_out_by_hand(front):
    assert front.best().cost.params == 1_000_000
    assert front.knee().cost.params == 10_000
    assert front.within_budget(100_000).cost.params == 100_000
    assert front.within_budget(99_999).cost.params == 10_000
    assert front.within_tolerance(0).cost.params == 1_000_000
    assert front.within_tolerance(0.025).cost.params == 100_000
    assert front.within_tolerance(1).cost.params == 1000


def test_a_knee_is_never_below_the_chord():
    front = front_of([trial(0, 0.5, 1000), trial(1, 0.51, 30_000), trial(2, 0.9, 1_000_000)])
    assert front.knee().cost.params == 1000


def test_the_only_point_is_every_pick():
    (point,) = front_of([trial(0, 0.5, 1000)]).points
    front = front_of([trial(0, 0.5, 1000)])
    assert front.best() == front.knee() == front.within_budget(1000) == front.within_tolerance(0) == point


@settings(deadline=None)
@given(outcomes, st.floats(0, 1))
def test_picks_are_on_the_front(values, delta):
    front = made(values)
    best = front.best()
    assert best.dice == max(dice for _, dice in values) / 8
    assert front.knee() in front.points
    pick = front.within_tolerance(delta)
    assert pick.dice >= best.dice - delta
    assert all(p.dice < best.dice - delta for p in front.points if p.cost.params < pick.cost.params)
    assert front.within_budget(best.cost.params) == best


def test_a_budget_below_the_smallest_is_an_error_that_names_the_smallest(front):
    with pytest.raises(InputError, match=r"within 999 parameters.*1\.00k \(1000\)"):
        front.within_budget(999)


@pytest.mark.parametrize("delta", [-0.1, math.nan])
def test_a_negative_tolerance_is_an_error(front, delta):
    with pytest.raises(InputError, match="tolerance"):
        front.within_tolerance(delta)


@pytest.mark.parametrize(
    "pick", [Front.best, Front.knee, lambda f: f.within_budget(1), lambda f: f.within_tolerance(0)]
)
def test_without_a_completed_trial_there_is_nothing_to_pick(pick):
    with pytest.raises(InputError, match="no completed trial"):
        pick(front_of([trial(0, None)]))


# -- references -------------------------------------------------------------------------------------------


def run_with(reference_dice: float) -> list[Trial]:
    """Two networks searched and retrained, and a third that only the finals trained."""
    searched = [trial(0, 0.5, 1000), trial(1, 0.6, 2000)]
    finals = [
        trial(number, dice, params, phase="final", architecture=architecture(number))
        for number, (dice, params) in enumerate([(0.5, 1000), (0.6, 2000), (reference_dice, 500)])
    ]
    return [*searched, *finals]


@pytest.mark.parametrize("dice", [0.1, 0.9])
def test_a_reference_takes_no_part_in_the_front_however_good_it_is(dice):
    front = front_of_finals(run_with(dice), {architecture(2): "published"})
    assert front is not None
    assert [point.architecture for point in front.points] == [architecture(0), architecture(1)]
    (reference,) = front.references
    assert (reference.architecture, reference.reference, reference.dice) == (architecture(2), "published", dice)
    assert reference.gain == pytest.approx(dice - 0.5)
    assert front.best().architecture == architecture(1)
    assert [point.architecture for point in front.everything] == [architecture(2), architecture(0), architecture(1)]


def test_a_reference_that_the_search_tried_is_a_point_as_any_other():
    front = front_of_finals(run_with(0.9), {architecture(1): "published"})
    assert front is not None
    assert front.references == ()
    assert front_of_finals(run_with(0.9), {}) == front


def test_finals_that_are_references_alone_make_no_front():
    trials = run_with(0.9)
    assert front_of_finals([*trials[:2], trials[-1]], {architecture(2): "published"}) is None
    assert front_of_finals(trials[:2], {}) is None
