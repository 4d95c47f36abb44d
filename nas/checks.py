"""From a config to the things a search needs, with every fault of meaning found before anything is started."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from evaluators.evaluator import EVALUATORS
from evaluators.tasks import Task, open_task
from nas.config import Config, parse_config
from nas.quantities import format_count
from search_spaces.architecture import Architecture
from search_spaces.errors import InputError, InputErrors, unknown_name
from search_spaces.space import Space
from search_spaces.space_file import load_space


@dataclass(frozen=True)
class Checked:
    """A sound config and what it names, opened."""

    config: Config
    task: Task
    space: Space


def check(data: Mapping[str, Any], folder: Path) -> Checked:
    """Check a config whole. ``folder``: where its relative paths may also start.

    Raises ``InputErrors`` with one line for each fault of form and of meaning, all together.
    """
    config, faults = parse_config(data)
    sections = {fault.split(":")[0].split(".")[0] for fault in faults}
    task: Task | None = None
    space: Space | None = None
    if "task" not in sections:
        try:
            task = open_section(config, folder)
            faults += _check_sizes(config, task)
        except InputError as error:
            faults += error.faults
    try:
        source = config.space
        if isinstance(source, str) and not Path(source).exists() and (folder / source).exists():
            source = str(folder / source)
        space = load_space(source, task.dims if task else config.task.dims or 2)
    except InputError as error:
        faults += error.faults
    if config.evaluator not in EVALUATORS:
        faults.append(unknown_name("evaluator", config.evaluator, EVALUATORS))
    if config.resources.gpus_per_trial and not torch.cuda.is_available() and "resources" not in sections:
        faults.append(
            f"resources.gpus_per_trial: expected 0, there is no GPU here; got {config.resources.gpus_per_trial:g}"
        )
    if task and space:
        faults += _check_limits(config, task, space)
    if faults or task is None or space is None:
        raise InputErrors(faults)
    return Checked(config, task, space)


def open_section(config: Config, folder: Path) -> Task:
    """The task that a config's ``task`` section names."""
    section = config.task
    path: str | Path = section.path
    if not Path(path).expanduser().exists() and (folder / path).exists():
        path = folder / path
    return open_task(
        path,
        format=section.format,
        classes=section.classes,
        dims=section.dims,
        split=section.split,
        seed=section.split_seed,
        groups=section.groups,
        images=section.images,
        labels=section.labels,
    )


def admits(config: Config, architecture: Architecture, task: Task, size: tuple[int, ...]) -> bool:
    """Whether an architecture is within the limits, from its exact cost."""
    cost = architecture.cost(task.channels, len(task.classes), size)
    limits = config.limits
    return (limits.params is None or cost.params <= limits.params) and (limits.macs is None or cost.macs <= limits.macs)


def _check_sizes(config: Config, task: Task) -> list[str]:
    section = config.task
    lists = {"size": section.size, "patch": section.patch}
    if isinstance(section.spacing, list):
        lists["spacing"] = section.spacing  # type: ignore[assignment]
    faults = [
        f"task.{name}: expected {task.dims} numbers for a {task.dims}D task, got {len(values)}"
        for name, values in lists.items()
        if values is not None and len(values) != task.dims
    ]
    flip = config.training.augmentation.flip
    if isinstance(flip, list) and len(flip) != task.dims:
        faults.append(f"training.augmentation.flip: expected one number or {task.dims}, got {len(flip)}")
    return faults


def _check_limits(config: Config, task: Task, space: Space) -> list[str]:
    if config.limits.params is None:
        return []
    smallest, params = space.smallest(task.channels, len(task.classes))
    if params <= config.limits.params:
        return []
    return [
        f"limits.params: expected at least {params} ({format_count(params)}), the smallest network of the space "
        f"({smallest}); got {config.limits.params}"
    ]
