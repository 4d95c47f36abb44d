"""``nas plan``: what the rules decide for a task, and why."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from rich.table import Table

from nas.cli.app import app, console
from nas.cli.bars import stage_bars

if TYPE_CHECKING:
    from evaluators.planning.facts import Facts
    from nas.engine.planning import Planned


@app.command()
def plan(
    task: Annotated[str, typer.Argument(help="Folder of a task, phantom2d or phantom3d, or a config (YAML).")],
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a key, as task.classes.liver=1.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Plain data on standard output.")] = False,
) -> None:
    """Show what a search would decide from a task's training cases: sizes, intensities, training; each with a reason.

    Nothing is trained and nothing is written. Whatever is shown can be set otherwise by its key.
    """
    from nas.engine.planning import plan_task

    with stage_bars() as show:
        planned = plan_task(task, set_ or [], show)
    if as_json:
        decisions = {
            one.key: {"value": one.value, "reason": one.reason, "given": one.given} for one in planned.decisions
        }
        print(json.dumps({"facts": _as_data(planned.facts), "decisions": decisions}, indent=1, allow_nan=False))
        return
    for note in planned.notes:
        console.print(f"note: {note}", highlight=False, soft_wrap=True)
    for table in (_facts_table(planned.name, planned.facts), _decisions_table(planned.decisions)):
        console.print(table, "", sep="\n")


def _facts_table(name: str, facts: Facts) -> Table:
    """What the training cases look like, a line each."""
    table = Table(box=None, pad_edge=False, show_header=False, title=name, title_justify="left", title_style="bold")
    table.add_column(no_wrap=True)
    table.add_column()
    count = len(facts.sizes)
    table.add_row("training cases", str(count))
    table.add_row("voxels", _range(facts.sizes, "{:.0f}"))
    table.add_row("voxel size", f"{_range(facts.spacings, '{:.3g}')} mm" if facts.known else "not known")
    seen = facts.intensities
    if seen is not None:
        ends = ", ".join(f"{low:.4g} to {high:.4g}" for low, high in zip(seen.low, seen.high, strict=True))
        table.add_row("intensities", f"{ends} within structures; {seen.zeros:.0%} of an image is zero")
    for name, share in facts.shares.items():
        across = " x ".join(f"{chord:.3g}" for chord in facts.chords[name]) if name in facts.chords else "nowhere"
        unit = " mm" if facts.known else ""
        table.add_row(name, f"{share:.2%} of the voxels, {across}{unit} across")
    return table


def _range(values: np.ndarray, form: str) -> str:
    """The median along each axis, and where they differ the least and the most."""
    axes = []
    for least, median, most in zip(values.min(0), np.median(values, axis=0), values.max(0), strict=True):
        least, median, most = (form.format(value) for value in (least, median, most))
        axes.append(median if least == most else f"{median} ({least} to {most})")
    return " x ".join(axes)


def _decisions_table(decisions: Sequence[Planned]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("key", "value", "why"):
        table.add_column(name, no_wrap=name == "key")
    for one in decisions:
        table.add_row(one.key, _shown(one.value), one.reason, style="dim" if one.given else None)
    return table


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_shown, value))}]"
    return "null" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)


def _as_data(facts: Facts) -> dict[str, Any]:
    """Facts as JSON has them: of what each case has, the least, the median and the most along each axis."""
    seen = facts.intensities
    return {
        "cases": len(facts.sizes),
        "voxels": _spread(facts.sizes),
        "spacing": _spread(facts.spacings) if facts.known else None,
        "structures": {
            name: {
                "share": share,
                "across": facts.chords[name].tolist() if name in facts.chords else None,
                "place": _spread(facts.centres[name]) if name in facts.centres else None,
            }
            for name, share in facts.shares.items()
        },
        "intensities": None
        if seen is None
        else {name: np.asarray(value).tolist() for name, value in asdict(seen).items()},
    }


def _spread(values: np.ndarray) -> dict[str, list[float]]:
    return {
        "least": values.min(0).tolist(),
        "median": np.median(values, axis=0).tolist(),
        "most": values.max(0).tolist(),
    }
