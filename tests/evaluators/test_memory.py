"""Memory by the machine and by control groups."""

from __future__ import annotations

import mmap
import sys
from pathlib import Path

import pytest

from evaluators.memory import added_memory, allowed_memory, own_memory
from tests.evaluators.test_cores import machine

GIB = 2**30


@pytest.mark.parametrize(
    ("groups", "files", "least"),
    [
        ("0::/\n", {"": {"memory.max": "1048576\n"}}, 2**20),
        ("0::/job/step\n", {"job": {"memory.max": "2097152\n"}, "job/step": {"memory.max": "max\n"}}, 2**21),
        ("4:memory:/docker/x\n", {"memory": {"memory.limit_in_bytes": "3145728\n"}}, 3 * 2**20),
        ("4:memory:/\n", {"memory": {"memory.limit_in_bytes": str(2**63 - 4096)}}, None),  # version 1 for no bound
        ("0::/\n", {"": {"memory.max": "max\n"}}, None),
        ("2:cpu:/\n", {"": {"memory.max": "1\n"}}, None),
    ],
)
def test_limits_of_control_groups_count_in_both_versions(
    tmp_path: Path, groups: str, files: dict[str, dict[str, str]], least: int | None
) -> None:
    found = allowed_memory(machine(tmp_path, groups, files))
    assert found == (least or allowed_memory(tmp_path / "nowhere"))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the system has no /proc")
def test_what_a_process_holds_grows_by_what_it_keeps() -> None:
    size = 64 * 2**20
    before = own_memory()
    with mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE) as kept:  # no memory that was freed before and is used again
        kept.write(bytes(size))
        assert 48 * 2**20 < own_memory() - before < 192 * 2**20
    assert size < before < allowed_memory()


def test_where_nobody_says_it_holds_nothing(tmp_path: Path) -> None:
    assert own_memory(tmp_path) == 0


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the system has no /proc")
def test_what_work_takes_and_gives_back_is_seen() -> None:
    added = added_memory(lambda: b"x" * (64 * 2**20))
    if added is None:
        pytest.skip("the container forbids it")
    assert 60 * 2**20 < added < 128 * 2**20
    assert (added_memory(lambda: None) or 0) < 16 * 2**20
