"""A search on a disk that is full: it ends with a word, leaves nothing half written, and goes on when there is room."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import nas
from nas.engine.ray_cluster import Cluster
from nas.records.journal import Journal
from tests.nas.sessions import Session
from tests.nas.small_task import small_config


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB of its own."""
    place = tmp_path / "disk"
    place.mkdir()
    try:
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place], capture_output=True, check=False
        )
    except FileNotFoundError:
        pytest.skip("the system has no mount")
    if done.returncode:
        pytest.skip("file systems cannot be mounted here")
    try:
        yield place
    finally:
        subprocess.run(["umount", place], check=True)


@pytest.mark.slow
def test_a_search_whose_disk_is_full_ends_with_a_line_and_goes_on_when_there_is_room(
    cluster: Cluster, small_task: Path, small_disk: Path, tmp_path: Path
) -> None:
    config = small_config(small_task, limits={"trials": 2000}, evaluator="synthetic", finals={"seeds": 0})
    (tmp_path / "full.yaml").write_text(str(config).replace("'", '"'))
    code, _, err = Session(["search", "full.yaml", "--runs", "disk"], tmp_path).end()
    assert code == 1
    assert "No space left on device" in err
    assert len(err.splitlines()) == 1
    assert "Traceback" not in err
    folder = small_disk / "full"
    assert not list(folder.glob(".*"))
    before = Journal(folder / "journal.jsonl").read()
    assert before
    subprocess.run(["mount", "-o", "remount,size=10m", small_disk], check=True)
    more = [f"limits.trials={len(before) + 1}"]
    after = nas.search(run="full", resume=True, settings=more, runs=small_disk, cluster=cluster).journal
    assert after[: len(before)] == before
    assert len(after) == len(before) + 1
