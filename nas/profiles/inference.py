"""Measuring what predicting with a network takes: time and memory of one patch, on a machine that is quiet.

Weights do not matter for either, so the network is built anew. The CPU's figures are of one thread: a patch is one
thread's work in every prediction of this tool (``evaluators/threads.py``).
"""

from __future__ import annotations

import platform
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from evaluators.inference import predict_label
from evaluators.memory import added_memory
from evaluators.preprocessing import Preprocessing
from nas.records.inference_cost import InferenceCost
from search_spaces.architecture.architecture import Architecture

WARM_UP = 2  # runs that do not count: kernels are chosen and memory is laid out
RUNS = 15  # that count
SECONDS = 3.0  # after which no further run begins,
FEWEST = 3  # but for so many


def measure_inference(
    architecture: Architecture, layout: Preprocessing, *, mirror: Sequence[int] = (), gpu: bool = False
) -> InferenceCost:
    """Predict one patch of noise several times.

    Args:
        architecture: of the network.
        layout: its preprocessing.
        mirror: axes along whose mirrorings predictions are averaged.
        gpu: also measure on the GPU.
    """
    network = architecture.build(layout.channels, len(layout.classes)).eval()
    image = np.random.default_rng(0).standard_normal((layout.channels, *layout.box), np.float32)

    def predict_on(device: str) -> Callable[[], object]:
        return lambda: predict_label(network, image, layout, layout.box, mirror=mirror, device=device, threads=1)

    on_cpu = predict_on("cpu")
    milliseconds = _median_ms(on_cpu)
    added = added_memory(on_cpu)
    cost = InferenceCost(
        layout.patch,
        tuple(mirror),
        _processor(),
        1,
        milliseconds,
        None if added is None else added + _weight_bytes(network),
    )
    if not gpu:
        return cost
    before = torch.cuda.memory_allocated()
    network.cuda()
    on_gpu = predict_on("cuda")
    milliseconds = _median_ms(on_gpu)
    torch.cuda.reset_peak_memory_stats()
    on_gpu()
    taken = torch.cuda.max_memory_allocated() - before
    return replace(cost, gpu=torch.cuda.get_device_name(), gpu_ms=milliseconds, gpu_bytes=taken)


def measure_all(
    architectures: Sequence[Architecture], layout: Preprocessing, mirror: Sequence[int], gpu: bool
) -> tuple[dict[str, InferenceCost], list[str]]:
    """Each by its key, one after another, and a line for each that could not be measured."""
    found: dict[str, InferenceCost] = {}
    faults: list[str] = []
    for architecture in architectures:
        try:
            found[architecture.key] = measure_inference(architecture, layout, mirror=mirror, gpu=gpu)
        except (RuntimeError, MemoryError, FloatingPointError) as error:  # too large for the machine, for instance
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            faults.append(f"a prediction with {architecture} could not be measured: {reason}")
    return found, faults


def _median_ms(work: Callable[[], object]) -> float:
    """Of several runs after some that do not count; three significant digits, as more would not repeat."""
    for _ in range(WARM_UP):
        work()
    taken: list[float] = []
    while len(taken) < FEWEST or (len(taken) < RUNS and sum(taken) < SECONDS):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return float(f"{1000 * statistics.median(taken):.3g}")


def _weight_bytes(network: nn.Module) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in network.state_dict().values())


def _processor(table: Path = Path("/proc/cpuinfo")) -> str:
    """Name of the processor, as far as the system tells it."""
    try:
        lines = table.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # no Linux
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())
