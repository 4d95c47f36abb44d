"""Launch or resume a search."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import yaml

from evaluators.files import check_can_hold, write_text
from evaluators.fingerprint import fingerprint
from evaluators.preprocessing import PreparedTask, Preprocessing, prepare
from evaluators.tasks.faults import raise_faults
from evaluators.tasks.task import SPLITS
from nas.config.checks import Checked, ShowReading, admits, check, check_admissible, make_strategy
from nas.config.config import Config
from nas.config.evaluation import evaluators_of, notes_on_finals
from nas.config.form_faults import shown
from nas.config.reading import OF_A_RUN, apply_settings, as_given, read_config
from nas.config.sections import LimitsSection
from nas.config.settling import settle, with_settled
from nas.engine.gpu_bytes import gpu_bytes
from nas.engine.inference_costs import measure_finalists
from nas.engine.plan import Plan
from nas.engine.ray_cluster import Cluster, Resources
from nas.engine.ray_share import resources_of
from nas.engine.ray_trials import run_trials
from nas.engine.ray_worker import WithPlugins
from nas.engine.schedule import Schedule
from nas.engine.tracked import Tracked
from nas.engine.watcher import Watcher
from nas.one_core import one_core
from nas.records.cases import check_same_cases, write_cases
from nas.records.journal import Journal
from nas.records.lock import locked
from nas.run import RUNS, Run, is_run
from nas.strategies.budget import Budget, box_of
from nas.tracking.telling import Telling
from search_spaces.architecture.architecture import Architecture
from search_spaces.architecture.cost import Cost
from search_spaces.errors import InputError

DEFAULT = Path(__file__).parents[1] / "config" / "default.yaml"
VERSIONED = ("attention-nas", "torch", "monai", "ray", "nni", "numpy")
MAY_CHANGE = (
    "limits",
    "resources",
    "finals",
    "tracking",
    "references",
    "plugins",
    "task.duplicates",
    *OF_A_RUN,
)  # of a config, between sessions of one run
FIXED = ("finals.folds", "finals.tolerance")  # but for these, once a final has ended: others would not compare with it
ROOM = ("trials", "time", "params", "macs", "depth")  # limits that end a search; the last where all within was tried
BEFORE = "its finals had begun"  # why a search ended, where all that is known is that it was killed after


@one_core()
def search(
    config: Mapping[str, Any] | str | Path | None = None,
    *,
    beside: Path | None = None,
    settings: Sequence[str] = (),
    run: str | None = None,
    resume: bool = False,
    runs: str | Path = RUNS,
    address: str | None = None,
    cluster: Cluster | None = None,
    watcher: Watcher | None = None,
    reading: ShowReading = lambda what, done, total: None,
) -> Run:
    """Search, retrain the front, and leave a run folder.

    Args:
        config: a mapping, the path of a YAML file, or None for the default phantom task.
        beside: folder in which the relative paths of a mapping may start too; those of a file may beside it.
        settings: changes to single keys, as ``training.steps=800``.
        run: name of the run; left out, the config's file name, with a number when that is taken.
        resume: go on with a run that exists; the config may then be left out.
        runs: folder of runs.
        address: of a running Ray cluster; None: that of ``RAY_ADDRESS`` or of this process, else one is started here.
        cluster: Ray, already started or reached; then ``address`` does not count.
        watcher: told what goes on.
        reading: called with (``reading labels``, ``reading cases`` or ``preparing cases``, how many are, of how many).

    Raises:
        InputErrors: everything that is wrong with what was asked for, before anything is written.
    """
    data, own_folder, stem = _read(config)
    beside = beside or own_folder
    folder = _folder(Path(runs), run, stem, resume)
    stored = Run(folder).config if resume else None
    if stored is not None and config is None:
        data = as_given(stored)
    data = apply_settings(data, settings)
    if stored is not None:
        data = with_settled(data, stored)
    joined = cluster or Cluster(address)
    checked = check(data, beside, joined.here, reading, Path(runs), folder if resume else None)
    if stored is not None:
        _same(stored, resolved(checked, None), FIXED if _finals_began(folder) else ())
    scored = ("val", "test") if checked.config.finals.seeds else ("val",)
    settled = None if stored is None else Preprocessing.from_dict(stored["preprocessing"])
    checked, task = prepare_checked(checked, scored, reading, settled)
    if stored is not None:
        check_same_cases(folder, task.records)
    check_admissible(checked, task.preprocessing.patch)
    watcher = watcher or Watcher()
    of_finals = notes_on_finals(checked.config, task) if checked.config.finals.seeds else []
    watcher.noted([*checked.notes, *task.notes, *of_finals])
    with nullcontext(joined) if cluster else joined:
        section = checked.config.resources
        resources = resources_of(section, lambda: gpu_bytes(checked, task), lambda line: watcher.noted([line]))
        workers = joined.workers(resources)
        if stored is None:
            folder = _create(Path(runs), run, stem)
        with locked(folder):
            if stored is None:
                write_cases(folder, task.records)
            whole = resolved(checked, task)
            write_text(folder / "config.yaml", yaml.safe_dump(whole, sort_keys=False))
            reopened = stored is not None and (Run(folder).is_open or _raised(stored["limits"], checked.config.limits))
            telling = Telling(
                folder.name,
                folder.resolve(),
                whole,
                checked.config.tracking,
                lambda line: watcher.noted([line]),
            )
            try:
                tracked = Tracked(watcher, telling)
                return _run(checked, task, Run(folder), resources, workers, reopened, tracked, joined.here)
            finally:
                telling.close()


def _run(
    checked: Checked,
    task: PreparedTask,
    run: Run,
    resources: Resources,
    workers: int,
    reopened: bool,
    watcher: Watcher,
    here: bool,
) -> Run:
    config, space, layout = checked.config, checked.space, task.preprocessing

    def cost_of(architecture: Architecture) -> Cost:
        return architecture.cost(layout.channels, len(layout.classes), layout.patch)

    def params_of(architecture: Architecture) -> int:
        return cost_of(architecture).params

    def within(architecture: Architecture) -> bool:
        return admits(checked, architecture, layout.patch)

    box = box_of(space, within, layout.channels, len(layout.classes), config.limits.params)
    strategy = make_strategy(config, space, Budget(within, params_of, box))
    strategy.prepare(run.folder.parent, run.folder)
    schedule = Schedule(
        trials=config.limits.trials,
        seconds=config.limits.time,
        steps=config.steps,
        final_steps=config.final_steps,
        final_seeds=config.finals.seeds,
        candidates=config.finals.candidates,
        controls=config.finals.controls,
        match_references=config.finals.match_references,
        leave_out=config.finals.leave_out,
        racing=config.finals.racing,
        seed=config.seed,
        workers=workers,
        reopened=reopened,
        trial_seconds=config.limits.trial_time,
        rungs=config.rungs,
        reduction=config.fidelity.reduction,
        final_folds=config.finals.folds or 1,
        start=tuple(checked.start.values()),
        references={architecture: name for name, architecture in checked.references.items()},
    )
    plan = Plan(strategy, schedule, Journal(run.folder / "journal.jsonl"), run.folder, cost_of, watcher)

    def written() -> Run:
        found = Run(run.folder)
        found.write_front(
            max(workers, plan.workers) * config.resources.cpus_per_trial,
            box,
            plan.ended or (None if plan.searching else found.summary.get("ended") or BEFORE),
        )
        return found

    if reopened and not run.is_open:
        written()  # tells a session after this one, stopped before its first new trial, that limits were raised
    try:
        run_trials(
            plan,
            task,
            WithPlugins(evaluators_of(config, space), tuple(checked.plugins)),
            resources,
            tell=lambda line: watcher.noted([line]),
        )
    finally:
        finished = written()
    if config.finals.cost and measure_finalists(finished, layout, checked, resources, here, watcher):
        return written()
    return finished


def prepare_checked(
    checked: Checked,
    scored: Sequence[str] = ("val", "test"),
    reading: ShowReading = lambda what, done, total: None,
    layout: Preprocessing | None = None,
) -> tuple[Checked, PreparedTask]:
    """Read and preprocess the task of a checked config, and settle it; see ``prepare`` for the other arguments."""
    section = checked.config.task
    for split in ("train", "val", "test"):
        if not checked.task.split(split):
            raise InputError(f"task '{section.path}': the split '{split}' is empty")
    task = prepare(
        checked.task,
        size=section.size,
        spacing=section.spacing,
        patch=section.patch,
        normalisation=section.normalisation,
        scored=scored,
        layout=layout,
        duplicates=section.duplicates,
        progress=reading,
    )
    return settle(checked, task.decisions), task


def resolved(checked: Checked, task: PreparedTask | None) -> dict[str, Any]:
    """The config with everything written out: paths, mechanisms and their choices, versions."""
    data = checked.config.model_dump()
    data["task"]["path"] = checked.path
    data["task"]["dims"] = checked.task.dims
    data["plugins"] = list(checked.plugins)
    data["space"] = checked.space.to_dict()
    for key, given in (("start", checked.start), ("references", checked.references)):
        data[key] = {name: architecture.to_dict() for name, architecture in given.items()}
    data["versions"] = {name: importlib.metadata.version(name) for name in VERSIONED} | {
        "python": platform.python_version()
    }
    if task is not None:
        data["preprocessing"] = task.preprocessing.to_dict()
        parts = {split: len(getattr(task, split)) for split in SPLITS}
        data["data"] = {"fingerprint": fingerprint(task.records), "cases": parts}
    return data


def _read(config: Mapping[str, Any] | str | Path | None) -> tuple[dict[str, Any], Path, str]:
    """The config's mapping, the folder its relative paths may start from, and a name for its runs."""
    if config is None:
        return read_config(DEFAULT), Path(), "phantom"
    if isinstance(config, Mapping):
        return dict(config), Path(), "search"
    path = Path(config)
    return read_config(path), path.parent, path.stem


def _folder(runs: Path, name: str | None, stem: str, resume: bool) -> Path:
    if not resume:
        check_can_hold(runs)
    if name is not None:
        if not name or Path(name).name != name:
            raise InputError(f"run name '{name}': expected a plain name, without '/'")
        folder = runs / name
        if os.path.lexists(folder) and not resume:
            raise InputError(f"run '{name}' exists in '{runs}/'; expected a new name, or --resume to go on with it")
    else:
        numbered = [runs / (stem if number == 1 else f"{stem}-{number}") for number in range(1, 10_000)]
        free = next(index for index, folder in enumerate(numbered) if not os.path.lexists(folder))
        folder = numbered[max(free - 1, 0)] if resume else numbered[free]
    if resume and not is_run(folder):
        raise InputError(f"run '{folder.name}' does not exist in '{runs}/'; there is nothing to resume")
    return folder


def _create(runs: Path, name: str | None, stem: str) -> Path:
    """Make the folder of a new run; while its task was read, another search may have taken the name."""
    while True:
        folder = _folder(runs, name, stem, resume=False)
        try:
            folder.mkdir(parents=True)
            return folder
        except FileExistsError:
            continue


def _finals_began(folder: Path) -> bool:
    return any(trial.phase == "final" for trial in Journal(folder / "journal.jsonl").read())


def _same(stored: Mapping[str, Any], asked: Mapping[str, Any], fixed: Sequence[str] = ()) -> None:
    """A resumed run must be the same search: its trials would not be comparable otherwise.

    ``fixed``: keys that may not change either, of the sections that may.
    """
    before, now = (
        {
            key: value
            for key, value in _flat(data).items()
            if not {key, key.split(".")[0]}.intersection(MAY_CHANGE) or key in fixed
        }
        for data in (stored, asked)
    )
    defaults = _flat(Config().model_dump())
    raise_faults(
        [
            f"{key}: cannot change when a run is resumed; the run has {shown(before.get(key))}, "
            f"got {shown(now.get(key))}"
            for key in dict.fromkeys([*before, *now])
            if key.split(".")[0] in stored  # else a section that there was not, when the run began
            and before.get(key) != now.get(key)
            and (key in before or now[key] != defaults.get(key))  # else a key that there was not
        ],
        limit=8,
    )


def _raised(before: Mapping[str, Any], now: LimitsSection) -> bool:
    """Whether a search that ended at its limits has more room than it had."""
    limits = {key: (before.get(key), getattr(now, key)) for key in ROOM}
    return any(had is not None and (has is None or has > had) for had, has in limits.values())


def _flat(data: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Every value that is no mapping by its dotted key."""
    flat: dict[str, Any] = {}
    for key, value in data.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) and value else {f"{prefix}{key}": value}
    return flat
