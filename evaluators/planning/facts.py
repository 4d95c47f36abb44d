"""What the training cases of a task look like: all that the rules decide from.

How far a structure is across is its mean chord, the mean length of the straight runs inside it along an axis: for a
disc of diameter d it is pi d / 4, for bands of width w in all directions pi w / 2 (Underwood, Quantitative Stereology,
1970).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from evaluators.labelling import IGNORED, Labelling
from evaluators.tasks.task import Sample, Task
from evaluators.voxel_sizes import is_known

BACKGROUND = "background"
LOOKED_AT = 40  # most training cases whose structures and intensities are measured
VALUES = 10_000  # most values of a case that are kept of each channel within its structures
PERCENTILES = (0.5, 99.5)  # of the values within structures, as nnU-Net clips CT


@dataclass(frozen=True)
class Intensities:
    """The values of the images, for each channel.

    Attributes:
        smallest: median over cases of the smallest value, ``(channels,)``.
        zeros: median over cases of the share of voxels that are zero in every channel.
        low, high: the ``PERCENTILES`` of the values within structures, ``(channels,)``.
        mean, deviation: of those values, clipped to them, ``(channels,)``.
    """

    smallest: np.ndarray
    zeros: float
    low: np.ndarray
    high: np.ndarray
    mean: np.ndarray
    deviation: np.ndarray


@dataclass(frozen=True)
class Facts:
    """What the training cases look like, along the axes that the network sees.

    Attributes:
        sizes: ``(cases, dims)``, voxels.
        spacings: ``(cases, dims)``, mm; 1 where it is not known.
        known: whether the files know their voxel size.
        chords: of each structure by name, along each axis, mm: a quarter of the cases that show it have a shorter one.
            The background is one of them where it is less than half of all: then it is what parts the others.
        centres: of each structure by name, ``(cases that show it, dims)``: where its centre lies, as a share of the
            image's length from its middle, -0.5 to 0.5.
        shares: of each structure by name, its mean share of the voxels of the images.
        intensities: of the images; None where there was nothing to measure.
    """

    sizes: np.ndarray
    spacings: np.ndarray
    known: bool
    chords: Mapping[str, np.ndarray]
    centres: Mapping[str, np.ndarray] = field(default_factory=dict)
    shares: Mapping[str, float] = field(default_factory=dict)
    intensities: Intensities | None = None

    @property
    def dims(self) -> int:
        return int(self.sizes.shape[1])


def look_at(task: Task, train: Sequence[Sample]) -> Facts:
    """Measure the training cases of a task: some of them, and where these lack a class, some that show it too."""
    axes = [axis for axis in range(train[0].image.ndim - 1) if axis != task.slice_axis]
    measured = _spread(train)
    lacking = set(task.labelling.classes).difference(*(_shown(sample, task.labelling) for sample in measured))
    rare = [sample for sample in train if lacking and not lacking.isdisjoint(_shown(sample, task.labelling))]
    looked = [*measured, *_spread(rare)]
    chords: dict[str, list[np.ndarray]] = {}
    centres: dict[str, list[np.ndarray]] = {}
    shares: dict[str, list[float]] = {name: [] for name in task.labelling.classes}
    backgrounds: list[float] = []
    for sample in looked:
        assert sample.label is not None
        for name, chord in _class_chords(sample.label, task.labelling).items():
            chords.setdefault(name, []).append((chord * sample.spacing)[axes])
        backgrounds.append(float((sample.label == 0).mean()))
        for name, mask in _masks(sample.label, task.labelling):
            shares[name].append(float(mask.mean()))
            if mask.any():
                centres.setdefault(name, []).append(_centre(mask)[axes])
    if np.mean(backgrounds[: len(measured)]) >= 0.5:
        chords.pop(BACKGROUND, None)
    return Facts(
        np.array([[sample.image.shape[1 + axis] for axis in axes] for sample in train]),
        np.array([[sample.spacing[axis] for axis in axes] for sample in train]),
        any(map(is_known, train)),
        {name: np.quantile(found, 0.25, axis=0) for name, found in chords.items()},
        {name: np.array(found) for name, found in centres.items()},
        {name: float(np.mean(found[: len(measured)])) for name, found in shares.items()},
        _intensities(looked),
    )


def _spread(samples: Sequence[Sample]) -> list[Sample]:
    """Most ``LOOKED_AT`` of them, evenly spread."""
    places = np.linspace(0, len(samples) - 1, min(LOOKED_AT, len(samples))).round().astype(int)
    return [samples[place] for place in np.unique(places)]


def _shown(sample: Sample, labelling: Labelling) -> list[str]:
    assert sample.label is not None
    return labelling.shown(np.bincount(sample.label.ravel(), minlength=256))


def mean_chords(label: np.ndarray) -> dict[int, np.ndarray]:
    """For each index in ``label`` ``(*spatial)`` the mean length of its runs along each axis, voxels."""
    voxels = np.bincount(label.ravel(), minlength=256)
    runs = []
    for axis in range(label.ndim):
        along = np.moveaxis(label, axis, 0)
        starts = along[1:][along[1:] != along[:-1]]
        runs.append(np.bincount(along[0].ravel(), minlength=256) + np.bincount(starts, minlength=256))
    return {int(index): voxels[index] / np.array([count[index] for count in runs]) for index in np.flatnonzero(voxels)}


def _class_chords(label: np.ndarray, labelling: Labelling) -> dict[str, np.ndarray]:
    """The mean chords of the background and of each class that ``label`` shows."""
    chords = mean_chords(label)
    if not labelling.regions:  # a class is an index: one pass for all
        numbered = enumerate((BACKGROUND, *labelling.classes))
        return {name: chords[index] for index, name in numbered if index in chords}
    masks = [(name, mask) for name, mask in _masks(label, labelling) if mask.any()]
    of_background = {BACKGROUND: chords[0]} if 0 in chords else {}
    return of_background | {name: mean_chords(mask.view(np.uint8))[1] for name, mask in masks}


def _masks(label: np.ndarray, labelling: Labelling) -> list[tuple[str, np.ndarray]]:
    return [(name, member[label]) for name, member in zip(labelling.classes, labelling.membership, strict=True)]


def _centre(mask: np.ndarray) -> np.ndarray:
    """Where the centre of a mask lies, as a share of each length from the middle."""
    places = np.array([place.mean() for place in mask.nonzero()])
    return (places + 0.5) / mask.shape - 0.5


def _intensities(measured: Sequence[Sample]) -> Intensities | None:
    kept = []
    for sample in measured:
        assert sample.label is not None
        inside = sample.image[:, (sample.label > 0) & (sample.label != IGNORED)]
        kept.append(inside[:, :: max(1, inside.shape[1] // VALUES)])
    values = np.concatenate(kept, axis=1).astype(np.float64)
    if not values.size:
        return None
    low, high = np.percentile(values, PERCENTILES, axis=1)
    clipped = values.clip(low[:, None], high[:, None])
    return Intensities(
        np.median([sample.image.reshape(len(sample.image), -1).min(1) for sample in measured], axis=0),
        float(np.median([(sample.image == 0).all(0).mean() for sample in measured])),
        low,
        high,
        clipped.mean(1),
        clipped.std(1),
    )
