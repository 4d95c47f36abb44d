"""Grafting as an evaluator: it begins where the plain network ended, and repeats."""

from __future__ import annotations

import dataclasses

import pytest

from evaluators.evaluator import Assignment
from evaluators.grafted import GraftedEvaluator
from evaluators.preprocessing import PreparedTask, prepare
from evaluators.training import TrainingEvaluator
from search_spaces import Architecture, Placement
from search_spaces.errors import InputError
from tests.evaluators.evaluations import finish, state_at_rung
from tests.evaluators.made_tasks import disc_task

ATTENTIVE = Architecture.create(
    "unet", 2, {"depth": 2, "width": 4}, {"skip.0": Placement("se"), "block.decoder.0": Placement("sk")}
)


def discs() -> PreparedTask:
    return prepare(disc_task([(16, 16)], train=3, val=3))


@pytest.mark.parametrize("gate", ["opening", "learnt"])
def test_it_goes_on_from_a_rung_as_it_would_have_without_training_the_plain_network_again(gate: str):
    evaluator = GraftedEvaluator(base_steps=2, gate=gate)
    given = Assignment(ATTENTIVE, discs(), 4, 0, rungs=(2,))
    _, whole = finish(evaluator, given)
    state = state_at_rung(evaluator, given)
    other = GraftedEvaluator(base_steps=2, gate=gate)
    _, continued = finish(other, dataclasses.replace(given, state=state))
    assert continued.cases == whole.cases
    assert other.kept.seconds == 0


def test_the_plain_network_is_trained_once_for_all_candidates_of_a_host_and_left_as_it_was():
    evaluator, task = GraftedEvaluator(base_steps=3), discs()
    first = finish(evaluator, Assignment(ATTENTIVE, task, 3, 0))[1]
    spent = evaluator.kept.seconds
    again = finish(evaluator, Assignment(ATTENTIVE, task, 3, 0))[1]
    assert again.metrics == first.metrics
    assert evaluator.kept.seconds == spent > 0


def test_other_seeds_and_other_hosts_have_plain_networks_of_their_own():
    evaluator, task = GraftedEvaluator(base_steps=2), discs()
    finish(evaluator, Assignment(ATTENTIVE, task, 2, 0))
    for changed in (
        Assignment(ATTENTIVE, task, 2, 1),
        Assignment(Architecture.create("unet", 2, {"depth": 1, "width": 4}), task, 2, 0),
    ):
        spent = evaluator.kept.seconds
        finish(evaluator, changed)
        assert evaluator.kept.seconds > spent


def test_there_is_no_network_of_the_candidate_to_export():
    assert finish(GraftedEvaluator(base_steps=2), Assignment(ATTENTIVE, discs(), 2, 0))[1].network is None


def test_a_few_steps_after_a_trained_plain_network_beat_as_few_from_scratch():
    given, training = Assignment(ATTENTIVE, discs(), 20, 0), TrainingEvaluator(batch=4)
    grafted = finish(GraftedEvaluator(training, base_steps=60), given)[1].metrics["dice"]
    assert grafted > finish(training, given)[1].metrics["dice"]


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({"base_steps": -1}, r"evaluator\.base_steps: expected at least 0, got -1"),
        ({"gate": "openning"}, r"evaluator\.gate: unknown gate 'openning' \(did you mean 'opening'\?\)"),
        ({"open_by": 0}, r"evaluator\.open_by: expected a number above 0 and at most 1, got 0"),
        ({"gate_rate": 0}, r"evaluator\.gate_rate: expected more than 0, got 0"),
    ],
)
def test_a_setting_out_of_range_is_named(settings: dict[str, object], fault: str):
    with pytest.raises(InputError, match=fault):
        GraftedEvaluator(**settings)  # type: ignore[arg-type]
