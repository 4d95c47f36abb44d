"""``nas list``: what there is to choose from."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from nas.cli.app import app, console

UNBOUNDED = 10_000


class Kind(StrEnum):
    """What can be listed."""

    mechanisms = "mechanisms"
    hosts = "hosts"
    spaces = "spaces"
    presets = "presets"
    strategies = "strategies"
    evaluators = "evaluators"
    tasks = "tasks"


@app.command("list")
def list_(kind: Annotated[Kind, typer.Argument(help="What to list.")]) -> None:
    """List mechanisms, hosts, spaces, presets, strategies, evaluators or task formats."""
    columns, rows = {
        Kind.mechanisms: _mechanisms,
        Kind.hosts: _hosts,
        Kind.spaces: _spaces,
        Kind.presets: _presets,
        Kind.strategies: _strategies,
        Kind.evaluators: _evaluators,
        Kind.tasks: _tasks,
    }[kind]()
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        # Nothing is cut off, an address least of all; the name stays whole, to be found and copied.
        table.add_column(column, overflow="fold", no_wrap=column == columns[0])
    for row in rows:
        table.add_row(*row)
    # A file or another program gets a line a row, however long.
    (console if console.is_terminal else Console(width=UNBOUNDED)).print(table)


Listing = tuple[tuple[str, ...], list[tuple[str, ...]]]


def _mechanisms() -> Listing:
    from search_spaces.attention import MECHANISMS

    return ("name", "family", "type", "input", "dims", "cost", "year", "choices"), [
        (
            entry.name,
            entry.family,
            entry.type,
            entry.inputs,
            ", ".join(f"{dims}D" for dims in entry.dims),
            entry.cost,
            str(entry.year),
            "; ".join(f"{name} {', '.join(map(str, values))}" for name, values in entry.choices.items()),
        )
        for entry in MECHANISMS.values()
    ]


def _hosts() -> Listing:
    from search_spaces.hosts import HOSTS

    return ("name", "title", "dims", "options"), [
        (
            entry.name,
            entry.title,
            ", ".join(f"{dims}D" for dims in entry.dims),
            "; ".join(f"{name} {', '.join(map(str, values))}" for name, values in entry.options.items()),
        )
        for entry in HOSTS.values()
    ]


def _spaces() -> Listing:
    from search_spaces.space_file import load_space, space_names

    return ("name", "2D architectures", "3D architectures"), [
        (name, f"{load_space(name, 2).size():.3g}", f"{load_space(name, 3).size():.3g}") for name in space_names()
    ]


def _presets() -> Listing:
    from search_spaces.preset import describe_preset, load_preset, preset_names

    rows: list[tuple[str, ...]] = []
    for name in preset_names():
        preset, architecture = describe_preset(name), load_preset(name)
        rows.append((name, preset.title, architecture.host, f"{architecture.dims}D", preset.paper, preset.address))
    return ("name", "title", "host", "published", "paper", "address"), rows


def _strategies() -> Listing:
    from nas.strategies import STRATEGIES

    return ("name", "what it does"), [(name, _first_line(STRATEGIES[name])) for name in STRATEGIES]


def _evaluators() -> Listing:
    from evaluators.evaluator import EVALUATORS

    return ("name", "what it does"), [(name, _first_line(EVALUATORS[name])) for name in EVALUATORS]


def _tasks() -> Listing:
    from evaluators.tasks import TASK_FORMATS

    return ("format", "looks for"), [(entry.name, entry.looks_for) for entry in TASK_FORMATS.values()]


def _first_line(thing: object) -> str:
    return (thing.__doc__ or "").strip().splitlines()[0]
