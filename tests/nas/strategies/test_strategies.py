"""What every strategy keeps to, then what sets each apart."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nas.evidence.front import front_of, nondomination_ranks
from nas.records.trial import Trial
from nas.strategies import STRATEGIES, History
from nas.strategies.budget import budget_of
from nas.strategies.candidates import PATIENCE, SIZES, SMALL, Candidates
from nas.strategies.evolution import Evolution, crowding_distances, survivors
from nas.strategies.random import RandomSearch
from search_spaces.architecture.architecture import Architecture
from search_spaces.attention import MECHANISMS
from search_spaces.errors import InputError
from search_spaces.space.space import Space
from search_spaces.space.space_file import load_space
from tests.nas.trials import architecture, trial

Admits = Callable[[Architecture], bool]


def space_of(depth: Sequence[int] = (2, 3), width: Sequence[int] = (4, 8, 12), **changes: object) -> Space:
    options = {"depth": list(depth), "width": list(width), "block": "plain", "norm": "instance"}
    return load_space({"host": "unet", "options": options, "mechanisms": ["se"]} | changes, dims=2)


SPACE = space_of()
TINY = space_of([2], [16, 32], slots=["bottleneck", "skip.0"], mechanisms={"se": {"reduction": [2, 4]}})


WIDE = space_of([2, 3], range(4, 34))


def params_of(candidate: Architecture) -> int:
    return candidate.cost(1, 1, (32, 32)).params


def everything(candidate: Architecture) -> bool:
    return True


def is_light(candidate: Architecture) -> bool:
    return params_of(candidate) < 30_000


def is_hardly_larger(candidate: Architecture) -> bool:
    """Than the smallest network in ``WIDE``: one draw in 300."""
    return params_of(candidate) <= 1.015 * WIDE.smallest(1, 1)[1]


WORTH = {"skip.0": 0.05, "skip.1": 0.04, "decoder.0": 0.03, "bottleneck": 0.02, "encoder.0": -0.02, "encoder.1": -0.03}


def made_up_dice(candidate: Architecture) -> float:
    """Grows with parameters; slots are worth more or less, and two of them more together than apart."""
    params = params_of(candidate)
    filled = dict(candidate.attention)
    reductions = {slot: dict(placement.options)["reduction"] for slot, (placement,) in filled.items()}
    gains = [WORTH.get(slot, -0.01) * (1.0 if reductions[slot] == 8 else 0.5) for slot in filled]
    return 0.75 * params / (params + 1e4) + sum(gains) + 0.05 * ({"skip.0", "decoder.0"} <= set(filled))


def evaluated(number: int, candidate: Architecture) -> Trial:
    """Every seventh fails."""
    dice = None if number % 7 == 5 else made_up_dice(candidate)
    return trial(number, dice, params_of(candidate), architecture=candidate)


LENGTH = {"optuna": 14}  # trials of a search; what comes next takes some strategies long


@functools.cache
def searched(
    name: str, space: Space = SPACE, admits: Admits = everything, seed: int = 0, most: int | None = None
) -> list[Trial]:
    """The trials of a search that runs one at a time, until the strategy is done."""
    most = most or LENGTH.get(name, 40)
    strategy = STRATEGIES[name](space, admits, seed)
    trials: list[Trial] = []
    for number in range(most):
        candidate = strategy.suggest(History(trials))
        if candidate is None:
            break
        trials.append(evaluated(number, candidate))
    return trials


def architectures(trials: Sequence[Trial]) -> list[Architecture]:
    return [item.architecture for item in trials]


# ``transfer`` without sources is ``model``, which a test of its own holds.
every_strategy = pytest.mark.parametrize("name", [name for name in STRATEGIES if name != "transfer"])


# -- the contract -------------------------------------------------------------------------------------------


def test_the_strategies_that_are_documented_are_registered():
    assert {"model", "local", "evolution", "random"} <= set(STRATEGIES)


@every_strategy
def test_the_plain_network_comes_first(name):
    for seed in range(3):
        assert STRATEGIES[name](SPACE, everything, seed).suggest(History()) == SPACE.plain()


@every_strategy
def test_where_the_plain_network_is_not_admitted_the_largest_one_that_is_comes_first(name):
    space = space_of([2, 3], [12, 6, 4])
    affordable = [network for network in space.plain_networks() if params_of(network) < 50_000]
    assert space.plain() not in affordable
    assert len({params_of(network) for network in affordable}) > 1
    first = STRATEGIES[name](space, lambda candidate: params_of(candidate) < 50_000, 0).suggest(History())
    assert first == max(affordable, key=params_of)


@every_strategy
def test_the_network_that_stands_for_the_plain_one_has_its_words(name):
    space = load_space({"host": "unet", "options": {"depth": 3, "width": [4, 8], "block": ["plain", "residual"]}}, 2)
    choices = [(dict(network.options), network) for network in space.plain_networks()]
    small = {options["block"]: network for options, network in choices if options["width"] == 4}
    limit = params_of(small["residual"])
    assert params_of(small["plain"]) < limit < params_of(space.plain())
    first = STRATEGIES[name](space, lambda candidate: params_of(candidate) <= limit, 0).suggest(History())
    assert first == small["plain"]


@every_strategy
def test_where_rules_forbid_the_plain_network_another_one_comes_first(name):
    default = dict(SPACE.plain().options)["width"]
    space = space_of(forbid=[{"width": default}])
    first = STRATEGIES[name](space, everything, 0).suggest(History())
    assert first is not None
    assert first.is_plain
    assert first in space


@every_strategy
def test_where_no_plain_network_is_admitted_something_else_comes_first(name):
    first = STRATEGIES[name](SPACE, lambda candidate: not candidate.is_plain, 0).suggest(History())
    assert first is not None
    assert not first.is_plain


@every_strategy
def test_the_same_seed_and_history_give_the_same_search_and_another_seed_another(name):
    assert searched(name, seed=3) == searched(name, seed=3)
    assert searched(name, seed=3) != searched(name, seed=4)


@every_strategy
def test_nothing_is_suggested_twice_and_all_is_in_the_space(name):
    tried = architectures(searched(name))
    assert len(set(tried)) == len(tried) == LENGTH.get(name, 40)
    assert all(candidate in SPACE for candidate in tried)


@every_strategy
def test_only_what_is_admitted_is_suggested(name):
    tried = architectures(searched(name, admits=is_light))
    assert len(tried) == LENGTH.get(name, 40)
    assert all(map(is_light, tried))


@every_strategy
def test_where_nothing_is_admitted_the_search_is_done_at_once(name):
    assert STRATEGIES[name](SPACE, lambda candidate: False, 0).suggest(History()) is None


@every_strategy
@pytest.mark.parametrize("seed", [0, 1])
def test_a_tiny_space_is_done_after_exactly_its_size(name, seed):
    tried = architectures(searched(name, TINY, seed=seed, most=1000))
    assert len(tried) == TINY.size() == 18
    assert len(set(tried)) == 18


@every_strategy
def test_a_space_without_attention_is_only_plain_networks(name):
    tried = architectures(searched(name, space_of(max_filled=0), most=1000))
    assert set(tried) == set(SPACE.plain_networks())
    assert len(tried) == 6


@every_strategy
def test_where_limits_leave_little_of_a_large_space_it_is_found(name):
    assert WIDE.size() > SMALL
    tried = architectures(searched(name, WIDE, is_hardly_larger, most=20))
    assert set(tried) == set(filter(is_hardly_larger, space_of([2], [4])))
    assert len(tried) == 10


@every_strategy
def test_what_is_running_is_not_suggested_again(name):
    strategy = STRATEGIES[name](SPACE, everything, 0)
    trials = searched(name)[:25]
    running: list[Architecture] = []
    for _ in range(8):
        candidate = strategy.suggest(History(trials, running))
        assert candidate is not None
        assert candidate not in {*running, *architectures(trials)}
        running.append(candidate)


@every_strategy
def test_a_killed_search_goes_on_as_it_would_have(name):
    trials = searched(name)
    for done in (0, 1, 7, 16, 17, 30, 39):
        if done >= len(trials):
            break
        resumed = STRATEGIES[name](SPACE, everything, 0)
        assert resumed.suggest(History(trials[:done])) == trials[done].architecture


@every_strategy
def test_what_is_suggested_does_not_depend_on_what_was_asked_before(name):
    trials = searched(name)
    strategy = STRATEGIES[name](SPACE, everything, 0)
    last = len(trials) - 1
    for done in (last, 5, last // 2, 0, last, last // 2):
        assert strategy.suggest(History(trials[:done])) == trials[done].architecture


@every_strategy
def test_the_order_in_which_trials_ended_does_not_matter(name):
    trials = searched(name)
    last = trials[-1].architecture
    assert STRATEGIES[name](SPACE, everything, 0).suggest(History(trials[:-1][::-1])) == last


@pytest.mark.parametrize("name", sorted(set(STRATEGIES) - {"optuna"}))  # whose samplers see to themselves
def test_the_light_end_is_visited_early(name):
    for seed in (0, 3, 4):
        first = architectures(searched(name, seed=seed))[:30]
        box = budget_of(everything, SPACE).box
        assert sum(box.place(params_of(candidate)) < 0.5 for candidate in first) >= 5
        assert sum(len(candidate.attention) <= 1 for candidate in first) >= 4


# -- the history --------------------------------------------------------------------------------------------


def test_failed_and_running_architectures_are_seen_but_only_scored_trials_are_completed():
    history = History([trial(2), trial(1, None), trial(0)], [architecture(9)])
    assert history.seen == {architecture(number) for number in (0, 1, 2, 9)}
    assert [item.number for item in history.completed] == [0, 2]


# -- candidates ---------------------------------------------------------------------------------------------


def test_candidates_end_when_nothing_new_came_for_long():
    asked: list[Architecture] = []

    def admits(candidate: Architecture) -> bool:
        asked.append(candidate)
        return candidate != architecture(2)

    repeating = itertools.cycle([architecture(0), architecture(1), architecture(2)])
    candidates = Candidates(repeating, admits)
    assert candidates.first_unseen(set()) == architecture(0)
    assert candidates.first_unseen({architecture(0)}) == architecture(1)
    assert candidates.first_unseen({architecture(0), architecture(1)}) is None
    assert candidates.first_unseen(set()) == architecture(0)
    assert len(asked) == 3  # each is asked about once


def test_what_was_tried_does_not_use_up_the_patience():
    order = [architecture(index) for index in range(PATIENCE + 2)]
    assert Candidates(order, everything).first_unseen(set(order[:-1])) == order[-1]


# -- random search ------------------------------------------------------------------------------------------


def test_random_search_follows_the_draws_whatever_the_scores():
    draws = (SPACE.sample(np.random.default_rng((5, index)), sparse=False) for index in itertools.count())
    expected = list(itertools.islice(dict.fromkeys(itertools.chain([SPACE.plain()], itertools.islice(draws, 100))), 20))
    strategy = RandomSearch(SPACE, everything, 5, sparse=False)
    trials: list[Trial] = []
    for number in range(20):
        candidate = strategy.suggest(History(trials))
        assert candidate is not None
        trials.append(trial(number, None, architecture=candidate))
    assert architectures(trials) == expected


# -- evolution ----------------------------------------------------------------------------------------------


def test_evolution_begins_with_plain_networks_and_single_mechanisms_in_turns_then_draws():
    tried = architectures(searched("evolution", most=16))
    assert all(candidate.is_plain for candidate in (tried[0], tried[1], *tried[3:7]))
    assert set(filter(lambda candidate: candidate.is_plain, tried)) == set(SPACE.plain_networks())
    assert len(tried[2].attention) == 1
    assert tried[2].options == SPACE.plain().options
    assert any(len(candidate.attention) > 1 for candidate in tried[7:])


def test_evolution_tries_every_family_of_mechanisms_early():
    space = space_of(mechanisms="all")
    families = {MECHANISMS[name].family for name in space.mechanisms}
    first = architectures(searched_without_scores(space, 2 * len(families) + 1))
    assert families == {
        MECHANISMS[placement.mechanism].family for candidate in first for _, (placement,) in candidate.attention
    }


def searched_without_scores(space: Space, most: int) -> list[Trial]:
    strategy = Evolution(space, everything, 0, population=1000)
    trials: list[Trial] = []
    for number in range(most):
        candidate = strategy.suggest(History(trials))
        assert candidate is not None
        trials.append(trial(number, architecture=candidate))
    return trials


def test_failed_trials_are_never_parents():
    completed = [item for item in searched("evolution", most=30) if item.status == "completed"]
    strategy = Evolution(SPACE, everything, 0)

    def next_with_failures(sampled: int) -> Architecture | None:
        rng = np.random.default_rng(sampled)
        failed = [trial(100 + i, None, 1, architecture=SPACE.sample(rng, sparse=False)) for i in range(5)]
        return strategy.suggest(History([*completed, *failed]))

    assert next_with_failures(0) == next_with_failures(1) is not None


def test_evolution_goes_on_when_every_trial_failed():
    trials = [trial(n, None, architecture=item.architecture) for n, item in enumerate(searched("evolution"))]
    assert Evolution(SPACE, everything, 0).suggest(History(trials)) is not None


@pytest.mark.parametrize("setting", [{"population": 1}, {"crossover": 1.5}, {"crossover": -0.1}])
def test_settings_out_of_range_are_input_errors_that_name_them(setting):
    with pytest.raises(InputError, match=next(iter(setting))):
        Evolution(SPACE, everything, 0, **setting)


def test_survivors_are_best_by_front_then_by_room():
    # 0, 1, 2 and 3 are the front, 4 is behind it; of the inner two, 2 has more room than 1.
    values = [(1000, 0.1), (1100, 0.15), (10_000, 0.5), (100_000, 0.9), (100_000, 0.3)]
    trials = [trial(number, dice, params) for number, (params, dice) in enumerate(values)]
    assert [item.number for item in survivors(trials, 9)] == [0, 3, 2, 1, 4]
    assert [item.number for item in survivors(trials, 2)] == [0, 3]


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 10**6), st.floats(0, 1)), min_size=1, max_size=30))
def test_the_ends_of_every_front_have_endless_room(values):
    params, dice = [p for p, _ in values], [d for _, d in values]
    ranks = nondomination_ranks(params, dice)
    distances = crowding_distances(params, dice, ranks)
    for rank in set(ranks):
        front = [index for index in range(len(values)) if ranks[index] == rank]
        ends = {min(front, key=lambda i: params[i]), max(front, key=lambda i: params[i])}
        assert all((distances[index] == np.inf) == (index in ends) for index in front)
        assert all(0 <= distances[index] <= 2 + 1e-9 for index in front if index not in ends)


def test_evolution_dominates_more_than_random_search_after_150_trials():
    space = space_of([2, 3], [4, 8, 16])
    smallest = space.smallest(1, 1)[1]

    def mean_hypervolume(name: str) -> float:
        fronts = [front_of(searched(name, space, seed=seed, most=150)) for seed in range(4)]
        return float(np.mean([front.hypervolume(1_000_000, smallest) for front in fronts]))

    assert mean_hypervolume("evolution") > mean_hypervolume("random") + 0.02


@pytest.mark.parametrize("name", ["model", "local"])
def test_a_search_begins_with_plain_networks_from_the_lightest_to_the_heaviest(name: str) -> None:
    """Neighbours alone hardly ever lead from one size to another: there are few options and many places."""
    strategy = STRATEGIES[name](WIDE, everything, 0)
    tried: list[Trial] = []
    for number in range(SIZES):
        suggested = strategy.suggest(History(tried))
        assert suggested is not None
        tried.append(trial(number, 0.5, params_of(suggested), architecture=suggested))
    assert all(one.architecture.is_plain for one in tried)
    sizes = sorted(one.cost.params for one in tried)
    plain = [params_of(network) for network in WIDE.plain_networks()]
    assert sizes[0] < 1.2 * min(plain)
    assert sizes[-1] > max(plain) / 1.2
    assert len(set(sizes)) == SIZES
