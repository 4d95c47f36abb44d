"""Scales are found whatever the scores are."""

from __future__ import annotations

import numpy as np

from nas.surrogate.observations import observed
from nas.surrogate.scales import PRIORS, WITHIN, draw_scales, learn_scales
from nas.testing import made_up
from search_spaces.architecture.architecture import Architecture
from search_spaces.architecture.placement import Placement
from tests.nas.surrogate.made_up import observations

# Of these the optimiser once tried a scale at which the matrix of all scores has no inverse, and the search ended.
SCORES = {
    "": 0.5495, "skip.0:ema": 0.555, "decoder.2:coordinate": 0.5545, "skip.1:reverse": 0.5619, "encoder.2:scse": 0.5586,
    "skip.1:axial": 0.56, "encoder.1:fca": 0.5489, "bottleneck:cbam": 0.5622, "bottleneck:cbam decoder.0:fca": 0.542,
    "encoder.0:gather_excite": 0.5654, "encoder.0:gather_excite skip.2:gather_excite": 0.5771,
    "encoder.0:ema skip.2:gather_excite": 0.5046, "encoder.0:gather_excite skip.2:fca": 0.5425,
    "skip.2:gather_excite": 0.5659, "skip.2:attention_gate": 0.5642, "encoder.0:eca": 0.576,
    "decoder.2:attention_gate": 0.5477, "skip.0:coordinate": 0.5837, "skip.0:coordinate skip.1:coordinate": 0.5977,
    "skip.0:fca": 0.547, "skip.0:coordinate decoder.1:eca": 0.5711, "skip.0:coordinate skip.1:se": 0.6148,
    "skip.0:se": 0.5694, "bottleneck:coordinate skip.0:coordinate": 0.5305, "skip.0:ema skip.1:se": 0.5734,
    "skip.0:gather_excite": 0.587, "skip.0:gather_excite skip.1:coordinate": 0.5956, "skip.1:se": 0.5606,
}  # fmt: skip


def network(filled: str) -> Architecture:
    attention = {slot: Placement(name) for slot, name in (one.split(":") for one in filled.split())}
    return Architecture.create("unet", 2, {"depth": 3, "width": 4}, attention)


def test_no_step_of_the_optimiser_goes_where_there_is_no_inverse():
    trials = [made_up(number, network(filled), dice) for number, (filled, dice) in enumerate(SCORES.items())]
    for name, scale in learn_scales(observed(trials)).items():
        median, width = PRIORS[name]
        assert abs(np.log(scale / median)) <= WITHIN * width


def test_few_observations_leave_scales_open_and_draws_of_them_lie_around_the_likeliest():
    few, many = (
        np.log([one["noise"] for one in draw_scales(observations(count, noise=0.02), 40, np.random.default_rng(0))])
        for count in (5, 60)
    )
    assert few.std() > 1.5 * many.std() > 0
    assert abs(many.mean() - np.log(learn_scales(observations(60, noise=0.02))["noise"])) < 0.3
    assert abs(many.mean() - np.log(0.02)) < 0.4


def test_draws_of_scales_are_the_same_every_time():
    first, second = (draw_scales(observations(5), 3, np.random.default_rng(1)) for _ in range(2))
    assert first == second
    assert len(first) == 3
