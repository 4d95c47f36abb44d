"""A search on a real Ray cluster of several nodes, which come and go; all of them on this machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from ray.cluster_utils import Cluster as Nodes

from nas.records.journal import Journal
from tests.nas.sessions import Session
from tests.nas.small_task import small_config

ROOT = Path(__file__).parents[3]
TRIALS = 64  # enough that a worker starts on the new node before they are over
# A node that is gone is noticed within seconds, as on a network where its connections break.
ALERT = {"health_check_period_ms": 500, "health_check_failure_threshold": 4, "health_check_initial_delay_ms": 500}


@pytest.fixture
def nodes(monkeypatch: pytest.MonkeyPatch) -> Iterator[Nodes]:
    """A cluster whose head has one core."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    started = Nodes(initialize_head=True, head_node_args={"num_cpus": 1, "_system_config": ALERT})
    try:
        yield started
    finally:
        started.shutdown()


@pytest.mark.slow
def test_a_node_that_goes_and_one_that_comes_lose_no_trial_and_none_runs_twice(
    nodes: Nodes, small_task: Path, tmp_path: Path
) -> None:
    changes = {"plugins": [str(ROOT / "tests/nas/where.py")], "evaluator": "where", "strategy": {"name": "random"}}
    limits = {"limits": {"trials": TRIALS}, "finals": {"seeds": 0}, "resources": {}}
    (tmp_path / "two.yaml").write_text(yaml.safe_dump(small_config(small_task, **changes, **limits)))
    journal = tmp_path / "runs" / "two" / "journal.jsonl"
    leaving = nodes.add_node(num_cpus=1)
    session = Session(["search", "two.yaml", "--address", nodes.address], tmp_path)
    session.wait_for_lines(journal, 6)
    nodes.remove_node(leaving, allow_graceful=False)
    before = Journal(journal).read()
    session.wait_for_lines(journal, len(before) + 2)
    nodes.add_node(num_cpus=1)
    code, out, err = session.end()
    assert (code, "Traceback" in err) == (0, False), err
    trials = Journal(journal).read()
    assert trials[: len(before)] == before
    assert sorted(trial.number for trial in trials) == list(range(TRIALS))
    assert len({trial.architecture for trial in trials}) == TRIALS
    assert {trial.status for trial in trials} == {"completed"}
    assert [len({trial.metrics["node"] for trial in some}) for some in (before, trials)] == [2, 3]
    lost = out.count("it is tried once more")
    assert out.count("the worker died: its machine was lost; it is tried once more\n") == lost <= 1
    assert json.loads((journal.parent / "front.json").read_text())["summary"]["trials"] == TRIALS
