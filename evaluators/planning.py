"""The size at which a network sees a task, from what the training cases look like: a few rules, each with a reason.

1. An image should be seen whole: where a structure lies and what is around it tell more than fine detail does. So
   images are made smaller until one fits into ``BUDGET`` voxels, ...
2. ... but no further than their structures allow: the thinnest keeps ``THINNEST`` voxels across. Volumes become
   coarser along their finest axes first, so that voxels become cubes.
3. What then still does not fit is seen in patches of that many voxels: as long along every axis in millimetres, and
   nowhere longer than the images.

How far a structure is across is its mean chord, the mean length of the straight runs inside it along an axis: for a
disc of diameter d it is pi d / 4, for bands of width w in all directions pi w / 2 (Underwood, Quantitative Stereology,
1970).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evaluators.labelling import Labelling
from evaluators.tasks.task import Sample, Task
from evaluators.voxel_sizes import is_known

BUDGET = {2: 128 * 128, 3: 48 * 48 * 48}  # voxels of a patch
THINNEST = 6.0  # voxels of the mean chord that the thinnest structure keeps
EQUAL_SPACING = 0.05  # voxel sizes that differ by less than this share are taken as equal
NEARLY = 1.2  # images that would become smaller by less than this factor are left as they are
ROOM = 1.25  # of the budget, for lengths that are rounded and images larger than the median
MULTIPLE = 8  # of the lengths of patches, for the levels of a network
SMALL_SHARE = 0.5  # of an image; a patch that sees less is told of
LOOKED_AT = 40  # most training cases whose structures are measured


@dataclass(frozen=True)
class Facts:
    """What the training cases look like, along the axes that the network sees.

    Attributes:
        sizes: ``(cases, dims)``, voxels.
        spacings: ``(cases, dims)``, mm; 1 where it is not known.
        known: whether the files know their voxel size.
        chords: of each structure by name, along each axis, mm: a quarter of the cases that show it have a shorter one.
    """

    sizes: np.ndarray
    spacings: np.ndarray
    known: bool
    chords: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Choice:
    """Size, spacing and patch as ``Preprocessing`` has them, and why."""

    size: tuple[int, ...] | None
    spacing: tuple[float, ...] | None
    patch: tuple[int, ...]
    reasons: tuple[str, ...]


def look_at(task: Task, train: Sequence[Sample]) -> Facts:
    """Measure the training cases of a task."""
    axes = [axis for axis in range(train[0].image.ndim - 1) if axis != task.slice_axis]
    known = any(map(is_known, train))
    measured = [train[place] for place in np.unique(np.linspace(0, len(train) - 1, LOOKED_AT).round().astype(int))]
    found: dict[str, list[np.ndarray]] = {}
    for sample in measured:
        assert sample.label is not None
        for name, chord in _class_chords(sample.label, task.labelling).items():
            found.setdefault(name, []).append((chord * sample.spacing)[axes])
    return Facts(
        np.array([[sample.image.shape[1 + axis] for axis in axes] for sample in train]),
        np.array([[sample.spacing[axis] for axis in axes] for sample in train]),
        known,
        {name: np.quantile(chords, 0.25, axis=0) for name, chords in found.items()},
    )


def _class_chords(label: np.ndarray, labelling: Labelling) -> dict[str, np.ndarray]:
    """The mean chords of each class that ``label`` shows."""
    if not labelling.regions:  # a class is an index: one pass for all
        chords = mean_chords(label)
        numbered = enumerate(labelling.classes, start=1)
        return {name: chords[index] for index, name in numbered if index in chords}
    masks = {name: member[label] for name, member in zip(labelling.classes, labelling.membership, strict=True)}
    return {name: mean_chords(mask.view(np.uint8))[1] for name, mask in masks.items() if mask.any()}


def mean_chords(label: np.ndarray) -> dict[int, np.ndarray]:
    """For each index in ``label`` ``(*spatial)`` the mean length of its runs along each axis, voxels."""
    voxels = np.bincount(label.ravel(), minlength=256)
    runs = []
    for axis in range(label.ndim):
        along = np.moveaxis(label, axis, 0)
        starts = along[1:][along[1:] != along[:-1]]
        runs.append(np.bincount(along[0].ravel(), minlength=256) + np.bincount(starts, minlength=256))
    return {int(index): voxels[index] / np.array([count[index] for count in runs]) for index in np.flatnonzero(voxels)}


def choose(
    facts: Facts,
    *,
    size: tuple[int, ...] | None,
    spacing: tuple[float, ...] | str | None,
    patch: tuple[int, ...] | None,
) -> Choice:
    """Size, spacing and patch for a task; what is given is kept.

    Args:
        facts: what the training cases look like.
        size: given by the user, or None.
        spacing: given by the user; ``auto`` to choose, None to leave every image at its own size.
        patch: given by the user, or None.
    """
    reasons: list[str] = []
    if spacing == "auto":
        size, spacing = _scale(facts, reasons) if size is None else (size, None)
    assert not isinstance(spacing, str)
    working = _working_sizes(facts, size, spacing)
    if patch is None:
        patch = _patch(working, spacing or (1.0,) * working.shape[1])
    _tell_share(working, patch, reasons)
    return Choice(size, spacing, patch, tuple(reasons))


def _scale(facts: Facts, reasons: list[str]) -> tuple[tuple[int, ...] | None, tuple[float, ...] | None]:
    """Rules 1 and 2: a spacing where the files know theirs and for volumes, else one size for all pictures."""
    median = np.median(facts.spacings, axis=0)
    dims = len(median)
    length = np.median(facts.sizes * facts.spacings, axis=0)

    def target(cube: float) -> np.ndarray:
        limits = [chord / THINNEST for chord in facts.chords.values()]
        return np.maximum(median, np.minimum(cube, np.min(limits, axis=0)))

    _, cube = _turn(lambda cube: float(np.prod(length / target(cube))) <= BUDGET[dims], median.min(), length.max())
    wanted = target(cube)
    own = not (wanted > NEARLY * median).any()
    if own:
        wanted = median
    changed = wanted > median
    name, thinnest = min(
        facts.chords.items(), key=lambda item: float((item[1] / wanted)[changed].min(initial=math.inf))
    )
    before, after = ((thinnest / scale)[changed].min(initial=math.inf) for scale in (median, wanted))
    across = f"'{name}', the thinnest structure, is {_short(before)} voxels across and stays {_short(after)}"
    if facts.known or dims == 3:
        differ = (np.abs(facts.spacings - median) > EQUAL_SPACING * median).any()
        unit = " mm" if facts.known else " (in voxels of the images)"
        if not own or differ:
            why = "the median, as they differ" if own else across
            reasons.append(f"spacing: {_times(wanted)}{unit} in place of {_times(median)}: {why}")
        return None, tuple(float(value) for value in wanted) if facts.known or not own else None
    if own:
        return None, None
    size = tuple(_rounded(value) for value in length / wanted)
    reasons.append(f"size: every image becomes {_times(size)}, the median is {_times(length)}: {across}")
    return size, None


def _patch(working: np.ndarray, spacing: tuple[float, ...]) -> tuple[int, ...]:
    """Rule 3."""
    dims = working.shape[1]
    largest, median = working.max(axis=0), np.median(working, axis=0)
    whole = tuple(_rounded(length) for length in largest)
    if math.prod(whole) <= ROOM * BUDGET[dims]:
        return whole

    def patch(edge: float) -> tuple[int, ...]:
        return tuple(_rounded(length) for length in np.minimum(median, edge / np.array(spacing)))

    edge, _ = _turn(lambda edge: math.prod(patch(edge)) > BUDGET[dims], 0.0, float((median * spacing).max()))
    return patch(edge)


def _tell_share(working: np.ndarray, patch: tuple[int, ...], reasons: list[str]) -> None:
    median = np.median(working, axis=0)
    share = float(np.prod(np.minimum(patch, median) / median))
    if share < SMALL_SHARE:
        reasons.append(f"patch: {_times(patch)} sees {share:.0%} of the median image of {_times(median)} voxels")


def _working_sizes(facts: Facts, size: tuple[int, ...] | None, spacing: tuple[float, ...] | None) -> np.ndarray:
    if size is not None:
        return np.tile(size, (len(facts.sizes), 1))
    if spacing is None:
        return facts.sizes
    return np.maximum(1, np.round(facts.sizes * facts.spacings / spacing)).astype(int)


def _rounded(length: float) -> int:
    """A multiple of ``MULTIPLE``: the next one, or where that is much longer the one before; a short length itself."""
    if length < 2 * MULTIPLE:
        return math.ceil(length)
    above = math.ceil(length / MULTIPLE) * MULTIPLE
    return above if above <= 1.25 * length else above - MULTIPLE


def _turn(holds: Callable[[float], bool], low: float, high: float) -> tuple[float, float]:
    """The numbers between ``low`` and ``high`` just before and from which on ``holds``; ``high`` where none does."""
    if holds(low):
        return low, low
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return low, high


def _times(values: Sequence[float] | np.ndarray) -> str:
    return " x ".join(_short(value) for value in values)


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
