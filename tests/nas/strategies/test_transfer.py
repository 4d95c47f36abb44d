"""What earlier runs found is begun with, kept with the run, and given up where it does not hold."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml

import nas
from nas.config.checks import check
from nas.engine.ray_cluster import Cluster
from nas.records.trial import Trial
from nas.strategies import History, Strategy
from nas.strategies.budget import Budget
from nas.strategies.model import Model
from nas.strategies.transfer import KEPT, Transfer
from nas.testing import made_up
from search_spaces.errors import InputError
from search_spaces.space.space_file import load_space
from tests.nas.small_task import small_config
from tests.nas.strategies.test_model import BOX, SPACE, found, params_of, search, worth

BUDGET = Budget(lambda _: True, params_of, BOX)
OTHER_HOST = load_space({"host": "nested", "options": {"depth": [2, 3]}, "mechanisms": ["se", "eca", "scse"]}, 2)


def best_of(strategy: Strategy, trials: int, seed: int) -> float:
    """What the tried networks are worth without noise."""
    rng = np.random.default_rng(seed)
    done: list[Trial] = []
    while len(done) < trials:
        one = strategy.suggest(History(done))
        assert one is not None
        done.append(made_up(len(done), one, worth(one) + rng.normal(0, 0.012)))
    return found([trial.architecture for trial in done])


def learning(histories: list[list[Trial]], seed: int) -> Transfer:
    strategy = Transfer(SPACE, BUDGET, seed)
    strategy.learn(histories)
    return strategy


def test_with_an_earlier_run_on_a_task_that_is_alike_it_finds_more_from_the_first_networks_with_attention():
    earlier = search("model", 60, 0.012, seed=7)
    with_it = np.mean([best_of(learning([earlier], seed), 10, seed) for seed in range(2)])
    without = np.mean([best_of(Model(SPACE, BUDGET, seed), 10, seed) for seed in range(2)])
    assert with_it > without


def test_without_sources_it_is_the_model():
    done = search("model", 9, 0.012)
    assert Transfer(SPACE, BUDGET, 0).suggest(History(done)) == Model(SPACE, BUDGET, 0).suggest(History(done))


def test_a_run_of_another_host_counts_as_far_as_features_are_shared():
    rng = np.random.default_rng(0)
    elsewhere = [made_up(at, OTHER_HOST.sample(rng, sparse=False), 0.5 + 0.01 * at) for at in range(20)]
    strategy = learning([elsewhere], 0)
    done = search("model", 8, 0.012)
    assert strategy.suggest(History(done)) in SPACE


# -- through the config and a run -------------------------------------------------------------------------


def transferring(task: Path, sources: object, **sections: object) -> dict[str, object]:
    short = {"evaluator": "synthetic", "limits": {"trials": 8}, "finals": {"seeds": 0}}
    return small_config(task, strategy={"name": "transfer", "sources": sources}, **short, **sections)


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory, small_task: Path, cluster: Cluster) -> nas.Run:
    """A run of 8 trials, in a folder of runs of its own."""
    config = transferring(small_task, [])
    return nas.search(config, run="earlier", runs=tmp_path_factory.mktemp("runs"), cluster=cluster)


def architectures(run: nas.Run) -> list[str]:
    return [str(trial.architecture) for trial in sorted(run.journal, key=lambda trial: trial.number)]


@pytest.mark.slow
def test_a_run_keeps_its_sources_and_goes_on_without_them_as_it_would_have(small_task, cluster, earlier, tmp_path):
    runs = tmp_path / "runs"
    shutil.copytree(earlier.folder, runs / "liver")
    config = transferring(small_task, ["liver", str(earlier.folder)])
    whole = nas.search(config, run="whole", runs=runs, cluster=cluster)
    assert sorted(path.name for path in (whole.folder / KEPT).iterdir()) == ["1-liver", "2-earlier"]
    assert (
        yaml.safe_load((whole.folder / "config.yaml").read_text())["strategy"]["sources"]
        == config["strategy"]["sources"]
    )
    halted = nas.search(config, settings=["limits.trials=6"], run="halted", runs=runs, cluster=cluster)
    shutil.rmtree(runs / "liver")
    again = nas.search(run="halted", resume=True, settings=["limits.trials=8"], runs=runs, cluster=cluster)
    assert architectures(again) == architectures(whole)
    assert halted.folder == again.folder


def test_sources_that_are_not_there_or_teach_nothing_are_a_line_each(small_task, earlier, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    shutil.copy(earlier.folder / "config.yaml", empty)
    with pytest.raises(InputError) as caught:
        check(transferring(small_task, ["livr", str(empty)]), tmp_path, runs=earlier.folder.parent)
    first, second = caught.value.faults
    assert first.startswith("strategy.sources: run 'livr' does not exist in '")
    assert first.endswith("it holds: earlier")
    assert second == f"strategy.sources: run '{empty}' has no completed trial to learn from"


@pytest.mark.parametrize("sources", ["liver", [3], {"liver": 1}])
def test_sources_are_a_list_of_names(small_task, tmp_path, sources):
    with pytest.raises(InputError) as caught:
        check(transferring(small_task, sources), tmp_path)
    (fault,) = caught.value.faults
    assert fault.startswith("strategy.sources: expected a list of texts, got ")
