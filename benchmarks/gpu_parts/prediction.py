"""Predicting a volume of 512 x 512 x 300 voxels with sliding windows, as ``nas predict`` does: time and GPU memory."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch

from evaluators.inference import predict_label
from evaluators.labelling import Labelling
from evaluators.preprocessing import Preprocessing
from gpu_parts.markdown import memory, number, table
from gpu_parts.setting import Setting, left
from nas.quantities import format_count
from search_spaces.architecture.architecture import Architecture

SIZE, PATCH = (512, 512, 300), 96
QUICK_SIZE, QUICK_PATCH = (40, 40, 24), 16
# (depth, width, classes): the one of ``benchmarks/memory.py``, and one of a usual size.
NETWORKS = ((2, 4, 20), (4, 32, 2))
QUICK_NETWORKS = ((2, 4, 20),)


class OutOfTimeError(Exception):
    """There is no time for the other windows."""


def measure(setting: Setting, until: float) -> Iterator[dict[str, Any]]:
    """One network after another; a prediction that takes too long is broken off, and continued by its windows."""
    size, patch = (QUICK_SIZE, QUICK_PATCH) if setting.quick else (SIZE, PATCH)
    networks = QUICK_NETWORKS if setting.quick else NETWORKS
    image = np.random.default_rng(0).standard_normal((1, *size), dtype=np.float32)
    found: dict[str, Any] = {"size": list(size), "patch": patch, "rows": [], "left_out": []}
    for done, (depth, width, classes) in enumerate(networks):
        if left(until) < 0:
            found["left_out"] = [f"U-Net of depth {one[0]} and width {one[1]}" for one in networks[done:]]
            break
        network = Architecture.create("unet", 3, {"depth": depth, "width": width})
        end = time.monotonic() + left(until) / (len(networks) - done)
        found["rows"].append(_predict(network, classes, image, patch, setting, end))
        yield found
    yield found


def page(found: Mapping[str, Any]) -> str:
    rows = [
        [
            f"`{row['network']}`",
            str(row["classes"]),
            format_count(row["params"]),
            number(row["seconds"]) if row["seconds"] else f"({number(row['expected_seconds'])})",
            str(row["windows"]),
            memory(row["peak_bytes"]),
        ]
        for row in found["rows"]
    ]
    size, patch = " x ".join(map(str, found["size"])), found["patch"]
    lines = [f"A volume of {size} voxels in windows of {patch} x {patch} x {patch} that overlap by half:"]
    lines.append(table(("network", "classes", "parameters", "s", "windows", "peak memory of the GPU"), rows))
    if any(not row["seconds"] for row in found["rows"]):
        lines.append("In brackets: broken off for want of time, and continued by the number of windows.")
    return "\n\n".join(lines)


def _predict(
    network: Architecture, classes: int, image: np.ndarray, patch: int, setting: Setting, until: float
) -> dict[str, Any]:
    layout = Preprocessing(3, 1, Labelling.exclusive([f"class{n}" for n in range(classes)]), None, None, (patch,) * 3)
    before = torch.cuda.memory_allocated() if setting.on_gpu else 0
    module = network.build(1, classes, 0).to(setting.device).eval()
    small = image[:, :patch, :patch, :patch]
    predict_label(module, small, layout, small.shape[1:], device=setting.device)  # kernels are chosen
    if setting.on_gpu:
        torch.cuda.reset_peak_memory_stats()
    seen = (0, 0)

    def show(done: int, total: int) -> None:
        nonlocal seen
        seen = done, total
        if done < total and left(until) < 0:
            raise OutOfTimeError

    began, whole = time.monotonic(), True
    try:
        predict_label(module, image, layout, image.shape[1:], device=setting.device, show=show)
    except OutOfTimeError:
        whole = False
    seconds = time.monotonic() - began
    return {
        "network": str(network),
        "classes": classes,
        "params": sum(parameter.numel() for parameter in module.parameters()),
        "seconds": round(seconds, 3) if whole else None,
        "expected_seconds": round(seconds * seen[1] / seen[0], 1),
        "windows": seen[1],
        "windows_seen": seen[0],
        "peak_bytes": torch.cuda.max_memory_allocated() - before if setting.on_gpu else None,
    }
