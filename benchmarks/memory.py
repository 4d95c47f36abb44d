"""Memory and time of predicting and scoring a volume of many classes, beside the same written straightforwardly.

The straightforward side (``straightforward/prediction.py``) lets MONAI's inferer hold the logits of all classes, then
their probabilities, and scores one-hot planes. Both sides see the same image with the same windows, each in a process
of its own that has worked on something small before; their labels and scores are compared. The network is one
convolution of single voxels, so that what is measured is not the network's own. Then a large volume with a U-Net and
windows of 96 voxels, which only ours predicts. A class is a foreground class; bytes are those on top of what the
process and the image take.

    python benchmarks/memory.py [--size 192 192 128] [--classes 1 20 60] [--patch 16] [--threads 1] [--quick]
        [--large 512 512 300] [--out memory.json]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from measuring.process_memory import Measured, measured
from result import finish
from rich.console import Console
from rich.table import Table
from torch import nn

from evaluators.inference import predict_label
from evaluators.labelling import Labelling
from evaluators.preprocessing import Preprocessing
from evaluators.scoring import dice_scores
from search_spaces.architecture.architecture import Architecture

GIB = 2**30
SIDES = ("straightforward", "ours")
LARGE_CLASSES, LARGE_PATCH = 20, 96
UNET = Architecture.create("unet", 3, {"depth": 2, "width": 4})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, nargs=3, default=(192, 192, 128))
    parser.add_argument("--classes", type=int, nargs="+", default=(1, 20, 60))
    parser.add_argument("--patch", type=int, default=16)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--large", type=int, nargs=3, default=(512, 512, 300))
    parser.add_argument("--quick", action="store_true", help="a volume of 96 x 96 x 64, 1 and 20 classes, no large one")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)  # this process is one side
    parser.add_argument("--label", type=Path, help=argparse.SUPPRESS)  # where it leaves its label
    options = parser.parse_args()
    if options.quick:
        options.size, options.classes, options.patch = (96, 96, 64), (1, 20), 24
    if options.side:
        (classes,) = options.classes
        print(json.dumps(work(options.side, tuple(options.size), classes, options)))
        return
    rows = [compare(classes, options) for classes in options.classes]
    console = Console(width=max(Console().width, 110))
    console.print(table_of(rows))
    result: dict[str, Any] = {"benchmark": "memory", "size": list(options.size), "patch": options.patch}
    result |= {"threads": options.threads, "rows": rows}
    if not options.quick:
        options.patch = LARGE_PATCH
        large = run("ours", options.large, LARGE_CLASSES, options)["prediction"]
        result["large"] = {"size": list(options.large), "classes": LARGE_CLASSES, "patch": LARGE_PATCH, **large}
        console.print(
            f"{' x '.join(map(str, options.large))}, {LARGE_CLASSES} classes: at most "
            f"{large['process_bytes'] / GIB:.2f} GiB in the whole process, image included; {large['seconds']:.0f} s"
        )
    finish(result, options.out)


def table_of(rows: Sequence[Mapping[str, Any]]) -> Table:
    table = Table("classes", "", *SIDES, "ratio", "the same", box=None)
    for row in rows:
        same = {"prediction": f"{row['equal_voxels']:.4%} of voxels", "scoring": f"within {row['dice_difference']:.0e}"}
        for part, agreement in same.items():
            for unit, key, ratio in (
                ("bytes a voxel and class", "bytes_a_voxel_and_class", "memory_ratio"),
                ("seconds", "seconds", "time_ratio"),
            ):
                values = [f"{row[part][side][key]:.2f}" for side in SIDES]
                table.add_row(str(row["classes"]), f"{part}, {unit}", *values, f"{row[part][ratio]:.1f}", agreement)
    return table


def compare(classes: int, options: argparse.Namespace) -> dict[str, Any]:
    """Both sides at one number of classes."""
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{side}.npy" for side in SIDES]
        found = [run(side, options.size, classes, options, file) for side, file in zip(SIDES, files, strict=True)]
        first, second = (np.load(file, mmap_mode="r") for file in files)
        equal = float((first == second).mean())
    row: dict[str, Any] = {"classes": classes, "equal_voxels": equal}
    row["dice_difference"] = max(abs(a - b) for a, b in zip(found[0]["dice"], found[1]["dice"], strict=True))
    for part in ("prediction", "scoring"):
        row[part] = {side: one[part] for side, one in zip(SIDES, found, strict=True)}
        for ratio, of in (("memory_ratio", "added_bytes"), ("time_ratio", "seconds")):
            before, after = (one[part][of] for one in found)
            row[part][ratio] = round(before / after, 2)
    return row


def run(side: str, size: tuple[int, ...], classes: int, options: argparse.Namespace, label: Path | None = None) -> Any:
    """One side in a process of its own."""
    command = [sys.executable, __file__, "--side", side, "--size", *map(str, size), "--classes", str(classes)]
    command += ["--patch", str(options.patch), "--threads", str(options.threads)]
    command += ["--label", str(label)] if label else []
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def work(side: str, size: tuple[int, ...], classes: int, options: argparse.Namespace) -> dict[str, Any]:
    """Predict an image and score the label, in this process; without a place for the label, the large volume."""
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    names = [f"class{index}" for index in range(1, 1 + classes)]
    layout = Preprocessing(3, 1, Labelling.exclusive(names), None, None, (options.patch,) * 3)
    network = nn.Conv3d(1, 1 + classes, 1) if options.label else UNET.build(1, classes, 0).eval()
    predict, score = forms(side)
    rng = np.random.default_rng(0)
    small = rng.standard_normal((1, 2 * options.patch + 1, options.patch, options.patch), dtype=np.float32)
    score(predict(network, small, layout, small.shape[1:]), np.zeros(small.shape[1:], np.uint8), names)
    image = rng.standard_normal((1, *size), dtype=np.float32)
    label, predicting = measured(lambda: predict(network, image, layout, size))
    if not options.label:
        return {"prediction": numbers(predicting, image.size, classes)}
    np.save(options.label, label)
    reference = (np.arange(image.size) % (1 + classes)).astype(np.uint8).reshape(size)
    dice, scoring = measured(lambda: score(label, reference, names))
    return {
        "dice": list(dice.values()),
        "prediction": numbers(predicting, image.size, classes),
        "scoring": numbers(scoring, image.size, classes),
    }


def forms(side: str) -> tuple[Callable[..., np.ndarray], Callable[..., Mapping[str, float | None]]]:
    """How a side predicts and how it scores; what the other one imports is not loaded."""
    if side == "ours":
        return predict_label, dice_scores
    from straightforward import prediction

    return prediction.predict_label, prediction.dice_scores


def numbers(one: Measured, voxels: int, classes: int) -> dict[str, float]:
    return {
        "added_bytes": one.added,
        "bytes_a_voxel_and_class": round(one.added / voxels / classes, 3),
        "process_bytes": one.whole,
        "seconds": round(one.seconds, 3),
    }


if __name__ == "__main__":
    main()
