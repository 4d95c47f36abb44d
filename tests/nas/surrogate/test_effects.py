"""What a model of all trials says of each mechanism in each place."""

from __future__ import annotations

import numpy as np
import pytest

from nas.records.trial import Trial
from nas.surrogate.effects import Effect, effects
from nas.testing import made_up
from search_spaces.architecture.architecture import Architecture
from search_spaces.architecture.placement import Placement
from search_spaces.errors import InputError
from search_spaces.space.space_file import load_space

SPACE = load_space(
    {
        "host": "unet",
        "options": {"depth": 2, "width": [4, 8]},
        "slots": ["bottleneck", "skip.*", "decoder.*"],
        "mechanisms": {"se": {"reduction": 2}, "eca": {"kernel": 3}, "cbam": {"reduction": 2, "kernel": 5}},
    },
    2,
)
SE = Placement("se", (("reduction", 2),))
TRUE = {("se", "skip.0"): 0.03, ("cbam", "decoder.1"): -0.03}


def params_of(architecture: Architecture) -> int:
    return architecture.cost(1, 1, (32, 32)).params


def trials(count: int, noise: float = 0.01) -> list[Trial]:
    rng = np.random.default_rng(0)
    drawn: dict[Architecture, None] = {}
    while len(drawn) < count:
        drawn[SPACE.sample(rng)] = None
    found = []
    for number, one in enumerate(drawn):
        gains = (TRUE.get((item.mechanism, slot), 0.0) for slot, series in one.attention for item in series)
        found.append(made_up(number, one, 0.7 + sum(gains) + rng.normal(0, noise)))
    return found


def test_what_helps_and_what_hurts_is_found_and_the_rest_is_not_claimed():
    found = {(effect.mechanism, effect.place): effect for effect in effects(trials(150), params_of)}
    for key, true in TRUE.items():
        assert abs(found[key].mean - true) < 0.01  # a large one among many small ones is drawn towards them
    assert found["se", "skip.0"].verdict(0.005) == "helps"
    assert found["cbam", "decoder.1"].verdict(0.005) == "hurts"
    others = [effect for key, effect in found.items() if key not in TRUE]
    assert sum(effect.verdict(0.005) in ("helps", "hurts") for effect in others) <= 2
    assert all(effect.low < effect.mean < effect.high for effect in found.values())
    ordered = effects(trials(150), params_of)
    assert (ordered[0].mechanism, ordered[-1].mechanism) == ("se", "cbam")


def test_more_trials_make_effects_surer():
    few, many = ({(e.mechanism, e.place): e for e in effects(trials(count), params_of)} for count in (30, 200))
    both = set(few) & set(many)
    assert np.mean([many[key].high - many[key].low for key in both]) < np.mean([few[k].high - few[k].low for k in both])


def test_places_are_taken_together():
    kinds = effects(trials(60), params_of, "kind")
    assert {effect.place for effect in kinds} == {"bottleneck", "skip", "decoder"}
    whole = effects(trials(60), params_of, "mechanism")
    assert sorted(effect.mechanism for effect in whole) == ["cbam", "eca", "se"]
    assert {effect.place for effect in whole} == {""}


def test_parameters_are_those_that_a_mechanism_adds_where_it_sits():
    (effect,) = [one for one in effects(trials(60), params_of) if (one.mechanism, one.place) == ("se", "skip.0")]
    alone = [
        params_of(Architecture.create("unet", 2, {"depth": 2, "width": width}, {"skip.0": SE}))
        - params_of(Architecture.create("unet", 2, {"depth": 2, "width": width}))
        for width in (4, 8)
    ]
    assert effect.params == (min(alone), max(alone))
    assert effect.networks > 1


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(0.001, 0.02, "helps"), (-0.02, -0.001, "hurts"), (-0.004, 0.004, "no effect"), (-0.02, 0.004, "open")],
)
def test_the_verdict_is_on_the_interval(low: float, high: float, verdict: str):
    assert Effect("se", "skip.0", 3, 0.0, low, high, 0.5, (1, 1)).verdict(0.005) == verdict


def test_too_little_is_no_evidence():
    with pytest.raises(InputError, match="expected at least 8 scored networks, got 3"):
        effects(trials(3), params_of)
    plain = [made_up(number, one, 0.7) for number, one in enumerate([*SPACE.plain_networks()] * 5)]
    with pytest.raises(InputError, match="at least 8 scored networks"):
        effects(plain, params_of)
