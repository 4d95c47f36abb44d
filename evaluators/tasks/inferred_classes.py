"""Classes read off the training labels, when neither the user nor the data set names them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from evaluators.tasks.faults import raise_faults
from evaluators.tasks.value_counts import NOISE_REACH, ValueCounts
from search_spaces.errors import InputError

MOST_INFERRED = 32  # more distinct values than this are object numbers or compression noise, not classes
MOST_LEVELS = 12  # as many classes as a picture of grey levels is taken to have
LOSSY = (".jpg", ".jpeg")

_INSTANCES_HINT = "classes: {foreground: instances}"


def infer_classes(labels: Mapping[Path, ValueCounts]) -> dict[str, int]:
    """Class names and their values from all training labels by file.

    {0, 255} and {0, 1} are one class ``foreground``; 0 to K without a gap are ``class_1`` to ``class_K``.
    A label of background alone is fine as long as another one shows something.

    Raises:
        InputError: other values, with their shares and the ``classes`` to give instead.
    """
    raise_faults([f"{file}: the label holds NaN or infinite values" for file, v in labels.items() if not v.finite])
    every = ValueCounts.total(labels.values())
    fullest = max(labels, key=lambda file: len(labels[file]))
    lossy = [file for file, values in labels.items() if file.suffix.lower() in LOSSY and not _two_valued(values)]
    if lossy:
        levels = _levels(every) or [every.values[0], every.values[-1]]
        raise InputError(_many(lossy[0], labels[lossy[0]], "as JPEG compression leaves them", _between(levels)))
    if not every.whole:
        broken = next(file for file, values in labels.items() if not values.whole)
        raise InputError(_many(broken, labels[broken], "not all whole numbers", "classes: {foreground: '0.5<'}"))
    if len(labels[fullest]) > MOST_INFERRED:
        levels = _levels(every)
        what = f"nearly all close to {_either(levels)}" if levels else "too many to be classes"
        raise InputError(_many(fullest, labels[fullest], what, _between(levels) if levels else _INSTANCES_HINT))
    found = [int(value) for value in every.values]
    if found == [0]:
        raise InputError("classes: every training label is background (0) throughout; expected some foreground")
    if found in ([0, 1], [0, 255]):
        return {"foreground": found[1]}
    if found == list(range(len(found))) and len(found) <= MOST_INFERRED:
        return {f"class_{value}": value for value in found[1:]}
    listed = every.listed(int(every.counts.sum()), limit=10)
    real = every.real(noisy=False)
    example = _one_by_one(real) if len(real) == len(found) or len(real) < 2 else _between(real)
    background = "" if 0 in found else " (and background: its value)"
    raise InputError(
        f"classes: the training labels hold {listed}; expected 0 and 1, 0 and 255, or 0 to K without a gap. "
        f"Say what they mean, for example {example}{background} or {_INSTANCES_HINT}"
    )


def _two_valued(values: ValueCounts) -> bool:
    found = set(values.values.tolist())
    return found <= {0, 1} or found <= {0, 255}


def _levels(values: ValueCounts) -> list[float]:
    """The few values, ascending, that compression has spread; none where it looks like something else."""
    stored, shares = values.values, values.counts / values.counts.sum()
    low, high = float(stored[0]), float(stored[-1])
    reach = NOISE_REACH * (high - low)
    dark, bright = stored <= low + reach, stored >= high - reach
    between = shares[~(dark | bright)]
    if between.sum() < min(0.1, shares[dark].sum(), shares[bright].sum()) and between.max(initial=0) < 0.005:
        return [low, high]
    real = values.real(noisy=True)
    peaks = [value for value in real if shares[stored == value] >= shares[abs(stored - value) <= reach].sum() / 4]
    return real if 2 <= len(real) == len(peaks) <= MOST_LEVELS else []


def _one_by_one(values: Sequence[float]) -> str:
    """``classes`` of one value each; 255 after small numbers is what marks voxels that are not to count."""
    ignored = list(values) == [*range(len(values) - 1), 255] and len(values) > 2
    named = [value for value in values[: -1 if ignored else None] if value]
    parts = [f"class_{number}: {value:g}" for number, value in enumerate(named, start=1)] + ["ignore: 255"] * ignored
    return f"classes: {{{', '.join(parts)}}}"


def _between(levels: Sequence[float]) -> str:
    """``classes`` that cut half way between ``levels``, the lowest of which is background."""
    cuts = [int(low + high) // 2 for low, high in pairwise(levels)]
    if len(cuts) == 1:
        return f"classes: {{foreground: '{cuts[0]}<'}}"
    ends = [*cuts[1:], int(levels[-1])]
    ranges = [f"class_{n}: '{low + 1}..{high}'" for n, (low, high) in enumerate(zip(cuts, ends, strict=True), start=1)]
    return f"classes: {{{', '.join(ranges)}}}"


def _either(levels: Sequence[float]) -> str:
    return ", ".join(f"{value:g}" for value in levels[:-1]) + f" or {levels[-1]:g}"


def _many(file: Path, values: ValueCounts, what: str, hint: str) -> str:
    listed = values.listed(int(values.counts.sum()))
    return f"{file}: {len(values)} label values, {what}: {listed}; say what they mean, for example {hint}"
