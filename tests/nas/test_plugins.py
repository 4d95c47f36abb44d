"""A strategy, an evaluator and a mechanism in a module beside the config, through a whole search."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import yaml

import nas
from nas.config.checks import check
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


@pytest.mark.slow  # test_references.py sends code beside a config to workers too
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


@pytest.mark.slow
def test_classes_by_dotted_path_serve_a_search_from_any_folder_and_its_resume(small_task, cluster, tmp_path):
    (tmp_path / "undecorated.py").write_text(MODULE.replace("@strategy", "#").replace("@evaluator", "#"))
    sections = {"strategy": {"name": "undecorated.Mine", "sparse": False}, "evaluator": "undecorated.Half"}
    limited = {"limits": {"trials": 2}, "finals": {"seeds": 0}}
    (tmp_path / "dotted.yaml").write_text(yaml.safe_dump(small_config(small_task, **sections, **limited)))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    code, out, err = Session(["search", tmp_path / "dotted.yaml"], elsewhere).end()
    assert (code, err) == (0, "")
    assert "search 1: Dice 0.5000" in out
    stored = yaml.safe_load((elsewhere / "runs" / "dotted" / "config.yaml").read_text())
    assert stored["plugins"] == [str(tmp_path / "undecorated.py")]
    assert stored["strategy"] == {"name": "undecorated.Mine", "sparse": False}
    runs = elsewhere / "runs"
    again = nas.search(run="dotted", resume=True, settings=["limits.trials=3"], runs=runs, cluster=cluster)
    assert len(again.journal) == 3


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("no_such_module.Mine", "plugin 'no_such_module': there is no module of that name in '"),
        ("some_classes.Mien", "unknown class of some_classes 'Mien' (did you mean 'Mine'?); expected one of: "),
        ("some_classes.SEED", "expected a class derived from nas.strategies.strategy.Strategy; got 3"),
        ("some_classes.Half", "expected a class derived from nas.strategies.strategy.Strategy; got <class"),
        ("some_classes.Lazy", "expected a class with all that nas.strategies.strategy.Strategy asks for; it lacks"),
        ("breaking.Mine", "plugin 'breaking' cannot be imported: ZeroDivisionError"),
        (".Mine", "plugin '': expected the name of a module, or a Python file"),
        ("a..b.Mine", "plugin 'a..b': expected the name of a module, or a Python file"),
        ("some_classes.", "unknown class of some_classes ''"),
    ],
)
def test_a_dotted_path_that_leads_to_no_strategy_is_one_line(small_task, tmp_path, monkeypatch, name, told):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    classes = MODULE.replace("@strategy", "#").replace("@evaluator", "#") + "\nSEED = 3\n"
    lazy = "\nfrom nas.strategies import Strategy\nclass Lazy(Strategy):\n    'Does nothing.'\n"
    (tmp_path / "some_classes.py").write_text(classes + lazy)
    (tmp_path / "breaking.py").write_text("1 / 0")
    with pytest.raises(InputError) as caught:
        check(small_config(small_task, strategy={"name": name, "anything": 3}), tmp_path)
    (fault,) = caught.value.faults
    assert fault.startswith(f"strategy '{name}': {told}")


def test_the_settings_of_a_class_by_dotted_path_are_checked(small_task, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    code = """
from nas.strategies.random import RandomSearch
class Wants(RandomSearch):
    def __init__(self, space, admits, seed, *, most, names=()):
        super().__init__(space, admits, seed)
"""
    (tmp_path / "wanting.py").write_text(code)

    def faults(**settings):
        with pytest.raises(InputError) as caught:
            check(small_config(small_task, strategy={"name": "wanting.Wants", **settings}), tmp_path)
        return caught.value.faults

    assert faults(names=[]) == ["strategy.most: strategy 'wanting.Wants' needs it"]
    assert faults(most=1, names="a") == ["strategy.names: expected a list of texts, got 'a'"]
    assert faults(most=1, names=["a", 3]) == ["strategy.names: expected a list of texts, got ['a', 3]"]
    check(small_config(small_task, strategy={"name": "wanting.Wants", "most": 1, "names": ["a"]}), tmp_path)


def test_an_evaluator_by_a_dotted_path_that_leads_nowhere_is_one_line(small_task, tmp_path):
    with pytest.raises(InputError) as caught:
        check(small_config(small_task, evaluator="evaluators.training.Evalutor"), tmp_path)
    (fault,) = caught.value.faults
    assert fault.startswith("evaluator 'evaluators.training.Evalutor': unknown class of evaluators.training 'Evalutor'")


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
