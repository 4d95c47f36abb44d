"""What the tests of the search share: one Ray for all of them, and one finished run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import nas
from nas.engine.ray_cluster import Cluster
from nas.run import Run
from tests.nas.small_task import small_config, write_small_task


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Ray on this machine: starting it takes seconds, so it is started once."""
    with Cluster() as started:
        yield started


@pytest.fixture(scope="session")
def small_task(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_task(tmp_path_factory.mktemp("task") / "discs")


@pytest.fixture(scope="session")
def finished(cluster: Cluster, small_task: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A real search that ended, with one worker; not to be changed by a test."""
    return nas.search(small_config(small_task), run="small", runs=tmp_path_factory.mktemp("runs"), cluster=cluster)
