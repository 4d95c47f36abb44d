from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from evaluators.cores import allowed_cores

V1 = {"cpu.cfs_quota_us": "150000\n", "cpu.cfs_period_us": "100000\n"}
NONE = {"cpu.cfs_quota_us": "-1\n", "cpu.cfs_period_us": "100000\n"}


def machine(root: Path, groups: str, files: dict[str, dict[str, str]]) -> Path:
    """A root with a list of control groups and the files of some."""
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(groups)
    for folder, contents in files.items():
        (root / "sys/fs/cgroup" / folder).mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            (root / "sys/fs/cgroup" / folder / name).write_text(content)
    return root


@pytest.fixture
def eight(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)


@pytest.mark.parametrize(
    ("groups", "files", "cores"),
    [
        ("0::/\n", {"": {"cpu.max": "300000 100000\n"}}, 3),  # in a container
        ("0::/\n", {"": {"cpu.max": "max 100000\n"}}, 8),
        ("0::/job/step\n", {"job": {"cpu.max": "200000 100000\n"}, "job/step": {"cpu.max": "max 100000\n"}}, 2),
        ("0::/job/step\n", {"job": {"cpu.max": "400000 100000\n"}, "job/step": {"cpu.max": "100000 100000\n"}}, 1),
        ("0::/of/the/host\n", {"": {"cpu.max": "250000 100000\n"}}, 2),  # names of the host's
        ("0::/\n", {"": {"cpu.max": "50000 100000\n"}}, 1),
        ("0::/\n", {"": {"cpu.max": "3200000 100000\n"}}, 8),
        ("0::/\n", {"": {"cpu.max": ""}}, 8),
        ("2:cpu,cpuacct:/\n1:name=systemd:/\n", {"cpu": V1}, 1),
        ("2:cpuacct,cpu:/docker/x\n0::/\n", {"cpu/docker/x": NONE, "cpu": {**V1, "cpu.cfs_quota_us": "600000"}}, 6),
        ("3:memory:/\n0::/\n", {"cpu": V1}, 8),
    ],
)
def test_quotas_of_control_groups_count_in_both_versions(eight, tmp_path, groups, files, cores):
    assert allowed_cores(machine(tmp_path, groups, files)) == cores


def test_without_control_groups_the_cores_are_those_of_the_affinity(eight, tmp_path, monkeypatch):
    assert allowed_cores(tmp_path) == 8
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 5)
    assert allowed_cores(tmp_path) == 5


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system knows no affinity")
def test_a_process_that_is_held_to_one_core_may_use_one():
    code = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
    code += "from evaluators.cores import allowed_cores; print(allowed_cores())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=100)
    assert done.stdout.strip() == "1"
