"""What finalists cost: parameters, multiply-accumulates, and what predictions with them took."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from nas.cli.tables import describe
from nas.evidence.front import Front, FrontPoint
from nas.quantities import format_bytes, format_count
from nas.records.inference_cost import InferenceCost


def cost_table(front: Front, costs: Mapping[str, InferenceCost]) -> Table:
    """A row for each network of a front, by rising parameters; what was not measured is empty."""
    gpu = any(cost.gpu for cost in costs.values())
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("params", "MACs", "Dice", "CPU ms", "memory", *(["GPU ms", "its memory"] if gpu else [])):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("architecture")
    for point in front.everything:
        cost = costs.get(point.architecture.key)
        name = Text(f"reference {point.reference}") if point.reference else describe(point.architecture)
        cells = [*_known(point), *_measured(cost, gpu), name]
        table.add_row(*cells, style=None if point.on_front else "dim")
    return table


def conditions(costs: Mapping[str, InferenceCost]) -> list[Text]:
    """What was measured on which machine, a line for each."""
    if not costs:
        return [Text("no prediction was measured: that is done after the last final, with finals.cost", style="dim")]
    lines = set()
    for cost in costs.values():
        patch = f"a patch of {' x '.join(map(str, cost.size))}{', mirrored' if cost.mirror else ''}"
        cpu = f"{cost.cpu}, {cost.cpu_threads} thread{'s' if cost.cpu_threads > 1 else ''}"
        lines.add(f"{patch}: median time and most memory on {cpu}{f', and {cost.gpu}' if cost.gpu else ''}")
    return [Text(line, style="dim") for line in sorted(lines)]


def _known(point: FrontPoint) -> list[RenderableType]:
    return [format_count(point.cost.params), format_count(point.cost.macs), f"{point.dice:.3f}"]


def _measured(cost: InferenceCost | None, gpu: bool) -> list[RenderableType]:
    if cost is None:
        return [""] * (4 if gpu else 2)
    cells = [(cost.cpu_ms, cost.cpu_bytes), *([(cost.gpu_ms, cost.gpu_bytes)] if gpu else [])]
    return [
        text
        for time, memory in cells
        for text in ("" if time is None else f"{time:g}", "" if memory is None else format_bytes(memory))
    ]
