"""Opening a task by name or path."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from evaluators.tasks.request import REQUESTED, Request
from evaluators.tasks.task import Task
from evaluators.tasks.task_format import TASK_FORMATS, TaskFormat
from search_spaces.errors import InputError


def open_task(name_or_path: str | Path, *, format: str = "auto", **asked: Any) -> Task:
    """Open a segmentation task: list its cases, check them, split them. Images are read by ``Task.read``.

    The labels are read here, once, where they have to tell something: classes or dimensions that are not given, the
    own values of ranges and thresholds, what is to be dealt out over the parts of a split that has to be made.

    Args:
        name_or_path: ``phantom2d``, ``phantom3d``, or a folder or file in one of the formats.
        format: name in ``TASK_FORMATS``, or ``auto`` to try them all.
        asked: the attributes of ``Request``, and options of the format, for example ``images`` and ``labels`` of
            ``folders``; one that is neither is an error, one that is ``None`` counts as not given.

    Raises:
        InputError: all that is wrong with the files' listing, one line each.
    """
    given = {name: value for name, value in asked.items() if value is not None}
    request = Request(**{name: given.pop(name) for name in REQUESTED if name in given})
    path = Path(name_or_path).expanduser()
    chosen = _recognise(path, request) if format == "auto" else TASK_FORMATS[format]
    return chosen.open(path, request, given)


def _recognise(path: Path, request: Request) -> TaskFormat:
    formats = sorted(TASK_FORMATS.values(), key=lambda entry: entry.precedence)
    for entry in formats:
        if entry.recognises(path, request):
            return entry
    what = "found no task in it" if path.exists() else "no such file or folder, and no task of that name"
    looked_for = "; ".join(f"{entry.looks_for} ({entry.name})" for entry in formats)
    raise InputError(f"task '{path}': {what}; looked for {looked_for}")
