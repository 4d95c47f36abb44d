"""What a search would decide for a task, and that a search does decide it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from evaluators.planning.rules import Decision
from nas.config.checks import Checked, admits, check
from nas.config.settling import DECIDED, settle, value_at, with_settled
from nas.engine.launch import prepare_checked, resolved, search
from nas.engine.planning import plan_task
from search_spaces.errors import InputError
from tests.nas.small_task import small_config, write_small_task


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_task(tmp_path_factory.mktemp("small"))


def silent(stage: str, done: int, total: int) -> None: ...


def checked_with(task: Path, **sections: Any) -> Checked:
    return check(small_config(task, **sections), Path())


def test_whatever_is_left_out_is_decided_and_written_into_the_run(task: Path, tmp_path: Path):
    config = small_config(task, training={}, finals={"seeds": 0}, evaluator="synthetic", limits={"trials": 2})
    run = search(config, runs=tmp_path)
    planned = {one.key: one.value for one in plan_task(str(task), ["task.classes.disc=255"], silent).decisions}
    for key in DECIDED:
        assert value_at(run.config, key) == planned[key] is not None, key
    assert {trial.steps for trial in run.journal} == {planned["training.steps"]}


def test_what_is_given_is_kept_and_said_to_be(task: Path):
    settings = ["task.classes.disc=255", "training.batch=3", "task.normalisation=nonzero", "limits.depth=4"]
    planned = {one.key: one for one in plan_task(str(task), settings, silent).decisions}
    assert (planned["training.batch"].value, planned["training.batch"].reason) == (3, "given")
    assert planned["task.normalisation"].given
    assert planned["limits.depth"].given
    assert not planned["training.steps"].given


def test_a_config_is_planned_as_its_search_would_be(task: Path, tmp_path: Path):
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(small_config(task)))
    planned = {one.key: one for one in plan_task(str(path), [], silent).decisions}
    assert planned["training.steps"].value == 12
    assert planned["training.steps"].given
    assert planned["limits.depth"].value == 3


@pytest.mark.slow
def test_a_run_goes_on_with_what_was_decided_at_its_start(task: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    few = {"training": {}, "finals": {"seeds": 0}, "evaluator": "synthetic"}
    run = search(small_config(task, **few, limits={"trials": 2}), run="mine", runs=tmp_path)
    monkeypatch.setattr("evaluators.planning.rules.STEPS", {2: 7, 3: 7})
    again = search(small_config(task, **few, limits={"trials": 3}), run="mine", runs=tmp_path, resume=True)
    assert len(again.journal) == 3
    assert {trial.steps for trial in again.journal} == {run.config["training"]["steps"]}


def test_nothing_deeper_than_the_patch_has_voxels_for_is_tried(task: Path):
    space = {"host": "unet", "options": {"depth": [2, 3, 4], "width": 4}, "mechanisms": ["se"]}
    checked, prepared = prepare_checked(checked_with(task, space=space))
    assert checked.config.limits.depth == 3
    depths = {
        dict(network.options)["depth"]
        for network in checked.space.plain_networks()
        if admits(checked, network, prepared.preprocessing.patch)
    }
    assert depths == {2, 3}


def test_a_space_of_deep_networks_alone_is_searched_all_the_same(task: Path):
    space = {"host": "unet", "options": {"depth": [4, 5], "width": 4}, "mechanisms": ["se"]}
    checked = settle(checked_with(task, space=space), [Decision("limits.depth", 3, "")])
    assert checked.config.limits.depth == 4


def test_a_limit_of_depth_that_leaves_nothing_is_refused(task: Path):
    with pytest.raises(InputError, match=r"limits\.depth: expected at least 2, the fewest of the space; got 1"):
        checked_with(task, limits={"depth": 1})


def test_the_values_of_a_run_fill_what_is_left_out_and_nothing_else(task: Path):
    stored = resolved(settle(checked_with(task), [Decision("limits.depth", 3, "")]), None)
    data = with_settled({"training": {"batch": 9, "steps": None}}, stored)
    assert data["training"]["batch"] == 9
    assert data["training"]["steps"] == 12
    assert data["limits"] == {"depth": 3}
    assert "loss" not in data["training"]  # the run has none
    assert with_settled({"training": 3}, stored)["training"] == 3
