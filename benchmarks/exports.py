"""Every format of an export beside the export itself: the same images, each format where nothing of this package is.

The export predicts as ``nas predict`` does; a file with ``predict.py``, the bundle with MONAI's own command, each in a
process of its own in which importing this package fails. Each has predicted everything once before it is timed, so that
imports do not count; reading and writing the images does. A process has as many cores as threads are asked for. Dice is
that of the labels written, against references; bytes are those of the whole process at most, libraries included.

    nas export my --format onnx,torch,torchscript,standalone,bundle --out model
    python benchmarks/exports.py model IMAGES LABELS [--threads 1] [--out exports.json]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from result import finish
from rich.console import Console
from rich.table import Table

from evaluators.scoring import dice_scores, mean_score
from nas.exports.export import load_export
from nas.exports.formats import FORMATS
from nas.exports.place import MODEL
from nas.exports.prediction import find_images, read_case
from nas.exports.references import find_references, label_map_of

PACKAGES = ("nas", "evaluators", "search_spaces")
OURS, BUNDLE = "export", "bundle"
LIMITED = "import json, os, sys; os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(sys.argv[1])])\n"
WORK = {  # each defines ``work``, given threads, model, images, folder of results and the folder of the export
    OURS: """
import torch
from pathlib import Path
from nas.exports.export import load_export
from nas.exports.prediction import find_images, predict_all
torch.set_num_threads(int(sys.argv[1]))
def work():
    model = load_export(sys.argv[2])
    cases = find_images([Path(sys.argv[3])], model.preprocessing.channels)
    assert all(one.path for one in predict_all(model, cases, Path(sys.argv[4]), "same"))
""",
    BUNDLE: """
from monai.bundle import run
os.chdir(sys.argv[2])
def work():
    run(config_file="configs/inference.json", dataset_dir=sys.argv[3], output_dir=sys.argv[4])
""",
    "": """
sys.path.insert(0, sys.argv[5])
import predict
def work():
    assert predict.main([*sys.argv[2:4], "--out", sys.argv[4]]) == 0
""",
}
TIMED = """
import re, time
work()
began, cpu = time.perf_counter(), time.process_time()
work()
seconds = {"seconds": time.perf_counter() - began, "cpu_seconds": time.process_time() - cpu}
most = re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1]
print(json.dumps(seconds | {"bytes": 1024 * int(most)}))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="folder that 'nas export --format ...' wrote")
    parser.add_argument("images", type=Path)
    parser.add_argument("labels", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    told = yaml.safe_load((options.model / MODEL).read_text(encoding="utf-8"))
    files = {name: one["file"] for name, one in told.get("formats", {}).items() if FORMATS[name].predicts}
    rows = [row(name, file, options) for name, file in {OURS: ".", **files}.items()]
    Console(width=110).print(table_of(rows))
    finish({"benchmark": "exports", "threads": options.threads, "rows": rows}, options.out)


def row(name: str, file: str, options: argparse.Namespace) -> dict[str, Any]:
    """One format: its Dice, and what it took."""
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "results"
        program = LIMITED + WORK.get(name, WORK[""]) + TIMED
        places = (options.model / file, options.images, results, options.model)
        arguments = [str(options.threads), *(str(place.resolve()) for place in places)]
        done = subprocess.run(
            [sys.executable, "-c", program, *arguments],
            cwd=folder,
            env=environment(Path(folder), name == OURS, options.threads),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            sys.exit(f"{name}: {done.stderr.strip()[-2000:]}")
        took = json.loads(done.stdout.splitlines()[-1])
        return {"format": name, "dice": round(dice_of(options, results), 4), **took}


def environment(folder: Path, ours: bool, threads: int) -> dict[str, str]:
    """Of a process; but for ours, one in which importing this package fails."""
    paths = [Path(__file__).resolve().parents[1]] if ours else [Path("."), folder]
    for name in () if ours else PACKAGES:
        (folder / f"{name}.py").write_text("raise ImportError('not here')\n")
    path = os.pathsep.join(map(str, paths))
    return os.environ | {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": str(threads)}


def dice_of(options: argparse.Namespace, results: Path) -> float:
    """Of the labels in a folder, read as references are, against those that are given."""
    model = load_export(options.model)
    labels = label_map_of(model)
    cases = find_images([options.images], model.preprocessing.channels)
    made = find_references(results, list(cases))
    scores = {}
    for name, reference in find_references(options.labels, list(cases)).items():
        found, expected = (read_case(model, name, cases[name], one, labels).label for one in (made[name], reference))
        assert found is not None
        assert expected is not None
        scores[name] = dice_scores(found, expected, model.preprocessing.labelling)
    return mean_score(scores)


def table_of(rows: Sequence[Mapping[str, Any]]) -> Table:
    table = Table("format", "Dice", "seconds", "CPU seconds", "times as quick", "MiB of the process", box=None)
    for one in rows:
        quick = rows[0]["seconds"] / one["seconds"]
        numbers = (f"{one['dice']:.4f}", f"{one['seconds']:.2f}", f"{one['cpu_seconds']:.2f}", f"{quick:.2f}")
        table.add_row(one["format"], *numbers, f"{one['bytes'] / 2**20:.0f}")
    return table


if __name__ == "__main__":
    main()
