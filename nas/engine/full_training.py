"""Train one architecture fully, outside any search, and export it."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Sequence
from pathlib import Path

from evaluators.evaluator import Assignment, Evaluation, Progress, run_to_end
from evaluators.fingerprint import fingerprint
from evaluators.training import resolve_device
from nas.config.checks import check
from nas.config.evaluation import final_evaluator, notes_on_finals
from nas.config.reading import apply_settings, as_given, read_config
from nas.config.sources import load_architecture
from nas.engine.launch import VERSIONED, prepare_checked
from nas.exports.export import cleaned_classes, mirrored, told_classes, told_scores, write_export
from nas.exports.place import check_free
from nas.profiles.inference import measure_inference
from search_spaces.errors import InputError

OF_A_SEARCH = ("limits", "resources", "start", "references")  # no matter for what the user chose


def train_fully(
    architecture: str,
    task: str | None,
    config: Path | None,
    settings: Sequence[str],
    out: Path,
    device: str,
    show: Callable[[str, int, int], None],
    tell: Callable[[Sequence[str]], None],
) -> Evaluation:
    """Train, score on the test cases, write an export folder, and return the evaluation.

    Args:
        architecture: see ``load_architecture``; a preset takes the dimensions of the task.
        task: path or name; wins over the config's.
        config: YAML config, also that of a run, of which the task, training, finals and seed keys count; the length is
            ``finals.steps`` where it is given, else ``training.steps``.
        settings: changes to single keys.
        out: folder to write.
        device: ``cpu`` or ``cuda``.
        show: called with (``reading labels``, ``reading cases``, ``preparing cases``, ``training`` or ``scoring``,
            done, total).
        tell: called with what a user should know of the data, before the training starts.
    """
    load_architecture(architecture)  # what is wrong with it is said before the task is opened
    check_free(out)
    resolve_device(device)
    data = apply_settings(read_config(config) if config else {}, settings)
    section = data.get("task")
    if task is not None and (section is None or isinstance(section, dict)):
        data["task"] = {**(section or {}), "path": task}
    data = {key: value for key, value in as_given(data).items() if key not in OF_A_SEARCH}
    checked = check(data, config.parent if config else Path(), reading=show)
    loaded = load_architecture(architecture, checked.task.dims)
    if loaded.dims != checked.task.dims:
        raise InputError(f"architecture is {loaded.dims}D, task '{checked.task.name}' is {checked.task.dims}D")
    checked, prepared = prepare_checked(checked, ("test",), show)
    tell([*prepared.notes, *notes_on_finals(checked.config, prepared)])
    settled = checked.config
    steps, seed = settled.finals.steps or settled.steps, settled.seed + 1
    evaluator = final_evaluator(settled)
    work = evaluator.evaluate(Assignment(loaded, prepared, steps, seed, "test", device))
    evaluation = run_to_end(work, lambda progress: _show(progress, show))
    weights = evaluation.weights()
    assert evaluation.network is not None
    assert weights is not None
    mirror = mirrored(settled.model_dump(), loaded.dims)
    measured = settled.finals.cost and measure_inference(
        loaded, prepared.preprocessing, mirror=mirror, gpu=device == "cuda"
    )
    about = {
        "task": checked.task.name,
        "params": sum(p.numel() for p in evaluation.network.parameters()),
        "data": fingerprint(prepared.records),
        "seed": seed,
        "steps": steps,
        "cases": "test",
        **told_scores(evaluation.metrics),
        **({"inference": measured.to_dict()} if measured else {}),
        **told_classes(settled.model_dump()),
        "mirror": mirror,
        "largest_part": cleaned_classes(evaluation.metrics),
        "versions": {name: importlib.metadata.version(name) for name in VERSIONED},
    }
    write_export(out, loaded, weights, prepared.preprocessing, about)
    return evaluation


def _show(progress: Progress, show: Callable[[str, int, int], object]) -> None:
    if progress.scored is None:
        show("training", progress.step, progress.steps)
    else:
        show("scoring", *progress.scored)
