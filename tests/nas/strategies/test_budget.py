from __future__ import annotations

from nas.strategies.budget import ROOM, Budget, box_of, budget_of
from search_spaces.architecture.architecture import Architecture
from search_spaces.space.space_file import load_space

SPACE = load_space({"host": "unet", "options": {"depth": [2, 3], "width": [4, 8, 16]}, "mechanisms": ["se"]}, 2)


def params_of(architecture: Architecture) -> int:
    return architecture.cost(1, 1, (32, 32)).params


SIZES = sorted(map(params_of, SPACE.plain_networks()))


def test_the_box_goes_from_the_smallest_plain_network_to_the_limit():
    box = box_of(SPACE, lambda _: True, 1, 1, 300_000)
    assert (box.low, box.high) == (SIZES[0], 300_000)


def test_without_a_limit_it_goes_beyond_the_largest_plain_network_that_is_admitted():
    everything = box_of(SPACE, lambda _: True, 1, 1)
    assert (everything.low, everything.high) == (SIZES[0], ROOM * SIZES[-1])
    light = box_of(SPACE, lambda one: params_of(one) < SIZES[3], 1, 1)
    assert (light.low, light.high) == (SIZES[0], ROOM * SIZES[2])
    assert box_of(SPACE, lambda _: False, 1, 1) == everything


def test_a_budget_stays_what_it_is_and_a_function_gets_parameters_and_a_box():
    made = budget_of(lambda one: params_of(one) < 50_000, SPACE)
    assert isinstance(made, Budget)
    assert budget_of(made, SPACE) is made
    plain = SPACE.plain()
    assert made.params(plain) == params_of(plain)
    assert made(plain) == (params_of(plain) < 50_000)
