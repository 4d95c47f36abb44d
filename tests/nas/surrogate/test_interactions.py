"""What two mechanisms do together beyond the sum of their effects."""

from __future__ import annotations

import numpy as np

from nas.records.trial import Trial
from nas.surrogate.interactions import TOGETHER, interactions
from nas.testing import made_up
from search_spaces.architecture.architecture import Architecture
from tests.nas.surrogate.made_up import drawn

PAIR = (("eca", "skip"), ("se", "bottleneck"))


def search(together: float, count: int = 100, seed: int = 0) -> list[Trial]:
    """Networks of which each mechanism in each slot adds something, and one pair of them something more."""
    rng = np.random.default_rng(seed)
    worth: dict[tuple[str, str], float] = {}

    def dice(architecture: Architecture) -> float:
        placed = [(item.mechanism, slot) for slot, series in architecture.attention for item in series]
        both = set(PAIR) <= {(mechanism, slot.split(".")[0]) for mechanism, slot in placed}
        effects = sum(worth.setdefault(one, rng.normal(0, 0.005)) for one in placed)
        return 0.7 + effects + together * both + rng.normal(0, 0.005)

    half = count // 2
    networks = dict.fromkeys([*drawn(half, seed, sparse=True), *drawn(count - half, seed)])
    return [made_up(number, one, dice(one)) for number, one in enumerate(networks)]


def test_a_pair_that_does_more_than_the_sum_is_named_and_no_other():
    found = interactions(search(0.05))
    first, *others = found
    assert {first.first, first.second} == set(PAIR)
    assert str(first) == "eca skip with se bottleneck"
    assert first.is_sure
    assert 0 < first.low < 0.05 < first.high
    assert first.networks >= TOGETHER
    assert not any(pair.is_sure for pair in others)
    less = interactions(search(-0.05))[0]
    assert ({less.first, less.second}, less.high < 0) == (set(PAIR), True)


def test_where_effects_add_up_no_pair_is_named():
    found = [interactions(search(0.0, seed=seed)) for seed in range(6)]
    assert min(map(len, found)) > 20
    assert sum(any(pair.is_sure for pair in pairs) for pairs in found) <= 1


def test_of_what_never_sat_together_nothing_is_told():
    assert interactions([]) == []
    alone = [one for one in drawn(60, sparse=True) if len(one.attention) <= 1]
    assert interactions([made_up(number, one, 0.7) for number, one in enumerate(alone)]) == []
