"""Climbing weighs every change of a slot as the model would weigh the whole network."""

from __future__ import annotations

import numpy as np
import pytest

from nas.evidence.hypervolume import Box, Steps
from nas.strategies.budget import Budget
from nas.strategies.candidates import host_of
from nas.strategies.choices import choices_of
from nas.strategies.climbing import Climber
from nas.surrogate.features import row_of
from nas.surrogate.posterior import Posterior
from nas.surrogate.scales import learn_scales
from search_spaces.architecture.architecture import Architecture
from search_spaces.space.space_file import load_space
from search_spaces.space.union import SearchSpace
from tests.nas.surrogate.made_up import observations, params_of

HOST = {
    "host": "unet",
    "options": {"depth": [2, 3], "width": [4, 8, 12]},
    "slots": ["bottleneck", "skip.*", "decoder.*"],
    "mechanisms": ["se", "eca", "cbam", "scse"],
}
SPACES = {
    "open": HOST,
    "tied": {**HOST, "tied": ["skip.*"]},
    "fixed": {**HOST, "fixed": {"bottleneck": {"mechanism": "se", "reduction": 2}}},
    "few filled": {**HOST, "max_filled": 2},
    "series": {**HOST, "series": 2},
    "rules": {
        **HOST,
        "forbid": [{"skip.*": "eca", "bottleneck": "any"}],
        "require": [{"if": {"skip.*": "any"}, "then": {"decoder.*": "any"}}],
    },
    "hosts": {"spaces": [HOST, {"host": "nested", "options": {"depth": [2]}, "mechanisms": ["se", "eca"]}]},
}
OPTIMISM = 1.0
BOX = Box(5_000, 400_000)


def everything(architecture: Architecture) -> bool:
    return True


def climber(space: SearchSpace, starts: list[Architecture], posterior: Posterior, budget: Budget) -> Climber:
    settings = dict.fromkeys(space.mechanisms, 0.3)
    choices = choices_of(posterior, space, starts, OPTIMISM, np.random.default_rng(0), settings)
    return Climber(space, budget, choices, STEPS, OPTIMISM, posterior.scales["rest"] ** 2, {})


SEEN = observations(40)
POSTERIOR = Posterior(SEEN, learn_scales(SEEN))
STEPS = Steps((BOX.place(params), score) for params, score in zip(SEEN.params.tolist(), SEEN.scores, strict=True))


def gain(architecture: Architecture) -> float:
    means, deviations = POSTERIOR.predict([row_of(architecture)])
    place = np.array([BOX.place(params_of(architecture))])
    return float(STEPS.gains(place, means + OPTIMISM * deviations)[0])


@pytest.mark.parametrize("name", SPACES)
def test_it_ends_inside_the_space_higher_than_it_began(name):
    space = load_space(SPACES[name], 2)
    rng = np.random.default_rng(0)
    starts = [space.sample(rng, sparse=False) for _ in range(6)]
    climbing = climber(space, starts, POSTERIOR, Budget(everything, params_of, BOX))
    ends = [climbing.climb(start) for start in starts]
    assert all(end in space for end in ends)
    assert all(gain(end) >= gain(start) for start, end in zip(starts, ends, strict=True))
    assert any(gain(end) > gain(start) + 1e-6 for start, end in zip(starts, ends, strict=True))


def test_no_change_of_one_slot_to_what_was_on_offer_is_better():
    space = load_space(SPACES["open"], 2)
    start = space.plain()
    choices = choices_of(
        POSTERIOR, space, [start], OPTIMISM, np.random.default_rng(0), dict.fromkeys(space.mechanisms, 0.3)
    )
    rest = POSTERIOR.scales["rest"] ** 2
    end = Climber(space, Budget(everything, params_of, BOX), choices, STEPS, OPTIMISM, rest, {}).climb(start)
    part = space.part_of(end)
    contents = part.contents(end)
    assert contents
    for (_, label, _), offered in choices.series.items():
        for series in offered:
            other = part.assemble(end.options, {**contents, label: series})
            assert gain(other) <= gain(end) + 1e-5


def test_what_the_budget_refuses_for_other_reasons_is_climbed_around():
    space = load_space(SPACES["open"], 2)

    def admits(architecture: Architecture) -> bool:
        return sum(series[0].mechanism == "scse" for _, series in architecture.attention) < 2

    budget = Budget(admits, params_of, BOX)
    starts = space.plain_networks()
    climbing = climber(space, starts, POSTERIOR, budget)
    ends = [climbing.climb(start) for start in starts]
    assert all(admits(end) for end in ends)
    assert sum(gain(end) > 0 for end in ends) >= 3


def test_it_stays_below_the_most_parameters_that_count():
    space = load_space(SPACES["open"], 2)
    starts = space.plain_networks()
    free = climber(space, starts, POSTERIOR, Budget(everything, params_of, BOX))
    sizes = [params_of(free.climb(start)) for start in starts]
    most = max(sizes) - 1
    narrow = climber(space, starts, POSTERIOR, Budget(everything, params_of, Box(BOX.low, most)))
    within = [start for start in starts if params_of(start) < most]
    assert max(params_of(narrow.climb(start)) for start in within) < most


def test_slots_that_are_alike_are_priced_once_whatever_host_they_are_in():
    space = load_space({**HOST, "options": {"depth": 2, "width": 4, "activation": ["relu", "silu"]}}, 2)
    asked: list[Architecture] = []

    def params(architecture: Architecture) -> int:
        asked.append(architecture)
        return params_of(architecture)

    climbing = climber(space, space.plain_networks(), POSTERIOR, Budget(everything, params, BOX))
    first, second = space.plain_networks()
    climbing.climb(first)
    assert len(asked) > 10
    asked.clear()
    climbing.climb(second)
    assert asked == [second]


def test_a_host_is_the_network_with_what_is_fixed_alone():
    space = load_space(SPACES["fixed"], 2)
    network = space.sample(np.random.default_rng(3), sparse=False)
    assert [slot for slot, _ in host_of(space, network).attention] == ["bottleneck"]
