"""Cost over the size of the map: attention that stores the matrix of all pairs, ours, and the decomposed kinds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from attention_case import Case
from comparison import Cost, compare
from rich.progress import track
from rich.table import Table

CHANNELS = 32
SIZES = (16, 24, 32, 48, 64, 96, 128)
DECOMPOSED = ("axial", "criss_cross", "interlaced", "window", "pyramid_non_local")
STORED = "non_local, stored matrix"


def curve(sizes: Sequence[int], device: torch.device, rounds: int, seconds: float, limit: int) -> list[dict[str, Any]]:
    """One entry for each kind and size: cost of a training step on one square map, and ratios of the stored one's."""
    points: list[dict[str, Any]] = []
    for size in track(sizes, "curve", transient=True):
        shape = (1, CHANNELS, size, size)
        costs: dict[str, Cost] = {}
        for case in map(Case, ("non_local", *DECOMPOSED)):
            sides = ("ours", "plain") if case.name == "non_local" else ("ours",)
            row = compare(case, shape, device=device, rounds=rounds, seconds=seconds, limit=limit, sides=sides)
            costs[case.name] = row.ours
            if case.name == "non_local":
                costs[STORED] = row.plain
        stored = costs[STORED]
        for name in (STORED, "non_local", *DECOMPOSED):
            saved = {
                f"times_{word}": above and below and round(above / below, 2)
                for word, above, below in (
                    ("lighter", stored.mib, costs[name].mib),
                    ("faster", stored.ms, costs[name].ms),
                    ("fewer_macs", stored.macs, costs[name].macs),
                )
            }
            points.append({"kind": name, "size": size, **costs[name].as_json(), **saved})
    return points


def show_curve(points: Sequence[dict[str, Any]]) -> Table:
    """A line for each kind and a column for each size: memory, and how much less than the stored matrix."""
    sizes = sorted({point["size"] for point in points})
    table = Table(title=f"one map of {CHANNELS} channels: a training step", title_justify="left", box=None)
    table.add_column("kind")
    table.add_column("")
    for size in sizes:
        table.add_column(f"{size}x{size}", justify="right")
    for kind in dict.fromkeys(point["kind"] for point in points):
        own = {point["size"]: point for point in points if point["kind"] == kind}
        for quantity, unit, less in (
            ("mib", "MiB", "times_lighter"),
            ("ms", "ms", "times_faster"),
            ("macs", "MMACs", "times_fewer_macs"),
        ):
            cells = [
                _cell(own[size][quantity], quantity, None if kind == STORED else own[size][less]) for size in sizes
            ]
            table.add_row(kind if quantity == "mib" else "", unit, *cells)
    return table


def _cell(value: float | None, quantity: str, saved: float | None) -> str:
    shown = "-" if value is None else f"{value / 1e6 if quantity == 'macs' else value:.1f}"
    return f"{shown} ({saved:.{0 if saved >= 10 else 1}f}x)" if saved else shown


def draw(points: Sequence[dict[str, Any]], path: Path) -> None:
    """Memory, time and multiply-accumulates over size, on logarithmic axes."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 3, figsize=(12, 4), layout="constrained")
    panels = (("mib", 1, "peak memory, MiB"), ("ms", 1, "time, ms"), ("macs", 1e6, "forward pass, million MACs"))
    for panel, (quantity, unit, title) in zip(axes, panels, strict=True):
        for kind in dict.fromkeys(point["kind"] for point in points):
            own = [point for point in points if point["kind"] == kind and point[quantity]]
            style = {"color": "black", "linewidth": 2.5} if kind == STORED else {"marker": "."}
            panel.plot([p["size"] for p in own], [p[quantity] / unit for p in own], label=kind, **style)
        panel.set(xscale="log", yscale="log", xlabel="side of the map", title=title)
        ticks = sorted({point["size"] for point in points})
        panel.set_xticks(ticks, [str(tick) for tick in ticks])
        panel.minorticks_off()
        panel.grid(alpha=0.3)
    axes[0].legend(fontsize="small", frameon=False)
    figure.savefig(path, dpi=150)
    pyplot.close(figure)
