"""How a task is worked, decided from what its training cases look like: a few rules, each with a reason.

Size, spacing and patch:

1. An image should be seen whole: where a structure lies and what is around it tell more than fine detail does. So
   images are made smaller until one fits into ``BUDGET`` voxels, ...
2. ... but no further than their structures allow: the thinnest keeps ``THINNEST`` voxels across. Volumes become
   coarser along their finest axes first, so that voxels become cubes.
3. What then still does not fit is seen in patches of that many voxels: as long along every axis in millimetres, and
   nowhere longer than the images.

Intensities:

4. Where zero is not the least of values but something between air and tissue, as in Hounsfield units, a value means
   the same in every image: they are clipped and scaled by the structures of all training cases.
5. Else each channel of each image is brought to zero mean and unit deviation; of its voxels that are not zero, where
   much of the images is empty.

Training:

6. As many images a step as hold ``STEP_VOXELS``: small patches cost little and say little.
7. No mirroring along an axis along which a structure lies on the same side of the middle in nearly all cases: there
   its place tells what it is.
8. No more halvings than leave ``COARSEST`` voxels along the longest axis of a patch.
9. Steps, learning rate and loss are the same for every task: see docs/recipe.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evaluators.normalisation import Normalisation, Window
from evaluators.planning.facts import PERCENTILES, Facts, Intensities

BUDGET = {2: 128 * 128, 3: 48 * 48 * 48}  # voxels of a patch
THINNEST = 6.0  # voxels of the mean chord that the thinnest structure keeps
EQUAL_SPACING = 0.05  # voxel sizes that differ by less than this share are taken as equal
NEARLY = 1.2  # images that would become smaller by less than this factor are left as they are
ROOM = 1.25  # of the budget, for lengths that are rounded and images larger than the median
MULTIPLE = 8  # of the lengths of patches, for the levels of a network
SMALL_SHARE = 0.5  # of an image; a patch that sees less is told of

BELOW_ZERO = -200.0  # a smallest value like this is air in Hounsfield units
EMPTY = 0.25  # share of zeros from which on they are no part of what is normalised, as in nnU-Net

STEP_VOXELS = {2: 8 * 128 * 128, 3: 2 * 48 * 48 * 48}  # of the images of a step
FEWEST, MOST = 2, 16  # images of a step
STEPS = {2: 1000, 3: 600}  # of training in a search
LEARNING_RATE = 5e-3
LOSS = "dice_ce"
ONE_SIDED = 1.5  # deviations of its place by which a structure lies beside the middle of an axis
BESIDE = 0.05  # and share of the length
FLIP = 0.5  # probability of mirroring along an axis
COARSEST = 4  # voxels of the longest axis that the coarsest level of a network keeps


@dataclass(frozen=True)
class Decision:
    """What is settled of a task.

    Attributes:
        key: of the config.
        value: plain data, as the config would have it.
        reason: why, in words.
        notable: whether a user should be told without asking.
    """

    key: str
    value: Any
    reason: str
    notable: bool = False

    @property
    def name(self) -> str:
        """The last part of the key."""
        return self.key.rpartition(".")[2]


@dataclass(frozen=True)
class Sizes:
    """Size, spacing and patch as ``Preprocessing`` has them."""

    size: tuple[int, ...] | None
    spacing: tuple[float, ...] | None
    patch: tuple[int, ...]


GIVEN = "given"


def choose_sizes(
    facts: Facts,
    *,
    size: tuple[int, ...] | None,
    spacing: tuple[float, ...] | str | None,
    patch: tuple[int, ...] | None,
) -> tuple[Sizes, tuple[Decision, ...]]:
    """Rules 1 to 3; what is given is kept.

    Args:
        facts: what the training cases look like.
        size: given by the user, or None.
        spacing: given by the user; ``auto`` to choose, None to leave every image at its own size.
        patch: given by the user, or None.
    """
    told: dict[str, str] = {}
    quiet = dict.fromkeys(("size", "spacing", "patch"), GIVEN)
    if spacing == "auto":
        if size is None:
            size, spacing = _scale(facts, told)
            quiet["size"] = quiet["spacing"] = "images keep their own"
        else:
            spacing, quiet["spacing"] = None, "every image has the given size"
    assert not isinstance(spacing, str)
    working = _working_sizes(facts, size, spacing)
    if patch is None:
        patch = _patch(working, spacing or (1.0,) * working.shape[1])
        quiet["patch"] = "an image is seen whole, or nearly"
    _tell_share(working, patch, told)
    values = {"size": size, "spacing": spacing, "patch": patch}
    return Sizes(size, spacing, patch), tuple(
        Decision(f"task.{name}", value and list(value), told.get(name, quiet[name]), name in told)
        for name, value in values.items()
    )


def choose_normalisation(facts: Facts, given: str | Sequence[float]) -> tuple[Normalisation, Decision]:
    """Rules 4 and 5.

    Args:
        facts: what the training cases look like.
        given: ``auto``; ``case``, ``nonzero`` or ``foreground`` (clipped and scaled by the structures of all training
            cases); or the two ends of a window.
    """
    key, seen = "task.normalisation", facts.intensities
    if not isinstance(given, str):
        low, high = given
        return Normalisation("window", (Window.between(low, high),)), Decision(key, [low, high], GIVEN)
    hounsfield = seen is not None and bool((seen.smallest < BELOW_ZERO).all())
    empty = 0.0 if seen is None else seen.zeros
    if seen is not None and (given == "foreground" or (given == "auto" and hounsfield)):
        windows = _windows(seen)
        ends = ", ".join(f"{window.low:.4g} to {window.high:.4g}" for window in windows)
        why = f"clipped to {ends}, percentiles {PERCENTILES[0]} and {PERCENTILES[1]} of the structures, scaled by them"
        if hounsfield:
            why += f"; with values from {seen.smallest.min():.4g} on these look like Hounsfield units"
        return Normalisation("window", windows), Decision(key, "foreground", why, given == "auto")
    if given == "nonzero" or (given == "auto" and empty > EMPTY):
        why = f"each channel of each image, over what is not zero; {empty:.0%} of an image is"
        return Normalisation("nonzero"), Decision(key, "nonzero", why, given == "auto")
    return Normalisation("case"), Decision(key, "case", "each channel of each image to zero mean and unit deviation")


def _windows(seen: Intensities) -> tuple[Window, ...]:
    of_channels = zip(seen.low.tolist(), seen.high.tolist(), seen.mean.tolist(), seen.deviation.tolist(), strict=True)
    return tuple(Window(low, high, mean, deviation or 1.0) for low, high, mean, deviation in of_channels)


def decide(facts: Facts, patch: Sequence[int]) -> tuple[Decision, ...]:
    """Rules 6 to 9, for training on patches of ``patch`` voxels."""
    dims = len(patch)
    sided = _one_sided(facts)
    flips = [0.0 if axis in sided else FLIP for axis in range(dims)]
    held = "; ".join(f"none along axis {axis}, '{name}' lies {_beside(at)}" for axis, (name, at) in sided.items())
    depth = max(1, math.floor(math.log2(max(patch) / COARSEST)))
    return (
        Decision(
            "training.batch", batch_of(patch), f"of {_times(patch)} voxels: about {STEP_VOXELS[dims]:,} voxels a step"
        ),
        Decision("training.steps", STEPS[dims], f"of every {dims}D task"),
        Decision("training.loss", LOSS, "Dice and cross-entropy, of every task"),
        Decision("training.learning_rate", LEARNING_RATE, "peak of one cycle of AdamW, of every task"),
        Decision(
            "training.augmentation.flip", flips, held or "no structure keeps to one side of the images", bool(sided)
        ),
        Decision("limits.depth", depth, f"halvings that leave at least {COARSEST} of {max(patch)} voxels"),
    )


def batch_of(patch: Sequence[int]) -> int:
    """Rule 6: images of a step."""
    return max(FEWEST, min(MOST, round(STEP_VOXELS[len(patch)] / math.prod(patch))))


def _one_sided(facts: Facts) -> dict[int, tuple[str, float]]:
    """The axes along which a structure lies on one side of the middle in nearly all cases: which one, and where."""
    found: dict[int, tuple[str, float]] = {}
    for name, centres in facts.centres.items():
        if len(centres) < 2:
            continue
        mean, spread = centres.mean(0), centres.std(0, ddof=1)
        for axis in np.flatnonzero((np.abs(mean) > BESIDE) & (np.abs(mean) > ONE_SIDED * spread)).tolist():
            if axis not in found or abs(mean[axis]) > abs(found[axis][1]):
                found[axis] = name, float(mean[axis])
    return dict(sorted(found.items()))


def _beside(place: float) -> str:
    return f"{abs(place):.0%} {'before' if place < 0 else 'beyond'} the middle"


def _scale(facts: Facts, told: dict[str, str]) -> tuple[tuple[int, ...] | None, tuple[float, ...] | None]:
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
            told["spacing"] = f"{_times(wanted)}{unit} in place of {_times(median)}: {why}"
        return None, tuple(float(value) for value in wanted) if facts.known or not own else None
    if own:
        return None, None
    size = tuple(_rounded(value) for value in length / wanted)
    told["size"] = f"every image becomes {_times(size)}, the median is {_times(length)}: {across}"
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


def _tell_share(working: np.ndarray, patch: tuple[int, ...], told: dict[str, str]) -> None:
    median = np.median(working, axis=0)
    share = float(np.prod(np.minimum(patch, median) / median))
    if share < SMALL_SHARE:
        seen = f"{share:.0%}" if share >= 0.01 else "less than 1%"
        told["patch"] = f"{_times(patch)} sees {seen} of the median image of {_times(median)} voxels"


def _working_sizes(facts: Facts, size: tuple[int, ...] | None, spacing: tuple[float, ...] | None) -> np.ndarray:
    if size is not None:
        return np.tile(size, (len(facts.sizes), 1))
    if spacing is None:
        return facts.sizes
    return np.clip(np.round(facts.sizes * facts.spacings / spacing), 1, 2**31).astype(int)  # what is longer is a fault


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
