"""What a training step of each mechanism takes in bfloat16, beside the same function written straightforwardly.

The two were held to the same results elsewhere (``benchmarks/attention.py``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from attention_case import Case
from comparison import compare
from measuring.peak_memory import check_meter

from gpu_parts.markdown import number, table
from gpu_parts.setting import Setting, left
from search_spaces.attention import MECHANISMS

SHAPES = ((4, 64, 128, 128), (2, 32, 32, 32, 32))
ROUNDS, SECONDS = 20, 1.0  # see ``take_turns``
QUICK_SHAPES = ((1, 8, 6, 6, 6),)
QUICK = ("attention_gate", "non_local", "simam")
GIB = 2**30


def measure(setting: Setting, until: float) -> Iterator[dict[str, Any]]:
    """Shape by shape, every mechanism of the catalogue."""
    check_meter(setting.device)
    shapes, names = (QUICK_SHAPES, QUICK) if setting.quick else (SHAPES, tuple(MECHANISMS))
    limit = torch.cuda.mem_get_info(setting.device)[0] // 2 if setting.on_gpu else 2 * GIB
    wanted = [(shape, name) for shape in shapes for name in names]
    found: dict[str, Any] = {"shapes": [list(shape) for shape in shapes], "rows": [], "left_out": []}
    for done, (shape, name) in enumerate(wanted):
        if left(until) < 0:
            found["left_out"] = [f"{other} at {_label(at)}" for at, other in wanted[done:]]
            break
        row = compare(
            Case(name),
            shape,
            device=setting.device,
            rounds=ROUNDS,
            seconds=SECONDS,
            limit=limit,
            sides=("ours", "plain"),
            mixed=True,
        )
        found["rows"].append(row.as_json())
        yield found
    yield found


def page(found: Mapping[str, Any]) -> str:
    parts = []
    for shape in found["shapes"]:
        rows = [row for row in found["rows"] if row["shape"] == shape]
        if not rows:
            continue
        parts.append(f"A training step, forward and backward, at {_label(shape)} in bfloat16 (weights in float32):")
        columns = ("mechanism", "parameters", "MMACs", "ms", "MiB", "straightforward ms", "MiB", "faster", "lighter")
        parts.append(table(columns, [_cells(row) for row in rows]))
    skipped = [
        f"{row['mechanism']} at {_label(row['shape'])}, {side}: {row[side]['skipped']}"
        for row in found["rows"]
        for side in ("ours", "straightforward")
        if "skipped" in row[side]
    ]
    if skipped:
        parts.append(f"Not run, memory in brackets is continued from smaller sizes: {'; '.join(skipped)}.")
    return "\n\n".join(parts)


def _cells(row: Mapping[str, Any]) -> list[str]:
    ours, plain = row["ours"], row["straightforward"]
    cells = [row["mechanism"], str(row["params"]), number(ours["macs"] and ours["macs"] / 1e6)]
    for side in (ours, plain):
        memory = number(side["mib"])
        cells += [number(side["ms"]), f"({memory})" if "skipped" in side and side["mib"] else memory]
    return [*cells, *(number(row[ratio]) for ratio in ("times_faster", "times_lighter"))]


def _label(shape: list[int] | tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
