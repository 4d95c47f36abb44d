"""``nas list``: what there is to choose from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

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
    config = "config"
    formats = "formats"


@app.command("list")
def list_(kind: Annotated[Kind, typer.Argument(help="What to list.")]) -> None:
    """List mechanisms, hosts, spaces, presets, strategies, evaluators, task and export formats, or keys of a config."""
    listing = {
        Kind.mechanisms: _mechanisms,
        Kind.hosts: _hosts,
        Kind.spaces: _spaces,
        Kind.presets: _presets,
        Kind.strategies: _strategies,
        Kind.evaluators: _evaluators,
        Kind.tasks: _tasks,
        Kind.config: _config,
        Kind.formats: _formats,
    }[kind]()
    table = _table(listing)
    unbounded = Console(width=UNBOUNDED)
    if not console.is_terminal:
        unbounded.print(table)  # a file or another program gets a line a row, however long
    elif listing.below and unbounded.measure(table).maximum > console.width:
        console.print(_stacked(listing))
    else:
        console.print(table)


@dataclass(frozen=True)
class Listing:
    """Rows of a table; in a narrow terminal the last ``below`` columns go below each row."""

    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    below: int = 0


def _table(listing: Listing) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for index, column in enumerate(listing.columns):
        # Nothing is cut off, an address least of all; the name stays whole, to be found and copied.
        table.add_column(column, overflow="fold", no_wrap=index == 0)
    for row in listing.rows:
        table.add_row(*map(Text, row))  # brackets are no markup
    return table


def _stacked(listing: Listing) -> Group:
    lines: list[RenderableType] = []
    widths = [max(map(len, column)) for column in zip(listing.columns, *listing.rows, strict=True)]
    for row in (listing.columns, *listing.rows):
        beside, below = row[: -listing.below], row[-listing.below :]
        first = "  ".join(cell.ljust(width) for cell, width in zip(beside, widths, strict=False)).rstrip()
        style = "" if lines else "bold"
        lines += [Text(first, style), Padding(Text("; ".join(below), style or "dim"), (0, 0, 0, 4))]
    return Group(*lines)


def _mechanisms() -> Listing:
    from search_spaces.attention import MECHANISMS

    columns = ("name", "family", "type", "input", "dims", "year", "cost", "choices")
    rows = [
        (
            entry.name,
            entry.family,
            entry.type,
            entry.inputs,
            _dims(entry.dims),
            str(entry.year),
            entry.cost,
            _choices(entry.choices),
        )
        for entry in MECHANISMS.values()
    ]
    return Listing(columns, rows, below=2)


def _hosts() -> Listing:
    from search_spaces.hosts import HOSTS

    columns = ("name", "dims", "title", "options")
    rows = [
        (
            entry.name,
            _dims(entry.dims),
            entry.title,
            _choices(entry.options),
        )
        for entry in HOSTS.values()
    ]
    return Listing(columns, rows, below=2)


def _spaces() -> Listing:
    from search_spaces.space.space_file import load_space, space_names

    columns = ("name", "2D architectures", "3D architectures")
    rows = [(name, *(f"{load_space(name, dims).size():.3g}" for dims in (2, 3))) for name in space_names()]
    return Listing(columns, rows)


def _presets() -> Listing:
    from search_spaces.architecture.preset import describe_preset, load_preset, preset_names
    from search_spaces.hosts import HOSTS

    rows: list[tuple[str, ...]] = []
    for name in preset_names():
        preset, architecture = describe_preset(name), load_preset(name)
        host = "its own" if HOSTS[architecture.host].outside else architecture.host
        rows.append((name, preset.title, host, f"{architecture.dims}D", preset.paper, preset.address))
    return Listing(("name", "title", "host", "published", "paper", "address"), rows, below=2)


def _strategies() -> Listing:
    from nas.strategies import STRATEGIES

    return Listing(("name", "what it does"), [(name, _first_line(STRATEGIES[name])) for name in STRATEGIES])


def _evaluators() -> Listing:
    from evaluators.evaluator import EVALUATORS

    return Listing(("name", "what it does"), [(name, _first_line(EVALUATORS[name])) for name in EVALUATORS])


def _tasks() -> Listing:
    from evaluators.tasks import TASK_FORMATS

    rows = [(entry.name, entry.looks_for) for entry in TASK_FORMATS.values()]
    return Listing(("format", "looks for"), rows)


def _config() -> Listing:
    from nas.config.reference import keys

    rows = [(key.name, key.default, key.kind.replace("`", ""), key.meaning.replace("`", "")) for key in keys()]
    return Listing(("key", "default", "values", "meaning"), rows, below=2)


def _dims(dims: Sequence[int]) -> str:
    return ", ".join(f"{number}D" for number in dims)


def _choices(choices: Mapping[str, Sequence[object]]) -> str:
    return "; ".join(f"{name} {', '.join(map(str, values))}" for name, values in choices.items())


def _first_line(thing: object) -> str:
    return (thing.__doc__ or "").strip().splitlines()[0]


def _formats() -> Listing:
    from nas.exports.formats import FORMATS

    rows = [(entry.name, entry.file, entry.tells) for entry in FORMATS.values()]
    return Listing(("name", "file", "what it is"), rows)
