"""How trainings are dealt out to the networks of the finals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from nas.engine.finals import FIRST, Finals, Training
from nas.evidence.chances import doubts
from nas.evidence.front import nondomination_ranks
from nas.evidence.training_noise import learn_noise
from search_spaces.architecture.architecture import Architecture
from tests.nas.trials import architecture

PLAIN = architecture(0)
ATTENDED = [architecture(index, "skip.0") for index in range(1, 4)]
CONTROLS = [architecture(index) for index in range(1, 4)]
REFERENCE = architecture(40)
PAIRED = {one: [PLAIN, control] for one, control in zip(ATTENDED, CONTROLS, strict=True)}
EVENLY = Finals([PLAIN, *ATTENDED], PAIRED, [REFERENCE], seed=8, seeds=4)
RACING = Finals([PLAIN, *ATTENDED], PAIRED, [REFERENCE], seed=8, seeds=4, racing=True)

Doubts = Callable[[], Mapping[Architecture, float]]


def trainings(finals: Finals, told: Doubts = dict, begun: dict[Architecture, set[int]] | None = None) -> list[Training]:
    """All of them, one after the other."""
    begun = {} if begun is None else begun
    given: list[Training] = []
    while (training := finals.next(begun, set(), told)) is not None:
        begun.setdefault(training[0], set()).add(training[1])
        given.append(training)
    return given


def counts(given: list[Training]) -> Counter[Architecture]:
    return Counter(one for one, _ in given)


def test_evenly_each_network_has_each_seed_seed_by_seed():
    given = trainings(EVENLY)
    everyone = [PLAIN, *ATTENDED, *CONTROLS, REFERENCE]
    assert given == [(one, seed) for seed in (8, 9, 10, 11) for one in everyone]
    assert EVENLY.left({}) == len(given)


def test_finalists_that_share_a_control_share_its_trainings():
    shared = Finals([PLAIN, *ATTENDED], {one: [PLAIN, CONTROLS[0]] for one in ATTENDED}, seeds=2)
    assert counts(trainings(shared)) == dict.fromkeys([PLAIN, *ATTENDED, CONTROLS[0]], 2)


def test_racing_starts_with_two_seeds_each_and_spends_as_many_trainings_as_evenly():
    given = trainings(RACING, lambda: {PLAIN: 0.01, ATTENDED[0]: 0.25})
    assert Counter(counts(given[: FIRST * 8]).values()) == {FIRST: 8}
    assert counts(given)[REFERENCE] == RACING.seeds
    assert len(given) == len(trainings(EVENLY)) == RACING.left({})


def test_where_nothing_is_known_of_the_front_racing_is_even():
    assert max(counts(trainings(RACING)).values()) <= RACING.seeds + 1


def test_seeds_go_to_the_network_in_doubt_and_its_controls_and_none_to_one_that_is_surely_off():
    known = {PLAIN: 0.01, ATTENDED[0]: 0.0, ATTENDED[1]: 0.25, ATTENDED[2]: 0.01}
    found = counts(trainings(RACING, lambda: known))
    assert found[ATTENDED[0]] == found[CONTROLS[0]] == FIRST
    assert found[ATTENDED[1]] == max(found[one] for one in ATTENDED) > FIRST
    assert found[CONTROLS[1]] >= found[ATTENDED[1]]
    assert found[PLAIN] >= found[ATTENDED[1]]


@settings(max_examples=40)
@given(values=st.lists(st.floats(0, 0.3), min_size=7, max_size=7), seeds=st.integers(1, 6), cut=st.integers(0, 60))
def test_pairs_stay_pairs_no_training_comes_twice_and_a_run_that_was_cut_off_goes_on_the_same_way(values, seeds, cut):
    finals = Finals([PLAIN, *ATTENDED], PAIRED, [], 8, seeds, racing=True)
    known = dict(zip([PLAIN, *ATTENDED, *CONTROLS], values, strict=True))
    given = trainings(finals, lambda: known)
    assert len(given) == len(set(given)) <= 7 * seeds
    of = {one: {seed for other, seed in given if other == one} for one in known}
    assert all(of[one] <= of[control] for one in ATTENDED for control in PAIRED[one])
    assert all(seeds == set(range(8, 8 + len(seeds))) for seeds in of.values())
    begun: dict[Architecture, set[int]] = {}
    for one, seed in given[:cut]:
        begun.setdefault(one, set()).add(seed)
    assert trainings(finals, lambda: known, begun) == given[cut:]


def test_what_runs_counts_so_that_several_workers_do_not_all_train_one_network():
    begun = {one: {8, 9} for one in RACING.networks} | {REFERENCE: {8, 9, 10, 11}}
    known = dict.fromkeys(CONTROLS, 0.2)
    given = []
    for _ in range(3):  # none of them ends
        training = RACING.next(begun, {one for one, _ in given}, lambda: known)
        assert training is not None
        begun[training[0]].add(training[1])
        given.append(training)
    assert {one for one, _ in given} == set(CONTROLS)


def test_a_network_of_which_all_trainings_failed_gets_no_more():
    begun = {one: {8, 9} for one in RACING.networks}
    given = trainings(RACING, lambda: dict.fromkeys(set(RACING.networks) - {ATTENDED[0]}, 0.1), begun)
    assert ATTENDED[0] not in counts(given)


# -- a simulation -----------------------------------------------------------------------------------------

SIZES = [1000 * (place + 1) for place in range(8)]


def raced(racing: bool, seed: int) -> tuple[int, bool, int]:
    """Of how many networks finals tell rightly whether they are on the front, whether of all, and the trainings."""
    rng = np.random.default_rng(seed)
    networks = [architecture(index) for index in range(len(SIZES))]
    worth = rng.normal(0.7, 0.03, len(SIZES))
    scores = np.full((len(SIZES), 40), np.nan)
    finals = Finals(networks, seed=0, seeds=4, racing=racing)

    def doubted() -> dict[Architecture, float]:
        used = scores[:, ~np.isnan(scores).all(axis=0)]
        errors = learn_noise(used, np.zeros(used.shape, bool)).errors(300, np.random.default_rng(0))
        return dict(zip(networks, doubts(SIZES, np.nanmean(scores, axis=1) - errors).tolist(), strict=True))

    begun: dict[Architecture, set[int]] = {}
    while (training := finals.next(begun, set(), doubted)) is not None:
        one, number = training
        begun.setdefault(one, set()).add(number)
        place = networks.index(one)
        scores[place, number] = worth[place] + np.random.default_rng((seed, place, number)).normal(0, 0.02)
    found, true = (
        np.equal(nondomination_ranks(SIZES, dice.tolist()), 0) for dice in (np.nanmean(scores, axis=1), worth)
    )
    return int((found == true).sum()), bool((found == true).all()), int((~np.isnan(scores)).sum())


def test_racing_finds_the_true_front_at_least_as_often_as_even_seeds_with_as_many_trainings():
    racing, even = (np.array([raced(racing, seed) for seed in range(40)]) for racing in (True, False))
    assert set(racing[:, 2]) == set(even[:, 2]) == {32}
    assert racing[:, 0].mean() >= even[:, 0].mean()
    assert racing[:, 1].mean() >= even[:, 1].mean()
