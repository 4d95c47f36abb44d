"""``nas effects``: what each mechanism did in each place, over all trials of a run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from nas.cli.app import WIDE, app, console
from nas.cli.picks import RUNS
from nas.quantities import format_count

if TYPE_CHECKING:
    from nas.evidence.left_out import LeftOut
    from nas.surrogate.interactions import Interaction
    from search_spaces.architecture.architecture import Architecture


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

    Two mechanisms that surely do more or less together than the sum of both are named. All that is what a model of all
    trials of the search makes of their validation scores, not what single networks scored. Below it, on test cases and
    at full training, what each slot of a finalist is worth that was also trained without it (finals.leave_out).
    """
    from nas.evidence.left_out import left_out
    from nas.run import load_run
    from nas.surrogate.effects import effects as effects_of
    from nas.surrogate.interactions import interactions

    loaded = load_run(run, runs)
    found = effects_of(loaded.journal, loaded.params_of, by.value)
    pairs = interactions(loaded.journal)
    final = loaded.final_front
    without = left_out(final.compared) if final else []
    if as_json:
        rows = [asdict(effect) | {"verdict": effect.verdict(tolerance)} for effect in found]
        together = [asdict(pair) | {"sure": pair.is_sure} for pair in pairs]
        data = {"effects": rows, "interactions": together, "left_out": list(map(_left_out_data, without))}
        print(json.dumps(data, indent=1, allow_nan=False))
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
        assert effect.params is not None  # which was asked
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
    for line in _together(pairs, top):
        console.print(line, highlight=False)
    for table in left_out_tables(without):
        console.print("", table)


def _together(pairs: Sequence[Interaction], top: int) -> list[str]:
    """A line for each pair that surely does more or less than the sum of both, or one that says that none does."""
    sure = [pair for pair in pairs if pair.is_sure]
    if pairs and not sure:
        return [f"no two surely do more or less together than the sum of both (pairs looked at: {len(pairs)})"]
    return [
        f"{one}: {one.mean:+.3f} ({one.low:+.3f} to {one.high:+.3f}) beyond the sum of both, {one.networks} networks"
        for one in sure[:top]
    ]


def left_out_tables(without: Sequence[LeftOut]) -> list[Table]:
    """What each slot of each network is worth in the finals."""
    of_networks: dict[Architecture, list[LeftOut]] = {}
    for one in without:
        of_networks.setdefault(one.whole.architecture, []).append(one)
    return [_left_out_table(slots) for slots in of_networks.values()]


def _left_out_table(without: Sequence[LeftOut]) -> Table:
    """What each slot of one network is worth."""
    title = f"in {without[0].whole.architecture}, on test cases: Dice lost without"
    table = Table(box=None, pad_edge=False, header_style="bold", title=title, title_justify="left", title_style="")
    for name in ("slot", "mechanism", "Dice", "95% interval", "p", "params"):
        table.add_column(name, justify="right" if name in ("Dice", "p", "params") else "left")
    for one in without:
        table.add_row(
            one.slot,
            one.mechanisms,
            "" if one.gain is None else f"{one.gain:+.3f}",
            "" if one.low is None else f"{one.low:+.3f} to {one.high:+.3f}",
            "" if one.comparison.p is None else f"{one.comparison.p:.3f}",
            format_count(one.params),
        )
    return table


def _left_out_data(one: LeftOut) -> dict[str, Any]:
    return {
        "network": one.whole.architecture.key,
        "slot": one.slot,
        "mechanisms": one.mechanisms,
        "params": one.params,
        **{name: getattr(one, name) for name in ("gain", "low", "high")},
        **asdict(one.comparison),
    }
