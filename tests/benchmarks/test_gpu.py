"""The GPU kit runs on a CPU, also where packages are missing, and keeps to its time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


def kit(
    tmp_path: Path, *arguments: str, hidden: tuple[str, ...] = ()
) -> tuple[subprocess.CompletedProcess[str], dict[str, Any], str]:
    """The process of a run in which the hidden packages cannot be imported, its result and its page."""
    program = f"import sys; sys.modules.update(dict.fromkeys({hidden!r})); import gpu; gpu.main()"
    out, page = tmp_path / "gpu.json", tmp_path / "gpu.md"
    command = [sys.executable, "-c", program, *arguments, "--out", str(out), "--page", str(page)]
    paths = os.pathsep.join([str(ROOT / "benchmarks"), str(ROOT)])
    environment = os.environ | {"PYTHONPATH": paths, "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    return done, json.loads(out.read_text()) if out.exists() else {}, page.read_text() if page.exists() else ""


def test_a_missing_package_skips_its_part_and_no_other(tmp_path: Path) -> None:
    parts = ("mechanisms", "search", "prediction")
    done, result, page = kit(tmp_path, "--cpu", "--quick", "--only", *parts, hidden=("ray", "monai"))
    assert done.returncode == 0, done.stderr
    assert result["missing"][:1] == ["monai"]
    assert "ray" in result["missing"]
    assert json.loads(done.stdout.splitlines()[-1]) == result
    mechanisms, search, prediction = (result["parts"][part] for part in parts)
    assert [row["mechanism"] for row in mechanisms["rows"]] == ["attention_gate", "non_local", "simam"]
    for row in mechanisms["rows"]:
        assert row["ours"]["ms"] > 0
        assert row["ours"]["mib"] > 0
        assert row["straightforward"]["ms"] > 0
    assert search["skipped"] == "the package monai is missing"
    assert "Skipped: the package monai is missing." in page
    (row,) = prediction["rows"]
    assert row["seconds"] > 0
    assert row["windows_seen"] == row["windows"] > 1
    assert "| attention_gate | 417 |" in page


def test_what_there_is_no_time_for_is_left_out_and_said(tmp_path: Path) -> None:
    done, result, page = kit(
        tmp_path, "--cpu", "--quick", "--minutes", "0", "--only", "mechanisms", "prediction", hidden=("ray",)
    )
    assert done.returncode == 0, done.stderr
    assert not any(part["rows"] for part in result["parts"].values())
    assert "Left out for want of time: attention_gate at 1x8x6x6x6, non_local" in page
    assert "Left out for want of time: U-Net of depth 2 and width 4." in page


def test_no_gpu_is_said_in_one_line(tmp_path: Path) -> None:
    done, result, _ = kit(tmp_path, "--quick")
    assert done.returncode == 1
    assert done.stderr.splitlines() == ["expected a GPU, torch sees none here; --cpu runs without"]
    assert result == {}


@pytest.mark.slow
@pytest.mark.parametrize("hidden", [(), ("ray",)])
def test_every_part_runs_with_ray_and_without(tmp_path: Path, hidden: tuple[str, ...]) -> None:
    done, result, page = kit(tmp_path, "--cpu", "--quick", hidden=hidden)
    assert done.returncode == 0, done.stderr
    assert list(result["parts"]) == ["mechanisms", "sharing", "search", "prediction"]
    assert [row["trials"] for row in result["parts"]["sharing"]["rows"]] == [1, 2]
    assert all(row["steps_per_s"] > 0 for row in result["parts"]["sharing"]["rows"])
    search = result["parts"]["search"]
    assert search["trained"] == 2
    assert search["front"]
    assert search["task"] == "phantom3d"
    assert bool(search["without_search"]) == bool(hidden)
    assert ("There was no `nas search` (missing packages: ray)." in page) == bool(hidden)
