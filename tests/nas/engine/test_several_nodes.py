"""A search on a real Ray cluster of several nodes, which come and go; all of them on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from ray.cluster_utils import Cluster as Nodes

import nas
from nas.engine.ray_cluster import Cluster
from nas.records.journal import Journal
from nas.records.trial import Trial
from tests.nas.sessions import Session
from tests.nas.small_task import small_config

ROOT = Path(__file__).parents[3]
MOST = 60  # trials: more than are done before every node has had one
# A trial takes longer than a worker takes to start: else Tune gives what waits for a new worker to an old one, each
# time anew, and a node that has come late is never used.
STEPS = 150


@pytest.fixture
def nodes(monkeypatch: pytest.MonkeyPatch) -> Iterator[Nodes]:
    """A cluster whose head has one core."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    started = Nodes(initialize_head=True, head_node_args={"num_cpus": 1})
    try:
        yield started
    finally:
        started.shutdown()


def wait_for_nodes(session: Session, journal: Path, count: int) -> list[Trial]:
    """Until trials of so many nodes are in the journal; those that are."""
    trials: list[Trial] = []
    while len({trial.metrics["node"] for trial in trials}) < count:
        session.wait_for_trials(journal, len(trials) + 1)
        trials = Journal(journal).read()
        assert {trial.error for trial in trials} == {None}
        assert len(trials) < MOST, "only some of the nodes work"
    return trials


@pytest.mark.slow
def test_a_node_that_goes_and_one_that_comes_lose_no_trial_and_none_runs_twice(
    nodes: Nodes, cluster: Cluster, small_task: Path, tmp_path: Path
) -> None:
    changes = {"plugins": [str(ROOT / "tests/nas/where.py")], "evaluator": "where", "strategy": {"name": "random"}}
    limits = {"limits": {"trials": MOST}, "finals": {"seeds": 0}, "resources": {}, "training": {"steps": STEPS}}
    (tmp_path / "two.yaml").write_text(yaml.safe_dump(small_config(small_task, **changes, **limits)))
    journal = tmp_path / "runs" / "two" / "journal.jsonl"
    leaving = nodes.add_node(num_cpus=1)
    session = Session(["search", "two.yaml", "--address", nodes.address], tmp_path)
    before = wait_for_nodes(session, journal, 2)
    nodes.remove_node(leaving, allow_graceful=False)
    nodes.add_node(num_cpus=1)
    trials = wait_for_nodes(session, journal, 3)
    assert trials[: len(before)] == before
    session.interrupt()
    code, out, err = session.end()
    assert (code, err) == (130, "stopped; go on with: nas search --resume --run two\n")
    # Ray may know of the worker before it knows of the node; then that is what is told.
    lost = [line for line in out.splitlines() if "tried once more" in line]
    assert len(lost) <= 1
    assert all("the worker died" in line for line in lost)
    trials = Journal(journal).read()
    numbers = {trial.number for trial in trials}
    assert len(set(range(max(numbers))) - numbers) <= 2  # those that were in flight
    more = [f"limits.trials={max(numbers) + 2}"]
    whole = nas.search(run="two", resume=True, settings=more, runs=tmp_path / "runs", cluster=cluster).journal
    assert whole[: len(trials)] == trials
    assert sorted(trial.number for trial in whole) == list(range(max(numbers) + 2))
    assert len({trial.architecture for trial in whole}) == len(whole)
    assert {trial.error for trial in whole} == {None}
