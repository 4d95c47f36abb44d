"""What each slot of a network is worth at full training."""

from __future__ import annotations

import pytest

from nas.cli.effects import left_out_tables
from nas.evidence.front import front_of
from nas.evidence.left_out import each_slot_empty, left_out
from nas.records.trial import Trial
from search_spaces.architecture.architecture import Architecture
from search_spaces.architecture.placement import Placement
from tests.nas.trials import one_class, scored

WHOLE = Architecture.create("unet", 2, {"depth": 2}, {"skip.0": Placement("se"), "bottleneck": Placement("eca")})
OTHER = Architecture.create("unet", 2, {"depth": 3}, {"skip.0": Placement("se")})


def trials_of(architecture: Architecture, dice: float, number: int) -> list[Trial]:
    """With two seeds, in eight cases that differ."""
    cost = architecture.cost(1, 1, (32, 32))
    return [
        scored(
            number + seed,
            one_class([dice + case / 100 + seed / 50 for case in range(8)]),
            architecture=architecture,
            cost=cost,
            seed=seed,
            phase="final",
        )
        for seed in (0, 1)
    ]


def test_a_slot_is_worth_what_the_network_loses_without_it_by_case_and_seed():
    without_bottleneck, without_skip = (
        next(one for one in each_slot_empty(WHOLE) if slot in dict(one.attention)) for slot in ("skip.0", "bottleneck")
    )
    trials = [
        *trials_of(WHOLE, 0.7, 0),
        *trials_of(without_skip, 0.66, 2),
        *trials_of(without_bottleneck, 0.7, 4),
        *trials_of(OTHER, 0.5, 6),
    ]
    found = {one.slot: one for one in left_out(front_of(trials, OTHER).compared)}
    assert set(found) == {"skip.0", "bottleneck"}
    skip = found["skip.0"]
    assert skip.gain == pytest.approx(0.04)
    assert skip.low is not None
    assert skip.high is not None
    assert 0.02 < skip.low < 0.035 < 0.045 < skip.high < 0.06
    assert skip.comparison.p == pytest.approx(2 / 2**8 * 2)  # of two slots, by Holm
    assert skip.mechanisms == "se"
    assert skip.params == WHOLE.cost(1, 1, (32, 32)).params - without_skip.cost(1, 1, (32, 32)).params > 0
    assert found["bottleneck"].gain == pytest.approx(0)


def test_slots_of_several_networks_stand_each_below_its_own():
    emptied = [each_slot_empty(WHOLE)[0], *each_slot_empty(OTHER)]
    trials = [trial for n, one in enumerate((WHOLE, OTHER, *emptied)) for trial in trials_of(one, 0.7 - n / 100, 2 * n)]
    tables = left_out_tables(left_out(front_of(trials, emptied[1]).compared))
    assert sorted((str(table.title), table.row_count) for table in tables) == sorted(
        (f"in {one}, on test cases: Dice lost without", 1) for one in (WHOLE, OTHER)
    )


def test_each_filled_slot_is_empty_once():
    less = each_slot_empty(WHOLE)
    assert [[slot for slot, _ in one.attention] for one in less] == [["skip.0"], ["bottleneck"]]
    assert {(one.host, one.dims, one.options) for one in less} == {(WHOLE.host, WHOLE.dims, WHOLE.options)}


def test_where_nothing_was_left_out_there_is_nothing():
    assert left_out(front_of(trials_of(WHOLE, 0.7, 0), WHOLE).compared) == []
