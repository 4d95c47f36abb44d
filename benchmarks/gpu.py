"""What a GPU makes of this tool, in one command of at most ten minutes.

Four parts share the time: a training step of each mechanism in bfloat16, beside its straightforward form; training
steps a second when 1, 2, 4 and 8 trials share the GPU; a hippocampus search with its front; and the prediction of a
volume of 512 x 512 x 300 voxels. A part that a package is missing for is skipped, and says so; one whose time is up
leaves out the rest, and says so. What is found is written as it is found.

    python benchmarks/gpu.py [--minutes 10] [--only mechanisms sharing search prediction] [--data HIPPOCAMPUS]
        [--out gpu.json] [--page docs/gpu.md]
    python benchmarks/gpu.py --cpu --quick

It needs no installation of this package, only what it imports: torch, numpy, rich and, for what trains, MONAI, scipy
and safetensors; a search needs all that this package depends on.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

sys.path.insert(1, str(Path(__file__).resolve().parents[1]))  # a bare machine has a checkout, and installed nothing

import torch
from gpu_parts.setting import Setting, left
from result import finish
from rich.console import Console
from rich.markdown import Markdown

from evaluators.files import write_text

PARTS = {"mechanisms": 0.3, "sharing": 0.2, "search": 0.35, "prediction": 0.15}  # shares of the time
TITLES = {
    "mechanisms": "A training step of each mechanism",
    "sharing": "Trials that share the GPU",
    "search": "A search",
    "prediction": "A large volume",
}
PACKAGES = ("monai", "scipy", "safetensors", "nibabel", "ray", "nni", "pynvml")
DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "hippocampus3d"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0, help="for all parts together")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the hippocampus task")
    parser.add_argument("--cpu", action="store_true", help="on the CPU, which only shows that it runs")
    parser.add_argument("--quick", action="store_true", help="everything small")
    parser.add_argument("--out", type=Path, help="JSON, written anew whenever more is found")
    parser.add_argument("--page", type=Path, help="the same as a page in Markdown")
    options = parser.parse_args()
    if not options.cpu and not torch.cuda.is_available():
        parser.exit(1, "expected a GPU, torch sees none here; --cpu runs without\n")
    torch.set_num_threads(1)
    device = torch.device("cpu" if options.cpu else "cuda")
    setting = Setting(device, options.quick, options.data)
    result: dict[str, Any] = {"benchmark": "gpu", **machine(device), "minutes": options.minutes, "quick": options.quick}
    result |= {"parts": {}}

    def keep(name: str, found: dict[str, Any]) -> None:
        result["parts"][name] = found
        if options.out:
            write_text(options.out, json.dumps(result) + "\n")

    console = Console(width=max(Console().width, 130))
    console.print(about(result))
    end = time.monotonic() + 60 * options.minutes
    chosen = [name for name in PARTS if name in options.only]
    for name in chosen:
        share = PARTS[name] / sum(PARTS[other] for other in chosen[chosen.index(name) :])
        console.print(f"{name}: up to {share * left(end):.0f} s")
        run(name, setting, time.monotonic() + share * left(end), keep)
        console.print(Markdown(section(name, result["parts"][name])))
        if options.page:
            write_text(options.page, page(result))
    finish(result, options.out)
    sys.exit(any("failed" in found for found in result["parts"].values()))


def run(name: str, setting: Setting, until: float, keep: Callable[[str, dict[str, Any]], None]) -> None:
    """One part; what goes wrong in it stops no other, and takes nothing away that was found before."""
    began, found = time.monotonic(), dict[str, Any]()
    try:
        part = importlib.import_module(f"gpu_parts.{name}")
        for found in part.measure(setting, until):
            keep(name, found)
    except ModuleNotFoundError as error:
        found = found | {"skipped": f"the package {str(error.name).partition('.')[0]} is missing"}
    except Exception as error:
        traceback.print_exc()
        found = found | {"failed": (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")}
    if setting.on_gpu:
        torch.cuda.empty_cache()
    keep(name, found | {"took_s": round(time.monotonic() - began, 1)})


def machine(device: torch.device) -> dict[str, Any]:
    """What it was measured on."""
    told: dict[str, Any] = {
        "device": platform.processor() or platform.machine(),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "cores": len(os.sched_getaffinity(0)),
        "missing": [name for name in PACKAGES if find_spec(name) is None],
    }
    if device.type == "cuda":
        card = torch.cuda.get_device_properties(device)
        told |= {"device": card.name, "device_bytes": card.total_memory, "cuda": torch.version.cuda}
    return told


def about(result: Mapping[str, Any]) -> str:
    memory = f", {result['device_bytes'] / 2**30:.0f} GiB, CUDA {result['cuda']}" if "cuda" in result else ", no GPU"
    missing = f"; missing packages: {', '.join(result['missing'])}" if result["missing"] else ""
    return f"{result['device']}{memory}, torch {result['torch']}, {result['cores']} cores{missing}"


def page(result: Mapping[str, Any]) -> str:
    """All parts in Markdown."""
    quick = " --quick" if result["quick"] else ""
    made = f"`python benchmarks/gpu.py --minutes {result['minutes']:g}{quick}`"
    parts = [section(name, found) for name, found in result["parts"].items()]
    return "\n\n".join([f"# On a GPU: {result['device']}", f"{about(result)}. Made by {made}.", *parts]) + "\n"


def section(name: str, found: Mapping[str, Any]) -> str:
    """One part in Markdown."""
    lines = [f"## {TITLES[name]}"]
    if found.keys() - {"skipped", "failed", "took_s"}:
        lines.append(importlib.import_module(f"gpu_parts.{name}").page(found))
    if found.get("left_out"):
        lines.append(f"Left out for want of time: {', '.join(found['left_out'])}.")
    if "skipped" in found:
        lines.append(f"Skipped: {found['skipped']}.")
    if "failed" in found:
        lines.append(f"Failed: {found['failed']}.")
    return "\n\n".join([*lines, f"It took {found['took_s']:.0f} s."])


if __name__ == "__main__":
    main()
