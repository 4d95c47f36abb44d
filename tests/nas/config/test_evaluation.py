"""An evaluator with settings, and what trains the finals."""

from __future__ import annotations

import pytest
import yaml

from evaluators.estimate import Estimate
from evaluators.evaluator import EVALUATORS
from evaluators.grafted import GraftedEvaluator
from evaluators.supernet import SupernetEvaluator
from evaluators.synthetic import SyntheticEvaluator
from evaluators.training import TrainingEvaluator
from nas.config.config import Config, parse_config
from nas.config.evaluation import evaluators_of
from search_spaces import load_space

SPACE = load_space({"host": "unet", "mechanisms": ["se"]}, 2)


def config(text: str) -> Config:
    parsed = parse_config(yaml.safe_load(text))
    assert parsed.faults == []
    return parsed.config


@pytest.mark.parametrize("name", [name for name in EVALUATORS if issubclass(EVALUATORS[name], Estimate)])
def test_an_estimate_is_trained_as_the_config_says_and_its_finals_are_full_trainings(name: str):
    found = evaluators_of(config(f"{{evaluator: {name}, training: {{batch: 3}}, finals: {{mirror: true}}}}"), SPACE)
    search, final = found["search"], found["final"]
    assert isinstance(search, Estimate)
    assert search.training.batch == 3
    assert type(final) is TrainingEvaluator
    assert (final.batch, final.mirror, final.distances, search.training.mirror) == (3, True, True, False)


def test_settings_reach_the_evaluator_and_the_space_the_one_that_asks_for_it():
    grafted = evaluators_of(config("evaluator: {name: grafted, gate: learnt, base_steps: 7}"), SPACE)["search"]
    assert isinstance(grafted, GraftedEvaluator)
    assert (grafted.gate, grafted.base_steps) == ("learnt", 7)
    supernet = evaluators_of(config("evaluator: {name: supernet}"), SPACE)["search"]
    assert isinstance(supernet, SupernetEvaluator)
    assert supernet.space is SPACE


def test_what_is_no_estimate_scores_the_finals_too():
    found = evaluators_of(config("evaluator: {name: synthetic, seconds: 0.5}"), SPACE)
    assert found["search"] is found["final"]
    assert isinstance(found["search"], SyntheticEvaluator)
    assert found["search"].seconds == 0.5


def test_without_settings_the_name_alone_is_kept_so_that_older_runs_are_resumed():
    assert config("evaluator: {name: narrow}").evaluator == "narrow"
    assert config("evaluator: narrow").chosen_evaluator.name == "narrow"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("evaluator: {name: trian}", "unknown evaluator 'trian' (did you mean 'train'?)"),
        (
            "evaluator: {name: grafted, gat: learnt}",
            "unknown setting of evaluator 'grafted': 'gat' (did you mean 'gate'?)",
        ),
        ("evaluator: {name: narrow, fraction: half}", "evaluator.fraction: expected a number, got 'half'"),
        ("evaluator: {name: grafted, training: 3}", "unknown setting of evaluator 'grafted': 'training'"),
        (
            "evaluator: {name: train, batch: 3}",
            "evaluator.batch: 'train' has no settings here, section 'training' holds them",
        ),
    ],
)
def test_a_wrong_setting_is_one_line(text: str, fault: str):
    (found,) = parse_config(yaml.safe_load(text)).faults
    assert found.split(";")[0] == fault
