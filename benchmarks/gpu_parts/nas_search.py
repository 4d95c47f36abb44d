"""``nas search`` in a process of its own, ended in time; what it had found by then counts."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gpu_parts.setting import Setting, left
from nas.run import Run, load_run

ROOT = Path(__file__).parents[2]
HIPPOCAMPUS = ROOT / "runs" / "examples" / "hippocampus.yaml"
OF_SEARCH = 0.4  # share of the time, the finals have the rest
ENDING = 20.0  # seconds in which a search ends that is told to
NAME = "gpu"


class NoSearchError(Exception):
    """It ended without a front, as where Ray does not start; the message is the last thing it said."""


def search(setting: Setting, task: str, until: float) -> Iterator[dict[str, Any]]:
    """Yields once, at the end: the front of the finals, or where there is none that of the search.

    Raises ``NoSearchError`` where there is neither.
    """
    command = [sys.executable, "-m", "nas", "search", *([str(HIPPOCAMPUS)] if task == "hippocampus" else [])]
    for key, value in _settings(setting, task, left(until)).items():
        command += ["--set", f"{key}={value}"]
    paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with log.open("w") as out:
            process = subprocess.Popen(
                [*command, "--runs", folder, "--run", NAME],
                stdout=out,
                stderr=subprocess.STDOUT,
                env=os.environ | {"PYTHONPATH": paths},
            )
            ended = _end_in_time(process, left(until) - ENDING)
        found = _found(load_run(NAME, folder)) if (Path(folder) / NAME / "config.yaml").exists() else {}
        if not found.get("front"):
            raise NoSearchError((log.read_text().splitlines() or [ended])[-1].rstrip("."))
        yield found | {"ended": ended}


def _settings(setting: Setting, task: str, seconds: float) -> dict[str, Any]:
    """Changes to the shipped config of the hippocampus, or to the tool's default."""
    settings: dict[str, Any] = {
        "task.path": setting.data.absolute() if task == "hippocampus" else task,
        "limits.time": f"{max(OF_SEARCH * seconds, 1):.0f}s",
        "limits.trials": 60,
        "limits.macs": "2G",
        "training.steps": 300,
        "training.batch": 2,
        "finals.steps": 900,
        "finals.seeds": 1,
        "finals.candidates": 3,
        "resources.gpus_per_trial": "auto" if setting.on_gpu else 0,
    }
    if setting.quick:
        settings |= {"limits.trials": 2, "training.steps": 3, "finals.seeds": 0, "task.size": "[16, 16, 16]"}
    return settings


def _end_in_time(process: subprocess.Popen[bytes], seconds: float) -> str:
    """Wait; after ``seconds`` tell it to end. Says why it ended, where that was not by itself."""
    try:
        code = process.wait(max(seconds, 1))
        return f"nas search gave exit code {code}" if code else ""
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGTERM)  # the tool keeps what it has, and ends its Ray
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(ENDING)
        return "its time was up"
    process.kill()
    process.wait()
    return "its time was up, and it had to be killed"


def _found(run: Run) -> dict[str, Any]:
    completed = [trial for trial in run.journal if trial.status == "completed"]
    return {
        "trained": len(completed),
        "failed_trials": [f"{trial.architecture}: {trial.error}" for trial in run.journal if trial.status == "failed"],
        "scored_on": "test cases, retrained" if run.final_front else "validation cases",
        "front": [
            {
                "network": str(point.architecture),
                "params": point.cost.params,
                **{name: round(getattr(point, name), 4) for name in ("dice", "low", "high")},
            }
            for point in run.front.points
        ],
    }
