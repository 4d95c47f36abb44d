"""Opening a task by name or path."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evaluators.tasks.labels import ClassRules
from evaluators.tasks.task import Task
from evaluators.tasks.task_format import TASK_FORMATS, Request, TaskFormat
from search_spaces.errors import InputError


def open_task(
    name_or_path: str | Path,
    *,
    format: str = "auto",
    classes: ClassRules | None = None,
    dims: int | None = None,
    split: Mapping[str, float] | None = None,
    seed: int = 0,
    **options: Any,
) -> Task:
    """Open a segmentation task: list its cases, check them, split them. Pixels are read by ``Task.read``.

    Args:
        name_or_path: ``phantom2d``, ``phantom3d``, or a folder or file in one of the formats.
        format: name in ``TASK_FORMATS``, or ``auto`` to try them all.
        classes: class name to label values, a threshold or ``instances``; see ``labels.parse_classes``.
            Without it, the data set's own classes, else what the training labels show (all are read).
        dims: 2 or 3; without it, what the first training label has.
        split: fractions ``val`` and ``test`` (0.2 each by default) of the training cases, for the parts that the
            data set does not have itself.
        seed: of the made split, and of generated cases.
        options: of the format, for example ``images`` and ``labels`` of ``folders``; one that the format does not
            have is an error, one that is ``None`` counts as not given.

    Raises:
        InputError: all that is wrong with the files' listing, one line each.
    """
    if dims not in (None, 2, 3):
        raise InputError(f"dims: expected 2 or 3, got {dims!r}")
    path = Path(name_or_path).expanduser()
    chosen = _recognise(path) if format == "auto" else TASK_FORMATS[format]
    given = {option: value for option, value in options.items() if value is not None}
    return chosen.open(path, Request(classes, dims, split, seed), given)


def _recognise(path: Path) -> TaskFormat:
    formats = sorted(TASK_FORMATS.values(), key=lambda entry: entry.precedence)
    for entry in formats:
        if entry.recognises(path):
            return entry
    what = "found no task in it" if path.exists() else "no such file or folder, and no task of that name"
    looked_for = "; ".join(f"{entry.looks_for} ({entry.name})" for entry in formats)
    raise InputError(f"task '{path}': {what}; looked for {looked_for}")
