"""``nas suite``: several tasks, one table."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from nas.cli.app import app, console, errors
from nas.quantities import format_count

if TYPE_CHECKING:
    from nas.cli.live import LiveWatcher
    from nas.suite.across import Across, Winner
    from nas.suite.suite_file import Member


@app.command()
def suite(
    suite: Annotated[Path, typer.Argument(help="YAML file: tasks by name, and the keys of a config for all of them.")],
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a key of every task's config.")
    ] = None,
    tolerance: Annotated[float, typer.Option(min=0, help="Dice that a lighter network may be behind the best.")] = 0.01,
    top: Annotated[int, typer.Option(min=1, help="Most mechanisms shown.")] = 20,
    page: Annotated[Path | None, typer.Option(help="Write the results to this Markdown file, and show none.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Plain data on standard output.")] = False,
    done: Annotated[bool, typer.Option("--done", help="Search nothing: what the runs hold that there are.")] = False,
    address: Annotated[
        str | None, typer.Option(help="Address of a running Ray cluster, or 'auto'; left out, this machine.")
    ] = None,
    runs: Annotated[Path, typer.Option(help="Folder of runs.")] = Path("runs"),
) -> None:
    """Search several tasks, each beginning with what the ones before taught; tell what holds across them.

    The runs are named SUITE-TASK. The same command again goes on where it was stopped, and shows the table of a suite
    that has ended. With --done it needs no data, and searches may still run.
    """
    from evaluators.files import check_can_hold, write_text
    from nas.suite.suite_file import read_suite

    if page is not None:
        check_can_hold(page.parent)
    members = read_suite(suite)
    with console.status("starting torch"):
        from nas.suite.across import across, winners
        from nas.suite.running import existing_runs, run_suite
    if done:
        found = existing_runs(members, runs)
        missing = [member.name for member in members if member.name not in found]
        if missing:
            errors.print(f"no run yet: {', '.join(missing)}")
    else:
        try:
            watch = partial(_watch, errors if as_json else console)
            found = run_suite(members, settings=set_ or [], runs=runs, address=address, watch=watch)
        except KeyboardInterrupt:
            errors.print("stopped; the same command goes on")
            raise
    won, held = winners(found, tolerance), across(found, tolerance)
    if page is not None:
        from nas.suite.page import page as results

        command = " ".join(["nas suite", quote(str(suite)), *(f"--set {quote(change)}" for change in set_ or [])])
        write_text(page, results(f"Results of {suite.stem}", command, won, held))
        console.print(f"written to {page}", highlight=False)
        return
    if as_json:
        print(
            json.dumps({"winners": [_winner(one) for one in won], "across": [_across(one) for one in held]}, indent=1)
        )
        return
    console.print(_winners_table(won, tolerance), "", _across_table(held[:top], [member.name for member in members]))
    counts = Counter(one.holds for one in held)
    told = ", ".join(f"{count} {holds}" for holds, count in counts.items())
    console.print(f"{len(held)} mechanisms at kinds of places: {told or 'too few trials'}", highlight=False)


@contextmanager
def _watch(where: Console, member: Member) -> Iterator[LiveWatcher]:
    from nas.cli.live import LiveWatcher

    where.rule(f"{member.name}: run {member.run}", align="left")
    with LiveWatcher(where) as watcher:
        yield watcher


def _winners_table(won: Sequence[Winner], tolerance: float) -> Table:
    from nas.cli.tables import describe

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("task", "", "params", "Dice", "over the plain network", "network"):
        table.add_column(name, justify="right" if name in ("params", "Dice") else "left")
    for one in won:
        rows = {"plain": one.front.plain, "best": one.best, f"within {tolerance:g}": one.lightest}
        name = one.task
        for role, point in rows.items():
            if point is None:
                continue
            gain = "" if point.gain is None else f"{point.gain:+.3f}"
            if point.gain_low is not None:
                gain += f" ({point.gain_low:+.3f} to {point.gain_high:+.3f})"
            table.add_row(
                name, role, format_count(point.cost.params), f"{point.dice:.3f}", gain, describe(point.architecture)
            )
            name = ""
    return table


def _across_table(held: Sequence[Across], tasks: Sequence[str]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("mechanism", "place", *tasks, ""):
        table.add_column(name, no_wrap=name in ("mechanism", "place"))
    for one in held:
        cells = [
            f"{effect.mean:+.3f} ({effect.low:+.3f} to {effect.high:+.3f})" if effect else ""
            for effect in map(one.effects.get, tasks)
        ]
        table.add_row(one.mechanism, one.place, *cells, one.holds, style="dim" if one.holds == "open" else None)
    return table


def _winner(one: Winner) -> dict[str, object]:
    def of(name: str) -> dict[str, object]:
        point = getattr(one, name)
        return {
            "architecture": point.architecture.to_dict(),
            "summary": str(point.architecture),
            "params": point.cost.params,
            **{key: getattr(point, key) for key in ("dice", "low", "high", "gain", "gain_low", "gain_high")},
        }

    plain = None if one.front.plain is None else one.front.plain.dice
    return {"task": one.task, "run": one.run.name, "plain": plain, "best": of("best"), "lightest": of("lightest")}


def _across(one: Across) -> dict[str, object]:
    return {
        "mechanism": one.mechanism,
        "place": one.place,
        "holds": one.holds,
        "effects": {task: asdict(effect) for task, effect in one.effects.items()},
    }
