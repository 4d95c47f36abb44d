"""Several tasks searched one after the other."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from nas.engine.ray_cluster import Cluster
from nas.suite.running import existing_runs, run_suite
from nas.suite.suite_file import read_suite
from search_spaces.errors import InputError
from tests.nas.small_task import small_config, write_small_task


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """Two tasks beside the file, searched without training."""
    for name in ("first", "second"):
        write_small_task(tmp_path / name)
    shared = small_config(tmp_path, evaluator="synthetic", finals={"seeds": 0}, limits={"trials": 3})
    section = shared.pop("task")
    assert isinstance(section, dict)
    tasks = {name: {**section, "path": name} for name in ("first", "second")}
    (tmp_path / "two.yaml").write_text(yaml.safe_dump({"tasks": tasks, **shared}))
    return tmp_path / "two.yaml"


def test_every_task_is_searched_beginning_with_the_ones_before(suite: Path, tmp_path: Path, cluster: Cluster):
    runs = tmp_path / "runs"
    done = run_suite(read_suite(suite), runs=runs, cluster=cluster)
    assert {name: run.name for name, run in done.items()} == {"first": "two-first", "second": "two-second"}
    assert done["second"].config["strategy"] == {"name": "transfer", "sources": ["two-first"]}
    assert [len(run.journal) for run in done.values()] == [3, 3]
    shutil.rmtree(tmp_path / "first")  # the data
    shutil.rmtree(runs / "two-second")
    there = existing_runs(read_suite(suite), runs)
    assert {name: len(run.search_front.points) for name, run in there.items()} == {
        "first": len(done["first"].front.points)
    }


def test_a_suite_without_a_run_has_nothing_to_show(suite: Path, tmp_path: Path):
    with pytest.raises(InputError, match=r"a run of at least one task in '.*' \(two-first, two-second\); got none"):
        existing_runs(read_suite(suite), tmp_path)


@pytest.mark.slow
def test_the_same_suite_again_goes_on(suite: Path, tmp_path: Path, cluster: Cluster):
    runs = tmp_path / "runs"
    run_suite(read_suite(suite), runs=runs, cluster=cluster)
    again = run_suite(read_suite(suite), settings=["limits.trials=4"], runs=runs, cluster=cluster)
    assert [len(run.journal) for run in again.values()] == [4, 4]


def test_what_is_wrong_with_a_later_task_is_said_before_the_first_search(suite: Path, tmp_path: Path):
    data = yaml.safe_load(suite.read_text())
    data["tasks"]["third"] = {"path": "nowhere"}
    suite.write_text(yaml.safe_dump(data))
    with pytest.raises(InputError, match=r"tasks\.third: task 'nowhere'"):
        run_suite(read_suite(suite), runs=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()
