"""A search whose process is killed again and again ends as one that nothing disturbed."""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path

import pytest
import yaml

import nas
from nas.engine.ray_cluster import Cluster
from nas.records.journal import Journal
from nas.records.trial import Trial
from tests.nas.sessions import Session
from tests.nas.small_task import small_config

KILLS = 10
TRIALS = 2 * KILLS + 4
WHERE = Path(__file__).parents[1] / "where.py"


def scores(trials: list[Trial]) -> list[tuple[str, int, str, float | None]]:
    return sorted((trial.phase, trial.number, trial.architecture.key, trial.dice) for trial in trials)


@pytest.fixture
def config(small_task: Path, tmp_path: Path) -> Path:
    changes = {"limits": {"trials": TRIALS}, "finals": {"seeds": 1, "steps": 5, "candidates": 2}}
    data = small_config(small_task, plugins=[str(WHERE)], evaluator="where", training={"steps": 5}, **changes)
    path = tmp_path / "killed.yaml"
    path.write_text(yaml.safe_dump(data))
    return path


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks for processes in /proc")
@pytest.mark.parametrize("pause", [0.05, 0.5])
def test_ctrl_c_twice_ends_a_search_that_is_ending_and_leaves_nothing_half_done(
    config: Path, tmp_path: Path, pause: float
) -> None:
    folder = tmp_path / "runs" / "killed"
    session = Session(["search", config.name], tmp_path)
    session.wait_for_trials(folder / "journal.jsonl", 2)
    session.interrupt()
    time.sleep(pause)
    session.interrupt()
    code, _, err = session.end()
    assert (code, err.splitlines()[-1:]) == (130, ["stopped; go on with: nas search --resume --run killed"])
    assert "Traceback" not in err
    assert session.left_behind(tolerated="Agent") == []
    assert len(Journal(folder / "journal.jsonl").read()) >= 2
    assert not list(folder.glob(".*"))


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="ends processes as Linux does")
def test_a_search_killed_at_ten_moments_tries_what_an_unbroken_one_does_and_nothing_twice(
    config: Path, cluster: Cluster, tmp_path: Path
) -> None:
    moments = random.Random(0)
    journal = tmp_path / "runs" / "killed" / "journal.jsonl"
    before: list[Trial] = []
    for kill in range(KILLS):
        session = Session(["search", config.name] if kill == 0 else ["search", "--resume", "--run", "killed"], tmp_path)
        session.wait_for_trials(journal, len(before) + 1 + kill % 2)
        time.sleep(moments.uniform(0, 0.6))  # trials take half a second: at any point of one
        session.kill()
        session.end()
        if kill == KILLS // 2:  # and a machine that stopped in the middle of a line
            journal.write_bytes(journal.read_bytes() + b'{"number": 99, "phase": "sea')
        after = Journal(journal).read()
        assert after[: len(before)] == before
        before = after
    assert len(before) < TRIALS, "it had ended before the last kill"
    code, _, err = Session(["search", "--resume", "--run", "killed"], tmp_path).end()
    assert (code, err) == (0, "")
    whole = nas.search(config, run="unbroken", runs=tmp_path / "runs", cluster=cluster).journal
    assert scores(Journal(journal).read()) == scores(whole)
    assert len(whole) >= TRIALS + 1
