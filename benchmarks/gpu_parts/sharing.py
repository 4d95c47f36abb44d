"""Training steps a second when several trials share a GPU: processes of the tool's own training, without Ray.

Each process trains the same small 3D network on the same phantoms, as trials of a search do. They begin together once
all have warmed up, and those steps count that are done while all of them train.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.synchronize import Barrier
from threading import BrokenBarrierError
from typing import Any, NamedTuple

import torch
from measuring.gpu_usage import GpuUsage

from evaluators.evaluator import Assignment
from evaluators.preprocessing import PreparedTask, prepare
from evaluators.tasks import open_task
from evaluators.training import TrainingEvaluator
from gpu_parts.markdown import memory, number, table
from gpu_parts.setting import Setting, left
from search_spaces.architecture.architecture import Architecture

COUNTS, SECONDS = (1, 2, 4, 8), 8.0
QUICK_COUNTS, QUICK_SECONDS = (1, 2), 0.5
NETWORK, QUICK_NETWORK = {"depth": 3, "width": 8}, {"depth": 2, "width": 4}
BATCH = 2
PATCH, QUICK_PATCH = (32, 32, 32), (16, 16, 16)
CASES = {"train": 12, "val": 1, "test": 1}
STEPS = 50_000  # more than there is time for
PATIENCE = 300.0  # seconds in which all processes must have warmed up


class Trained(NamedTuple):
    """Of one process: moments of ``time.monotonic``, steps between them, and the most bytes of its GPU."""

    begin: float
    end: float
    steps: int
    peak: int | None


def measure(setting: Setting, until: float) -> Iterator[dict[str, Any]]:
    """One number of trials after another."""
    patch, options = (QUICK_PATCH, QUICK_NETWORK) if setting.quick else (PATCH, NETWORK)
    counts, seconds = (QUICK_COUNTS, QUICK_SECONDS) if setting.quick else (COUNTS, SECONDS)
    task = prepare(open_task("phantom3d", counts=CASES, size=patch), patch=patch)
    network = Architecture.create("unet", 3, options)
    found: dict[str, Any] = {
        "network": str(network),
        "patch": list(patch),
        "batch": BATCH,
        "seconds": seconds,
        "rows": [],
        "left_out": [],
    }
    took = seconds
    for done, count in enumerate(counts):
        if left(until) < took:  # as long as the last ones, which were fewer
            found["left_out"] = [f"{other} trials" for other in counts[done:]]
            break
        began = time.monotonic()
        found["rows"].append(_together(count, network, task, setting.device, seconds))
        took = time.monotonic() - began
        yield found
    yield found


def page(found: Mapping[str, Any]) -> str:
    alone = found["rows"][0].get("steps_per_s") if found["rows"] else None
    rows = [
        [
            str(row["trials"]),
            number(row["steps_per_s"]),
            number(row["steps_per_s"] and alone and row["steps_per_s"] / alone),
            number(row["percent"]),
            memory(row["added_bytes"]),
            memory(row["peak_bytes"]),
        ]
        for row in found["rows"]
    ]
    patch = " x ".join(map(str, found["patch"]))
    what = f"`{found['network']}`, {found['batch']} patches of {patch} a step, for {found['seconds']:g} s"
    lines = [f"Trials that train at the same time, each in a process of its own: {what}."]
    columns = ("trials", "steps/s together", "times one", "GPU busy %", "memory of the GPU", "tensors of a trial")
    lines.append(table(columns, rows))
    failed = [f"{row['trials']} trials: {row['failed']}" for row in found["rows"] if "failed" in row]
    unknown = dict.fromkeys(row["unknown"] for row in found["rows"] if row.get("unknown"))
    lines += [f"Failed: {line}." for line in failed] + [f"How busy it was is not known: {line}." for line in unknown]
    return "\n\n".join(lines)


def _together(
    count: int, network: Architecture, task: PreparedTask, device: torch.device, seconds: float
) -> dict[str, Any]:
    """So many processes at once."""
    row: dict[str, Any] = {"trials": count, **dict.fromkeys(("steps_per_s", "percent", "added_bytes", "peak_bytes"))}
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(count)
    with GpuUsage(device) as usage, ProcessPoolExecutor(count, context, _hold, (barrier,)) as pool:
        futures = [pool.submit(_train, network, task, device.type, seconds, seed) for seed in range(count)]
        errors = [error for error in (future.exception() for future in futures) if error is not None]
    if errors:
        telling = (error for error in errors if not isinstance(error, BrokenBarrierError))  # of who waited in vain
        error = next(telling, errors[0])
        if isinstance(error, ModuleNotFoundError):
            raise error
        return row | {"failed": (str(error).splitlines() or [type(error).__name__])[0]}
    trained = [future.result() for future in futures]
    begin, end = max(one.begin for one in trained), min(one.end for one in trained)
    peaks = [one.peak for one in trained if one.peak is not None]
    return row | {
        "steps_per_s": round(sum(one.steps / (one.end - one.begin) for one in trained), 2),
        "percent": usage.percent(begin, end),
        "unknown": usage.unknown,
        "added_bytes": usage.added_bytes(begin, end),
        "peak_bytes": max(peaks, default=None),
    }


_barrier: Barrier  # of this process, where it is one that trains


def _hold(barrier: Barrier) -> None:
    global _barrier
    _barrier = barrier


def _train(network: Architecture, task: PreparedTask, device: str, seconds: float, seed: int) -> Trained:
    """Warm up for some seconds, wait for the others, train."""
    try:
        torch.set_num_threads(1)
        layout = task.preprocessing
        module = network.build(layout.channels, len(layout.classes), seed).to(device)
        work = TrainingEvaluator(batch=BATCH).train(module, Assignment(network, task, STEPS, seed))
        next(work)  # the first steps choose kernels and lay out memory
        first = next(work)
        _barrier.wait(PATIENCE)
    except BaseException:
        _barrier.abort()  # nobody waits for this one
        raise
    begin = end = time.monotonic()
    steps = 0
    for progress in work:
        end, steps = time.monotonic(), progress.step - first.step
        if end - begin >= seconds:
            break
    return Trained(begin, end, steps, torch.cuda.max_memory_allocated() if device == "cuda" else None)
