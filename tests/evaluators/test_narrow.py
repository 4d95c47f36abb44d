"""A narrow candidate is the candidate with fewer channels."""

from __future__ import annotations

import dataclasses

import pytest

from evaluators.evaluator import Assignment
from evaluators.narrow import NARROWEST, NarrowEvaluator, narrowed
from evaluators.preprocessing import prepare
from evaluators.training import TrainingEvaluator
from search_spaces import HOSTS, Architecture, Placement
from search_spaces.errors import InputError
from tests.evaluators.evaluations import finish, state_at_rung
from tests.evaluators.made_tasks import disc_task
from tests.search_spaces.tiny import options

WIDE = Architecture.create("unet", 2, {"depth": 2, "width": 8}, {"skip.0": Placement("se")})


def test_only_the_width_changes():
    narrow = narrowed(WIDE, 0.5)
    assert narrow == Architecture.create("unet", 2, {"depth": 2, "width": 4}, {"skip.0": Placement("se")})


def test_the_whole_width_is_the_candidate_and_none_is_narrower_than_the_narrowest():
    assert narrowed(WIDE, 1.0) == WIDE
    assert dict(narrowed(WIDE, 0.01).options)["width"] == NARROWEST
    single = Architecture.create("unet", 2, {"depth": 2, "width": 1})
    assert narrowed(single, 0.5) == single


@pytest.mark.parametrize("host", HOSTS)
def test_every_host_has_a_narrow_form_that_is_built(host: str):
    wide = Architecture.create(host, 2, {**options(host), "width": 8})
    narrow = narrowed(wide, 0.5).build(1, 1)
    count, full = (sum(p.numel() for p in network.parameters()) for network in (narrow, wide.build(1, 1)))
    assert count < full


def test_it_scores_as_the_narrow_network_does_and_gives_no_network():
    task = prepare(disc_task([(16, 16)], train=3, val=3))
    _, found = finish(NarrowEvaluator(), Assignment(WIDE, task, 3, 0))
    _, wanted = finish(TrainingEvaluator(), Assignment(narrowed(WIDE, 0.5), task, 3, 0))
    assert found.metrics == wanted.metrics
    assert found.network is None


def test_it_goes_on_from_a_rung():
    given = Assignment(WIDE, prepare(disc_task([(16, 16)], train=3, val=3)), 4, 0, rungs=(2,))
    _, whole = finish(NarrowEvaluator(), given)
    state = state_at_rung(NarrowEvaluator(), given)
    _, continued = finish(NarrowEvaluator(), dataclasses.replace(given, state=state))
    assert continued.cases == whole.cases


@pytest.mark.parametrize("fraction", [0, -1, 1.5])
def test_a_fraction_out_of_range_is_named(fraction: float):
    with pytest.raises(InputError, match=r"evaluator\.fraction: expected a number above 0 and at most 1"):
        NarrowEvaluator(fraction=fraction)
