"""A search whose trials are estimates ends with finals that are trained."""

from __future__ import annotations

from pathlib import Path

import pytest

import nas
from nas.engine.ray_cluster import Cluster
from tests.nas.small_task import small_config

SHORT = {"narrow": {}, "grafted": {"base_steps": 6}, "supernet": {"shared_steps": 60, "empty": 0.2}}


@pytest.mark.slow
@pytest.mark.parametrize("name", SHORT)
def test_a_search_with_an_estimate_trains_its_finals(name: str, cluster: Cluster, small_task: Path, tmp_path: Path):
    space = {"host": "unet", "options": {"depth": 2, "width": 4}, "mechanisms": {"se": {"reduction": 4}, "eca": {}}}
    config = small_config(
        small_task,
        evaluator={"name": name, **SHORT[name]},
        space={**space, "slots": ["skip.*"]},
        limits={"trials": 4},
        finals={"steps": 8, "seeds": 1, "candidates": 2},
    )
    run = nas.search(config, run=name, runs=tmp_path, cluster=cluster)
    trials = run.journal
    assert [trial.error for trial in trials if trial.error] == []
    assert {trial.steps for trial in trials if trial.phase == "final"} == {8}
    assert all("hd95" in trial.metrics for trial in trials if trial.phase == "final")
    assert not any("hd95" in trial.metrics for trial in trials if trial.phase == "search")
    again = nas.search(run=name, resume=True, settings=["limits.trials=5"], runs=tmp_path, cluster=cluster)
    assert len([trial for trial in again.journal if trial.phase == "search"]) == 5
