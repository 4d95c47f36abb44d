"""Evaluators that fail in every way a candidate can; the seed of an order says which."""

from __future__ import annotations

import math
import os
import signal
import time
from collections.abc import Generator

from evaluators.evaluator import Assignment, Diverged, Evaluation, Evaluator, Progress

WAYS = ("good", "raises", "memory", "torch memory", "diverges", "nan", "no dice", "killed", "endless", "slow")


class Broken(Evaluator):
    """Works or fails as ``WAYS[seed % 100]`` says; the score tells the process that worked."""

    def evaluate(self, assignment: Assignment) -> Generator[Progress, None, Evaluation]:
        yield Progress(1, assignment.steps, 0.5)
        metrics = {"dice": 0.5, "process": float(os.getpid()), "split": float(assignment.split == "test")}
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
        return Evaluation(metrics, {"case": {"disc": 0.5}})
