"""The evaluator's training beside a bare PyTorch loop: steps a second, with the same model, data and batch.

Both sides train the same network on the same cached arrays, with the same loss and optimiser, in this process, in
turns. The bare loop takes ready-made patches, flips them, and does nothing else: no schedule, no clipping, no
augmentation, no checks. The ratio is what all of that costs.

    python benchmarks/training.py [--steps 60] [--rounds 3] [--quick] [--device cpu] [--out training.json]
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

import numpy as np
import torch
from monai.losses import DiceCELoss
from result import finish
from rich.console import Console
from rich.table import Table

from evaluators.evaluator import Assignment
from evaluators.preprocessing import PreparedTask, prepare
from evaluators.tasks import open_task
from evaluators.training import TrainingEvaluator
from search_spaces.architecture.architecture import Architecture

SIDES = {
    "2D": ("phantom2d", {"size": (96, 96)}, Architecture.create("unet", 2, {"depth": 4, "width": 8}), 8),
    "3D": ("phantom3d", {"patch": (32, 32, 32)}, Architecture.create("unet", 3, {"depth": 3, "width": 8}), 2),
}


def bare(architecture: Architecture, task: PreparedTask, batch: int, steps: int, device: torch.device) -> float:
    """Seconds of a bare loop."""
    layout = task.preprocessing
    network = architecture.build(layout.channels, len(layout.classes)).to(device).train()
    optimiser = torch.optim.AdamW(network.parameters(), 3e-3)
    criterion = DiceCELoss(include_background=False, to_onehot_y=True, softmax=True, batch=True, squared_pred=True)
    window = tuple(slice(0, length) for length in layout.patch)
    images = np.stack([case.image[(slice(None), *window)] for case in task.train])
    labels = np.stack([case.label[window] for case in task.train])
    rng = np.random.default_rng(0)
    began = time.perf_counter()
    for _ in range(steps):
        chosen = rng.integers(len(images), size=batch)
        x = torch.from_numpy(images[chosen]).to(device)
        y = torch.from_numpy(labels[chosen]).to(device).long()[:, None]
        if rng.random() < 0.5:
            x, y = x.flip(-1), y.flip(-1)
        with torch.autocast(device.type, enabled=device.type == "cuda"):
            logits = network(x)
        loss = criterion(logits.float(), y)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
    float(loss.detach())  # waits for the device
    return time.perf_counter() - began


def ours(architecture: Architecture, task: PreparedTask, batch: int, steps: int, device: torch.device) -> float:
    """Seconds of the evaluator's training."""
    layout = task.preprocessing
    network = architecture.build(layout.channels, len(layout.classes)).to(device)
    work = TrainingEvaluator(batch=batch).train(network, Assignment(architecture, task, steps, seed=0))
    began = time.perf_counter()
    for _ in work:
        pass
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--quick", action="store_true", help="15 steps, one round")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    steps, rounds = (15, 1) if options.quick else (options.steps, options.rounds)
    torch.set_num_threads(options.threads)
    device = torch.device(options.device)
    result: dict[str, object] = {"benchmark": "training", "device": options.device, "steps": steps, "rounds": rounds}
    table = Table("task", "bare steps/s", "ours steps/s", "ratio", box=None)
    for name, (source, sizes, architecture, batch) in SIDES.items():
        task = prepare(open_task(source), **sizes)
        for side in (bare, ours):
            side(architecture, task, batch, 3, device)  # warm up
        ratios, speeds = [], []
        for _ in range(rounds):
            seconds = [side(architecture, task, batch, steps, device) for side in (bare, ours)]
            ratios.append(seconds[0] / seconds[1])
            speeds.append([steps / value for value in seconds])
        middle = [statistics.median(column) for column in zip(*speeds, strict=True)]
        result[name] = {
            "bare_steps_per_s": round(middle[0], 2),
            "ours_steps_per_s": round(middle[1], 2),
            "ratio": round(statistics.median(ratios), 3),
        }
        table.add_row(name, f"{middle[0]:.2f}", f"{middle[1]:.2f}", f"{statistics.median(ratios):.3f}")
    Console().print(table)
    finish(result, options.out)


if __name__ == "__main__":
    main()
