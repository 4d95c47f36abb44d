"""Evaluators that fail in every way a candidate can; the seed of an order says which."""

from __future__ import annotations

import math
import os
import signal
import time
from collections.abc import Generator
from pathlib import Path

import numpy as np

from evaluators.evaluator import Assignment, Diverged, Evaluation, Evaluator, Progress
from evaluators.memory import allowed_memory
from nas.engine import ray_worker

LEFT: list[bytes] = []  # what leaking trials leave behind
WAYS = (
    "good", "raises", "memory", "torch memory", "diverges", "nan", "no dice", "killed", "endless", "slow",
    "numpy", "case nan", "too good", "no evaluation", "text", "killed once", "hangs", "late",
    "short of memory once", "leaks",
)  # fmt: skip


class Broken(Evaluator):
    """Works or fails as ``WAYS[seed % 100]`` says; the score tells the process that worked, and when it began.

    ``folder``: where it remembers what has happened already.
    """

    def __init__(self, folder: Path = Path()) -> None:
        self.folder = folder

    def evaluate(self, assignment: Assignment) -> Generator[Progress, None, Evaluation]:
        yield Progress(1, assignment.steps, 0.5)
        metrics = {"dice": 0.5, "process": float(os.getpid()), "split": float(assignment.split == "test")}
        cases: dict[str, dict[str, float | None]] = {"case": {"disc": 0.5}}
        metrics["began"] = time.time()
        match WAYS[assignment.seed % 100]:
            case "raises":
                raise ValueError("the candidate\n  is   no good")
            case "memory":
                raise MemoryError("no room for 3 GB")
            case "torch memory":
                raise RuntimeError("[enforce fail] DefaultCPUAllocator: not enough memory: you tried to allocate 9 GB")
            case "diverges":
                raise Diverged("the loss was nan at step 10 of 20")
            case "nan":
                metrics["dice"] = math.nan
            case "no dice":
                del metrics["dice"]
            case "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            case "endless":
                for step in range(2, 10_000):
                    time.sleep(0.02)
                    yield Progress(step, assignment.steps, 0.5 / step)
            case "slow":
                time.sleep(1)
            case "numpy":
                metrics |= {"dice": np.float32(0.5), "split": np.int64(metrics["split"])}
                cases = {"case": {"disc": np.float64(0.5), "ring": None}}
            case "case nan":
                cases["case"]["disc"] = math.nan
            case "too good":
                metrics["dice"] = 50.0
            case "no evaluation":
                return None  # type: ignore[return-value]
            case "text":
                metrics["dice"] = "good"  # type: ignore[assignment]
            case "killed once":
                mark = self.folder / "killed"
                if not mark.exists():
                    mark.touch()
                    os.kill(os.getpid(), signal.SIGKILL)
                time.sleep(1)
            case "short of memory once":
                mark = self.folder / "short"
                if not mark.exists():
                    mark.touch()
                    raise MemoryError("no room for 3 GB beside others")
                time.sleep(1)
            case "leaks":
                ray_worker.LEAKED = 1e-3  # in that process: no machine's memory need be filled for a test
                LEFT.append(b"x" * (allowed_memory() // 500))
            case "hangs":
                time.sleep(1000)
            case "late":
                for step in range(2, 100):
                    time.sleep(0.6)
                    yield Progress(step, assignment.steps, 0.5)
        return Evaluation(metrics, cases)
