"""``nas init``: a config to begin with."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from nas.cli.app import app, console
from nas.cli.bars import stage_bars
from search_spaces.errors import InputError


@app.command()
def init(
    task: Annotated[str, typer.Argument(help="Folder of a task, or phantom2d or phantom3d.")],
    out: Annotated[Path | None, typer.Option(help="File to write; left out, TASK.yaml in this folder.")] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A key to begin with, as task.classes.liver=1."),
    ] = None,
) -> None:
    """Read a task and write a config for it, in which every decision stands as a comment with its reason."""
    from evaluators.files import check_can_hold, write_text
    from nas.config.first_config import commented_config
    from nas.engine.planning import plan_task

    file = out or Path(f"{Path(task).resolve().name}.yaml")
    if file.exists():
        raise InputError(f"config '{file}' exists already; expected a new file, see --out")
    check_can_hold(file.parent)
    with stage_bars() as show:
        planned = plan_task(task, set_ or [], show)
    for note in planned.notes:
        console.print(f"note: {note}", highlight=False, soft_wrap=True)
    path = task if not Path(task).exists() or file.resolve().parent == Path.cwd() else str(Path(task).resolve())
    decided = [(one.key, one.value, one.reason) for one in planned.decisions if not one.given]
    about = f"{planned.name}: {len(planned.facts.sizes)} training cases"
    write_text(file, commented_config(path, about, set_ or [], list(planned.facts.shares), decided))
    next_ = f"nas search {quote(str(file))}"
    console.print(f"{file}: written; start the search with: {next_}", highlight=False, soft_wrap=True)
