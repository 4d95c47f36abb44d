"""Search every task of a suite, one after the other; each run is a run like any other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from nas.config.checks import check
from nas.config.reading import apply_settings
from nas.engine.launch import search
from nas.engine.ray_cluster import Cluster
from nas.engine.watcher import Watcher
from nas.run import RUNS, Run, is_run, load_run
from nas.suite.suite_file import Member
from search_spaces.errors import InputError, InputErrors

Watch = Callable[[Member], AbstractContextManager[Watcher]]  # what watches the search of a task


def existing_runs(members: Sequence[Member], runs: str | Path = RUNS) -> dict[str, Run]:
    """The run of each task that has one, ended or not; nothing is searched, and no data is needed.

    Raises ``InputError`` where no task has one.
    """
    there = [member for member in members if is_run(Path(runs) / member.run)]
    if not there:
        names = ", ".join(member.run for member in members)
        raise InputError(f"suite: expected a run of at least one task in '{runs}/' ({names}); got none")
    return {member.name: load_run(member.run, runs) for member in there}


def run_suite(
    members: Sequence[Member],
    *,
    settings: Sequence[str] = (),
    runs: str | Path = RUNS,
    address: str | None = None,
    cluster: Cluster | None = None,
    watch: Watch = lambda member: nullcontext(Watcher()),
) -> dict[str, Run]:
    """The run of each task by its name. What a run folder holds already is gone on with, or passed over where it ended.

    Args:
        members: the tasks, see ``read_suite``.
        settings: changes to single keys, for every task.
        runs: folder of runs.
        address, cluster: see ``nas.search``.
        watch: makes what is told of the search of each.

    Raises:
        InputErrors: what is wrong with the config of any task, before the first search.
    """
    faults: list[str] = []
    for member in members:
        alone = {key: value for key, value in member.config.items() if key != "strategy"}  # the runs that it begins
        try:  # with may not be there yet
            check(apply_settings(alone, settings), member.folder)
        except InputError as error:
            faults += [f"tasks.{member.name}: {fault}" for fault in error.faults]
    if faults:
        raise InputErrors(faults)
    done: dict[str, Run] = {}
    for member in members:
        with watch(member) as watcher:
            done[member.name] = search(
                member.config,
                beside=member.folder,
                settings=settings,
                run=member.run,
                resume=is_run(Path(runs) / member.run),
                runs=runs,
                address=address,
                cluster=cluster,
                watcher=watcher,
            )
    return done
