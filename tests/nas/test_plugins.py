"""A strategy, an evaluator and a mechanism in a module beside the config, through a whole search."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import yaml

import nas
from nas.engine.ray_cluster import Cluster
from search_spaces.errors import InputError
from search_spaces.plugins import import_plugins
from tests.nas.sessions import Session
from tests.nas.small_task import small_config

MODULE = """
import numpy as np
from torch import Tensor, nn
from evaluators.evaluator import Evaluation, Evaluator, Progress, evaluator
from nas.strategies.random import RandomSearch
from nas.strategies.strategy import strategy

@strategy("my_strategy")
class Mine(RandomSearch):
    "My own."

@evaluator("my_evaluator")
class Half(Evaluator):
    "Half of all."

    def evaluate(self, assignment):
        yield Progress(1, 1, 0.0)
        return Evaluation({"dice": np.float32(0.5)}, {case.name: {"disc": 0.5} for case in assignment.task.val})
"""


@pytest.fixture
def config(small_task: Path, tmp_path: Path) -> Path:
    (tmp_path / "my_plugin.py").write_text(MODULE)
    sections = {
        "plugins": ["my_plugin"],
        "strategy": {"name": "my_strategy"},
        "evaluator": "my_evaluator",
        "limits": {"trials": 2},
        "finals": {"seeds": 0},
    }
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(small_config(small_task, **sections)))
    return path


def test_a_module_beside_the_config_serves_a_search_from_any_folder_and_its_resume(config, cluster, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    code, out, err = Session(["search", config], elsewhere).end()
    assert (code, err) == (0, "")
    assert "search 1: Dice 0.5000" in out
    stored = yaml.safe_load((elsewhere / "runs" / "mine" / "config.yaml").read_text())
    assert stored["plugins"] == [str(tmp_path / "my_plugin.py")]
    again = nas.search(run="mine", resume=True, settings=["limits.trials=3"], runs=elsewhere / "runs", cluster=cluster)
    assert len(again.journal) == 3


def test_a_module_that_is_not_there_or_broken_is_one_line_each(cluster: Cluster, small_task, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken_plugin.py").write_text("1 / 0")
    (tmp_path / "lacking_plugin.py").write_text("import surely_not_installed")
    names = ["no_such_plugin", "no.such.plugin", "broken_plugin", "lacking_plugin", "away/missing_plugin.py"]
    config = small_config(small_task, plugins=names, training={"steps": 0})
    with pytest.raises(InputError) as caught:
        nas.search(config, runs=tmp_path / "runs", cluster=cluster)
    faults = caught.value.faults
    assert len(faults) == len(names) + 1  # and the steps
    assert faults[0].startswith("plugin 'no_such_plugin': there is no module of that name in '")
    assert faults[2] == "plugin 'broken_plugin' cannot be imported: ZeroDivisionError: division by zero"
    assert "No module named 'surely_not_installed'" in faults[3]
    assert not (tmp_path / "runs").exists()


def test_plugins_are_names(cluster: Cluster, small_task):
    for value in ("my_plugin", [3], {"a": "b"}):
        with pytest.raises(InputError, match="^plugins"):
            nas.search(small_config(small_task, plugins=value), cluster=cluster)


def test_a_package_is_imported_by_its_dotted_name(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "my_package").mkdir()
    (tmp_path / "my_package" / "inner.py").write_text("there = True")
    assert import_plugins(["my_package.inner"], tmp_path) == ["my_package.inner"]
