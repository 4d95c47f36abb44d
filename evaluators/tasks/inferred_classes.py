"""Classes read off the training labels, when neither the user nor the data set names them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from search_spaces.errors import InputError

MOST_INFERRED = 32  # more distinct values than this are object numbers or compression noise, not classes
LOSSY = (".jpg", ".jpeg")

_THRESHOLD_HINT = "classes: {foreground: '127<'}"
_INSTANCES_HINT = "classes: {foreground: instances}"


def infer_classes(labels: Iterable[tuple[Path, np.ndarray]]) -> dict[str, int]:
    """Class names and their values from all training labels, each given with its file.

    {0, 255} and {0, 1} are one class ``foreground``; 0 to K without a gap are ``class_1`` to ``class_K``.
    A label of background alone is fine as long as another one shows something.

    Raises:
        InputError: other values, with the ``classes`` to give instead.
    """
    seen: set[int] = set()
    for file, label in labels:
        values = np.unique(label)
        if not np.isfinite(values).all():
            raise InputError(f"{file}: the label holds NaN or infinite values")
        if file.suffix.lower() in LOSSY and not _two_valued(set(values.tolist())):
            raise InputError(_many(file, values, "as JPEG compression leaves them", _THRESHOLD_HINT))
        if len(values) > MOST_INFERRED and _near_black_and_white(label):
            raise InputError(_many(file, values, "nearly all close to 0 or 255", _THRESHOLD_HINT))
        if len(values) > MOST_INFERRED:
            raise InputError(_many(file, values, "too many to be classes", _INSTANCES_HINT))
        if (values != np.rint(values)).any():
            raise InputError(_many(file, values, "not all whole numbers", "classes: {foreground: '0.5<'}"))
        seen.update(int(value) for value in values)
    found = sorted(seen)
    if found == [0]:
        raise InputError("classes: every training label is background (0) throughout; expected some foreground")
    if found in ([0, 1], [0, 255]):
        return {"foreground": found[1]}
    if found == list(range(len(found))) and len(found) <= MOST_INFERRED:
        return {f"class_{value}": value for value in found[1:]}
    shown = ", ".join(map(str, found[:6])) + (f", ... ({len(found)} values)" if len(found) > 6 else "")
    example = ", ".join(f"class_{number}: {value}" for number, value in enumerate([v for v in found if v][:3], 1))
    background = "" if 0 in seen else " (and background: its value)"
    raise InputError(
        f"classes: the training labels hold {shown}; expected 0 and 1, 0 and 255, or 0 to K without a gap. "
        f"Say what they mean, for example classes: {{{example}}}{background} or {_INSTANCES_HINT}"
    )


def _two_valued(values: set[float]) -> bool:
    return values <= {0, 1} or values <= {0, 255}


def _near_black_and_white(label: np.ndarray) -> bool:
    return bool(label.max() >= 200 and ((label <= 32) | (label >= 223)).mean() > 0.9)


def _many(file: Path, values: np.ndarray, what: str, hint: str) -> str:
    shown = ", ".join(f"{value:g}" for value in values[:4].tolist())
    return f"{file}: {len(values)} label values ({shown}, ...), {what}; say what they mean, for example {hint}"
