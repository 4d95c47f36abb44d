"""What a task format is, and their registry. Adding a format is adding a file with one decorated function."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluators.tasks.request import REQUESTED, Request
from evaluators.tasks.task import Task
from search_spaces.errors import InputError, unknown_name
from search_spaces.registry import Registry


@dataclass(frozen=True)
class TaskFormat:
    """What the registry knows of one format.

    Attributes:
        name: registry name, for example ``nnunet``.
        looks_for: what makes it recognise a path, in words.
        recognises: whether a path holds a task of this format, by what is asked of it; never raises.
        opener: ``(path, request, *, <options>)`` to the task.
        precedence: formats are tried from low to high: the more explicit description wins over the looser one.
        options: names of the keyword options of ``opener``.
    """

    name: str
    looks_for: str
    recognises: Callable[[Path, Request], bool]
    opener: Callable[..., Task]
    precedence: int
    options: tuple[str, ...]

    def open(self, path: Path, request: Request, options: Mapping[str, Any]) -> Task:
        """Open ``path``; an option that this format does not have is an ``InputError``."""
        for option in options:
            if option not in self.options:
                kind = f"option of task format {self.name}"
                others = [other.name for other in TASK_FORMATS.values() if option in other.options]
                if others:
                    raise InputError(f"unknown {kind} '{option}'; {' and '.join(others)} have it")
                raise InputError(unknown_name(kind, option, (*self.options, *REQUESTED)))
        return self.opener(path, request, **options)


TASK_FORMATS: Registry[TaskFormat] = Registry("task format", "evaluators.tasks")


def task_format(
    name: str, *, looks_for: str, recognises: Callable[[Path, Request], bool], precedence: int
) -> Callable[[Callable[..., Task]], Callable[..., Task]]:
    """Function decorator that registers an opener; see ``TaskFormat`` for the arguments."""

    def register(opener: Callable[..., Task]) -> Callable[..., Task]:
        parameters = inspect.signature(opener).parameters.values()
        options = tuple(p.name for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY)
        TASK_FORMATS.add(name, TaskFormat(name, looks_for, recognises, opener, precedence, options))
        return opener

    return register
