"""From a config to the things a search needs, with every fault of meaning found before anything is started."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from evaluators.evaluator import EVALUATORS, Evaluator
from evaluators.tasks import Task, open_task
from evaluators.tasks.phantom import NAMES as TASK_NAMES
from nas.config.config import Config, parse_config
from nas.config.evaluation import evaluators_of
from nas.config.sources import load_architectures, locate, modules_outside
from nas.quantities import format_count
from nas.run import RUNS
from nas.strategies import STRATEGIES, Strategy
from nas.strategies.strategy import Admits
from nas.tracking.telling import check_trackers
from search_spaces.architecture.architecture import Architecture
from search_spaces.errors import InputError, InputErrors
from search_spaces.hosts import HOSTS
from search_spaces.plugins import import_class, import_plugins
from search_spaces.space.space_file import load_space, space_names
from search_spaces.space.union import SearchSpace


@dataclass(frozen=True)
class Checked:
    """A sound config and what it names, opened.

    ``path``: where the task is, from any working folder; ``start`` and ``references``: architectures by name;
    ``plugins``: likewise from any working folder; ``notes``: what a user should know before the start.
    """

    config: Config
    path: str
    task: Task
    space: SearchSpace
    start: Mapping[str, Architecture]
    references: Mapping[str, Architecture]
    plugins: Sequence[str] = ()
    notes: Sequence[str] = ()


ShowReading = Callable[[str, int, int], object]  # told what is done with the data, how much is, and of how much


def check(
    data: Mapping[str, Any],
    folder: Path,
    here: bool = True,
    reading: ShowReading = lambda what, done, total: None,
    runs: Path = RUNS,
    resumed: Path | None = None,
) -> Checked:
    """Check a config whole.

    Args:
        data: the config.
        folder: where its relative paths may also start.
        here: whether trials run on this machine, so that its GPUs count.
        reading: told how far labels are read, where something has to be found out from them.
        runs: folder of runs, where earlier ones are looked for.
        resumed: folder of the run that goes on, where one does.

    Raises:
        InputErrors: one line for each fault of form and of meaning, all together.
    """
    faults: list[str] = []
    plugins = data.get("plugins", [])
    try:  # first: what follows may name what they register
        sound = isinstance(plugins, list) and all(isinstance(name, str) for name in plugins)
        plugins = import_plugins(plugins, folder) if sound else []
    except InputError as error:
        faults += error.faults
    modules, of_classes = _import_classes(data, folder)
    plugins = list(dict.fromkeys([*plugins, *modules]))
    faults += itertools.chain.from_iterable(of_classes.values())
    parsed = parse_config({key: value for key, value in data.items() if key not in of_classes})
    config, faults = parsed.config, faults + parsed.faults
    path = locate(config.task.path, folder, known=TASK_NAMES)
    task: Task | None = None
    space: SearchSpace | None = None
    try:
        if "task" in parsed.faulty:  # opened with defaults for what is wrong it would show faults that are none
            _check_there(path)
        else:
            task = open_section(config, path, reading)
            faults += _check_sizes(config, task)
    except InputError as error:
        faults += error.faults
    try:
        space = _open_space(config, folder, task)
    except InputError as error:
        faults += error.faults
    given: dict[str, Mapping[str, Architecture]] = {"start": {}, "references": {}}
    for key in given:
        try:
            given[key] = load_architectures(getattr(config, key), folder, task.dims if task else config.task.dims)
        except InputError as error:
            faults += [f"{key}: {fault}" for fault in error.faults]
    try:
        plugins = list(dict.fromkeys([*plugins, *modules_outside(given["references"].values(), folder)]))
    except InputError as error:
        faults += [f"references: {fault}" for fault in error.faults]
    faults += [
        f"start: '{name}' is not made of this tool's hosts, which a search needs; expected it under references"
        for name, one in given["start"].items()
        if HOSTS[one.host].outside
    ]
    faults += check_trackers(config.tracking)
    if config.references and not config.finals.seeds:
        faults.append("finals.seeds: expected at least 1, the finals train the references; got 0")
    if config.start and config.limits.trials <= len(config.start):
        wanted = 1 + len(config.start)
        faults.append(
            f"limits.trials: expected at least {wanted}, the plain network and the starts; got {config.limits.trials}"
        )
    if here and config.resources.gpus_per_trial and not torch.cuda.is_available():
        asked = config.resources.gpus_per_trial
        got = asked if asked == "auto" else f"{asked:g}"
        faults.append(f"resources.gpus_per_trial: expected 0, there is no GPU here; got {got}")
    if task and space and "space" not in parsed.faulty:
        faults += _check_limits(config, task, space)
    if task:
        faults += _check_start(config, task, given["start"])
    if space and "strategy" not in parsed.faulty:
        try:
            make_strategy(config, space, lambda architecture: True).prepare(runs, resumed)
        except InputError as error:
            faults += error.faults
    if space and "evaluator" not in parsed.faulty:
        try:
            evaluators_of(config, space)
        except InputError as error:
            faults += error.faults
    if faults or task is None or space is None:
        raise InputErrors(faults)
    return Checked(config, path, task, space, given["start"], given["references"], plugins)


def _import_classes(data: Mapping[str, Any], folder: Path) -> tuple[list[str], dict[str, list[str]]]:
    """Import what the config names by a dotted path: the modules, and what is wrong, by key."""

    def name_in(key: str) -> Any:
        section = data.get(key)
        return section.get("name") if isinstance(section, Mapping) else section if key == "evaluator" else None

    named: dict[str, Callable[[], list[str]]] = {
        "strategy": lambda: import_class(name_in("strategy"), STRATEGIES, Strategy, folder),
        "evaluator": lambda: import_class(name_in("evaluator"), EVALUATORS, Evaluator, folder),
    }
    modules: list[str] = []
    faults: dict[str, list[str]] = {}
    for key, imported in named.items():
        try:
            modules += imported()
        except InputError as error:
            faults[key] = error.faults
    return modules, faults


def make_strategy(config: Config, space: SearchSpace, admits: Admits) -> Strategy:
    """The strategy that a config names, with its settings. Raises ``InputError`` on one out of range."""
    section = config.strategy
    return STRATEGIES[section.name](space=space, admits=admits, seed=config.seed, **section.settings)


def open_section(config: Config, path: str, reading: ShowReading) -> Task:
    """The task of a config's ``task`` section, which is at ``path``."""
    preprocessing = {"path", "split_seed", "size", "spacing", "patch", "normalisation", "duplicates"}
    asked = config.task.model_dump(exclude=preprocessing)
    return open_task(
        path, seed=config.task.split_seed, progress=lambda done, total: reading("reading labels", done, total), **asked
    )


def _check_there(path: str) -> None:
    if path not in TASK_NAMES and not Path(path).exists():
        raise InputError(f"task '{path}': no such file or folder, and no task of that name")


def _open_space(config: Config, folder: Path, task: Task | None) -> SearchSpace:
    """The space; of a task that could not be opened the dimensions may not be known, then either will do."""
    source = config.space
    if isinstance(source, str):
        source = locate(source, folder, known=space_names())
    known = task.dims if task else config.task.dims
    attempts: list[InputError] = []
    for dims in [known] if known else [2, 3]:
        try:
            return load_space(source, dims)
        except InputError as error:
            attempts.append(error)
    raise min(attempts, key=lambda error: len(error.faults))


def check_admissible(checked: Checked, size: tuple[int, ...]) -> None:
    """Raise ``InputError`` when the limits leave no network at all, or a reference cannot be built for the task.

    ``size``: of the patch, on which MACs depend.
    """
    config, task, space = checked.config, checked.task, checked.space
    for name, reference in checked.references.items():  # the code of one that is not ours may refuse the task
        try:
            reference.cost(task.channels, len(task.classes), size)
        except InputError as error:
            raise InputErrors([f"references: '{name}': {fault}" for fault in error.faults]) from None
    if config.limits.macs is None:
        return  # the limit on parameters alone was checked before the task was read
    networks = space.plain_networks()
    if not any(admits(checked, network, size) for network in networks):
        fewest = min(network.cost(task.channels, len(task.classes), size).macs for network in networks)
        if fewest <= config.limits.macs:
            raise InputError("limits: no network of the space is within both limits.params and limits.macs")
        raise InputError(
            f"limits.macs: expected at least {fewest} ({format_count(fewest)}), what the lightest network of the space "
            f"takes on {' x '.join(map(str, size))}; got {config.limits.macs}"
        )
    for name, architecture in checked.start.items():
        cost = architecture.cost(task.channels, len(task.classes), size)
        if cost.macs > config.limits.macs:
            raise InputError(
                f"start: '{name}' takes {cost.macs} MACs ({format_count(cost.macs)}) on {' x '.join(map(str, size))}; "
                f"expected at most limits.macs, {config.limits.macs}"
            )


def admits(checked: Checked, architecture: Architecture, size: tuple[int, ...]) -> bool:
    """Whether an architecture is within the limits, from its exact cost."""
    limits = checked.config.limits
    if limits.depth is not None and halvings(architecture) > limits.depth:
        return False
    cost = architecture.cost(checked.task.channels, len(checked.task.classes), size)
    return (limits.params is None or cost.params <= limits.params) and (limits.macs is None or cost.macs <= limits.macs)


def halvings(architecture: Architecture) -> int:
    """How often a network halves the image, where its host has that as a choice, else 0."""
    depth = dict(architecture.options).get("depth", 0)
    assert isinstance(depth, int)
    return depth


def shallowest(space: SearchSpace) -> int:
    """The fewest halvings of a network of the space."""
    return min(map(halvings, space.plain_networks()))


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


def _check_limits(config: Config, task: Task, space: SearchSpace) -> list[str]:
    if config.limits.depth is not None and config.limits.depth < (least := shallowest(space)):
        return [f"limits.depth: expected at least {least}, the fewest of the space; got {config.limits.depth}"]
    if config.limits.params is None:
        return []
    smallest, params = space.smallest(task.channels, len(task.classes))
    if params <= config.limits.params:
        return []
    return [
        f"limits.params: expected at least {params} ({format_count(params)}), the smallest network of the space "
        f"({smallest}); got {config.limits.params}"
    ]


def _check_start(config: Config, task: Task, start: Mapping[str, Architecture]) -> list[str]:
    limit = config.limits.params
    if limit is None:
        return []
    size = (32,) * task.dims  # parameters do not depend on it
    ours = {name: one for name, one in start.items() if not HOSTS[one.host].outside}  # others are a fault as such
    costs = {name: one.cost(task.channels, len(task.classes), size).params for name, one in ours.items()}
    return [
        f"start: '{name}' has {params} parameters ({format_count(params)}); expected at most limits.params, {limit}"
        for name, params in costs.items()
        if params > limit
    ]
