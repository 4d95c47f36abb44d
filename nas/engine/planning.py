"""What a search would decide for a task, without one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluators.planning.facts import Facts
from nas.config.checks import check
from nas.config.reading import apply_settings, read_config
from nas.config.settling import value_at
from nas.engine.launch import prepare_checked
from search_spaces.yaml_file import is_yaml


@dataclass(frozen=True)
class Planned:
    """One key of the config with its value.

    Attributes:
        key: of the config.
        value: what a search would work with.
        reason: why.
        given: whether the user gave it.
    """

    key: str
    value: Any
    reason: str
    given: bool


@dataclass(frozen=True)
class TaskPlan:
    """What the training cases look like, what is decided, and what a user should know of the data."""

    name: str
    facts: Facts
    decisions: tuple[Planned, ...]
    notes: tuple[str, ...]


def plan_task(task: str, settings: Sequence[str], show: Callable[[str, int, int], object]) -> TaskPlan:
    """Read a task as a search would, and say what follows.

    Args:
        task: path or name of a task, or a YAML config.
        settings: changes to single keys, as ``training.steps=800``.
        show: called with (``reading labels``, ``reading cases`` or ``preparing cases``, how many are, of how many).
    """
    path = Path(task)
    is_config = is_yaml(path) and path.is_file()
    data = apply_settings(read_config(path) if is_config else {"task": {"path": task}}, settings)
    checked, prepared = prepare_checked(check(data, path.parent if is_config else Path(), reading=show), reading=show)
    assert prepared.facts is not None
    settled = checked.config.model_dump()
    decisions = []
    for one in prepared.decisions:
        given = value_at(data, one.key) not in (None, "auto")
        in_use = one.value if one.key.startswith("task.") else value_at(settled, one.key)
        decisions.append(Planned(one.key, in_use, "given" if given else one.reason, given))
    told = {f"{one.name}: {one.reason}" for one in prepared.decisions if one.notable}
    return TaskPlan(
        prepared.name, prepared.facts, tuple(decisions), tuple(note for note in prepared.notes if note not in told)
    )
