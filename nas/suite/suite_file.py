"""What a suite file says: tasks by name, and a config that all of them share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nas.config.form_faults import shown
from nas.config.reading import copied, read_config
from nas.config.sources import locate
from search_spaces.errors import InputError, InputErrors
from search_spaces.yaml_file import is_yaml

OWN = ("tasks", "warm")  # keys of a suite; all others are those of a config


@dataclass(frozen=True)
class Member:
    """One task of a suite.

    Attributes:
        name: of the task in the suite.
        run: name of its run.
        config: the whole of it.
        folder: where its relative paths may start, beside the working folder.
    """

    name: str
    run: str
    config: dict[str, Any]
    folder: Path


def read_suite(path: Path) -> list[Member]:
    """The tasks of a suite file, in its order.

    ``tasks`` maps a name to a folder, a ``task`` section, or a config file, whose keys win over those of the suite.
    With ``warm`` (the default) every task but the first begins with what the ones before it taught, where the suite
    names no strategy. Raises ``InputErrors`` with everything that is wrong.
    """
    data = read_config(path)
    tasks, warm = data.get("tasks"), data.get("warm", True)
    faults: list[str] = []
    if not isinstance(tasks, Mapping) or not tasks:
        faults.append(f"suite '{path}': tasks: expected a mapping of names to tasks, got {shown(tasks)}")
    if type(warm) is not bool:
        faults.append(f"suite '{path}': warm: expected true or false, got {shown(warm)}")
    shared = {key: value for key, value in data.items() if key not in OWN}
    if "task" in shared:
        faults.append(f"suite '{path}': task: expected the tasks under 'tasks', got {shown(shared.pop('task'))}")
    members: list[Member] = []
    for name, entry in (tasks or {}).items() if isinstance(tasks, Mapping) else ():
        try:
            own, folder = _entry(str(name), entry, path.parent)
        except InputError as error:
            faults += [f"suite '{path}': {fault}" for fault in error.faults]
            continue
        config = copied({**shared, **own})
        if warm and members and "strategy" not in config:
            config["strategy"] = {"name": "transfer", "sources": [member.run for member in members]}
        members.append(Member(str(name), f"{path.stem}-{name}", config, folder))
    if faults:
        raise InputErrors(faults)
    return members


def _entry(name: str, entry: Any, folder: Path) -> tuple[dict[str, Any], Path]:
    """The keys of a task's own, and where its paths may start."""
    if not name or Path(name).name != name:
        raise InputError(f"tasks: expected plain names, without '/'; got {shown(name)}")
    if isinstance(entry, str) and is_yaml(Path(entry)):
        config = Path(locate(entry, folder, known=()))
        return read_config(config), config.parent
    if isinstance(entry, str):
        return {"task": {"path": entry}}, folder
    if isinstance(entry, Mapping):
        return {"task": dict(entry)}, folder
    raise InputError(f"tasks.{name}: expected a folder, a task section or a config file; got {shown(entry)}")
