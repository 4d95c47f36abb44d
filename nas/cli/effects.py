"""``nas effects``: what each mechanism did in each place, over all trials of a run."""

from __future__ import annotations

import json
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from nas.cli.app import WIDE, app, console
from nas.cli.picks import RUNS
from nas.quantities import format_count


class By(StrEnum):
    """What is taken together."""

    slot = "slot"
    kind = "kind"
    mechanism = "mechanism"


@app.command()
def effects(
    run: Annotated[str, typer.Argument(help="Name or folder of a run.")],
    by: Annotated[By, typer.Option(help="In every slot, at every kind of place, or over all places.")] = By.slot,
    tolerance: Annotated[float, typer.Option(min=0, help="A surely smaller effect is called none.")] = 0.005,
    top: Annotated[int, typer.Option(min=1, help="Most rows from either end.")] = 15,
    as_json: Annotated[bool, typer.Option("--json", help="Plain data on standard output, all of them.")] = False,
    runs: RUNS = Path("runs"),
) -> None:
    """Show what each mechanism added where, with intervals: what helps, what hurts, what makes no difference.

    It is what a model of all trials of the search makes of their validation scores, not what single networks scored.
    """
    from nas.run import load_run
    from nas.surrogate.effects import effects as effects_of

    loaded = load_run(run, runs)
    found = effects_of(loaded.journal, loaded.params_of, by.value)
    if as_json:
        rows = [asdict(effect) | {"verdict": effect.verdict(tolerance)} for effect in found]
        print(json.dumps(rows, indent=1, allow_nan=False))
        return
    places = {By.slot: ["slot"], By.kind: ["place"], By.mechanism: []}[by]
    names = ["mechanism", *places, "networks", "Dice", "95% interval", "helps", "", "params"]
    if console.width < WIDE:
        names = [name for name in names if name not in ("networks", "helps")]
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in names:
        right = name in ("networks", "Dice", "helps", "params")
        table.add_column(name, justify="right" if right else "left", no_wrap=name != "params")
    for effect in found if len(found) <= 2 * top else [*found[:top], None, *found[-top:]]:
        if effect is None:
            table.add_row("...")
            continue
        low, high = map(format_count, effect.params)
        verdict = effect.verdict(tolerance)
        cells = {
            "mechanism": effect.mechanism,
            **dict.fromkeys(places, effect.place),
            "networks": str(effect.networks),
            "Dice": f"{effect.mean:+.3f}",
            "95% interval": f"{effect.low:+.3f} to {effect.high:+.3f}",
            "helps": f"{effect.helps:.0%}",
            "": verdict,
            "params": low if low == high else f"{low} to {high}",
        }
        table.add_row(*(cells[name] for name in names), style="dim" if verdict in ("open", "no effect") else None)
    console.print(table)
    counts = [effect.verdict(tolerance) for effect in found]
    told = ", ".join(f"{counts.count(verdict)} {verdict}" for verdict in ("helps", "hurts", "no effect", "open"))
    console.print(f"{len(found)} effects: {told} (validation cases, by the model of the search)", highlight=False)
