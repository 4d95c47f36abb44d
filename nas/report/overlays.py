"""Predictions over images: of each network of the front the worst, the median and the best case, errors in colour."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image
from safetensors.torch import load_file

from evaluators.fingerprint import record
from evaluators.labelling import IGNORED
from evaluators.scoring import mean_score
from evaluators.tasks.task import Case, Sample, Task
from nas.config.checks import open_section
from nas.config.config import Config
from nas.evidence.front import Front
from nas.exports.export import ExportedModel, cleaned_classes, mirrored
from nas.exports.prediction import segment
from nas.records.cases import read_cases
from nas.records.trial import Trial
from nas.run import Run
from search_spaces.errors import InputError

MOST = 6  # networks
SIDE = 320  # pixels of the longer side of a picture
# Told apart by those who see few colours too: Okabe and Ito, Color Universal Design, 2008, https://jfly.uni-koeln.de/color.
MISSED, EXTRA, CONFUSED, RIGHT = (230, 159, 0), (86, 180, 233), (204, 121, 167), (255, 255, 255)
OPAQUE = 0.75


@dataclass(frozen=True)
class Overlay:
    """One picture.

    Attributes:
        rank: ``worst``, ``median`` or ``best``, by mean Dice over classes.
        case: its name.
        dice: of the trained network on it.
        plane: which slice of a volume is shown; empty for a picture.
        missed, extra, confused: voxels of the whole case: shown by the reference alone, predicted alone, and predicted
            as another class.
        picture: PNG as a data address.
    """

    rank: str
    case: str
    dice: float
    plane: str
    missed: int
    extra: int
    confused: int
    picture: str


def overlays_of(run: Run, front: Front) -> tuple[dict[str, list[Overlay]], list[str]]:
    """Pictures by key of the network, and a line for what could not be shown, with the reason."""
    trained = [(point, trial) for point in front.points if (trial := run.trained(point)) is not None]
    if not trained:
        return {}, ["no predictions over images: the run kept no trained weights of its front"]
    try:
        config = Config.model_validate({"task": run.config["task"]})
        task = open_section(config, config.task.path, lambda what, done, total: None)
        seen = {one.name: one for one in read_cases(run.folder)}
    except InputError as error:
        return {}, [f"no predictions over images: {error}"]
    cases = {case.name: case for case in task.split("test")}
    found: dict[str, list[Overlay]] = {}
    notes: dict[str, None] = {}
    samples: dict[str, Sample | str] = {}
    for point, trial in trained[-MOST:]:
        model = _model(run, trial)
        for rank, name in _chosen(trial, cases):
            if name not in samples:
                samples[name] = _read(task, cases[name], seen)
            sample = samples[name]
            if isinstance(sample, str):
                notes[sample] = None
                continue
            dice = mean_score({name: trial.cases[name]})
            found.setdefault(point.architecture.key, []).append(_overlay(model, sample, rank, name, dice))
    return found, list(notes)


def _chosen(trial: Trial, cases: Mapping[str, Case]) -> list[tuple[str, str]]:
    """The worst, the median and the best of the cases that there are."""
    scores = {name: mean_score({name: given}) for name, given in trial.cases.items() if name in cases}
    order = sorted((name for name in scores if not np.isnan(scores[name])), key=lambda name: (scores[name], name))
    if len(order) < 3:
        return list(zip(("worst", "best"), order, strict=False))
    return [("worst", order[0]), ("median", order[len(order) // 2]), ("best", order[-1])]


def _read(task: Task, case: Case, seen: Mapping[str, Any]) -> Sample | str:
    """The case as the run saw it; else why it is not."""
    try:
        sample = task.read(case)
    except InputError as error:
        return f"case '{case.name}' is not shown: {error}"
    if case.name not in seen or record(case, sample) != seen[case.name]:
        return f"case '{case.name}' is not shown: it is another image or label than the run has seen"
    return sample


def _model(run: Run, trial: Trial) -> ExportedModel:
    layout = run.preprocessing
    network = trial.architecture.build(layout.channels, len(layout.classes))
    network.load_state_dict(load_file(run.folder / str(trial.weights)))
    mirror = tuple(mirrored(run.config, trial.architecture.dims))
    largest = tuple(1 + layout.classes.index(name) for name in cleaned_classes(trial.metrics))
    return ExportedModel(trial.architecture, layout, network.eval(), mirror, largest, {})


def _overlay(model: ExportedModel, sample: Sample, rank: str, name: str, dice: float) -> Overlay:
    label = sample.label
    assert label is not None
    prediction = segment(model, sample)
    counted = label != IGNORED
    missed = counted & (label > 0) & (prediction == 0)
    extra = counted & (label == 0) & (prediction > 0)
    confused = counted & (label > 0) & (prediction > 0) & (label != prediction)
    right = counted & (label > 0) & (label == prediction)
    kinds: tuple[np.ndarray, ...] = (missed, extra, confused, right)
    wrong = [int(kind.sum()) for kind in kinds[:3]]
    image, spacing, plane = sample.image, sample.spacing, ""
    if image.ndim == 4:
        axis = model.preprocessing.slice_axis
        axis = int(np.argmax(spacing)) if axis is None else axis
        at = _telling(missed | extra | confused, right, axis)
        kinds = tuple(np.rot90(kind.take(at, axis)) for kind in kinds)
        image = np.rot90(image.take(at, 1 + axis), axes=(1, 2))
        plane = f"slice {1 + at} of {label.shape[axis]}"
        spacing = tuple(step for place, step in enumerate(spacing) if place != axis)[::-1]
    shown = _address(_painted(image, kinds), spacing)
    return Overlay(rank, name, round(dice, 4), plane, wrong[0], wrong[1], wrong[2], shown)


def _telling(wrong: np.ndarray, right: np.ndarray, axis: int) -> int:
    """The slice with most errors; without any, with most of what is right."""
    others = tuple(place for place in range(wrong.ndim) if place != axis)
    return int(np.argmax((wrong if wrong.any() else right).sum(others)))


def _painted(image: np.ndarray, kinds: Sequence[np.ndarray]) -> np.ndarray:
    """``(channels, height, width)`` in grey, or in colour where there are three, and the kinds of voxels over it."""
    shown = image if len(image) == 3 else image[:1].repeat(3, 0)
    low, high = np.percentile(shown, (1, 99))
    picture = np.clip((shown.transpose(1, 2, 0) - low) / max(high - low, 1e-9), 0, 1) * 255
    *wrong, right = kinds
    for mask, colour in zip(wrong, (MISSED, EXTRA, CONFUSED), strict=True):
        picture[mask] += OPAQUE * (np.array(colour) - picture[mask])
    edge = right & ~_inner(right)
    picture[edge] += OPAQUE * (np.array(RIGHT) - picture[edge])
    return picture.astype(np.uint8)


def _inner(mask: np.ndarray) -> np.ndarray:
    """Without its border: voxels all of whose four neighbours are in it."""
    wide = np.pad(mask, 1)
    return wide[:-2, 1:-1] & wide[2:, 1:-1] & wide[1:-1, :-2] & wide[1:-1, 2:]


def _address(picture: np.ndarray, spacing: Sequence[float]) -> str:
    """A PNG with square pixels, the longer side ``SIDE`` long, as a data address."""
    height, width = (length * step for length, step in zip(picture.shape[:2], spacing, strict=True))
    size = (max(1, round(SIDE * width / max(height, width))), max(1, round(SIDE * height / max(height, width))))
    content = io.BytesIO()
    Image.fromarray(picture).resize(size, Image.Resampling.NEAREST).save(content, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(content.getvalue()).decode()
