"""Image values that are numbers: NaN and infinite ones are told, or taken as background."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from search_spaces.errors import InputError

NOTE = "NaN is taken as background, the smallest value of its channel"


def finite(array: np.ndarray, path: Path, nan: str = "fault") -> tuple[np.ndarray, tuple[str, ...]]:
    """``(channels, *spatial)`` as float32 without NaN, and what to say of it.

    NaN is a ``fault``, or with ``background`` it gets the smallest value of its channel, so that it looks like
    background.

    Raises:
        InputError: how many values are NaN, unless they are background, or infinite in float32.
    """
    with np.errstate(over="ignore"):  # an overflow shows as infinite below
        array = array.astype(np.float32)
    usable = np.isfinite(array)
    if usable.all():
        return array, ()
    missing = np.isnan(array)
    infinite = int(array.size - usable.sum() - missing.sum())
    faults = [f"{infinite} of {array.size} pixels are infinite"] * bool(infinite)
    if missing.any() and nan == "fault":
        faults.append(f"{missing.sum()} of {array.size} pixels are NaN (task.nan: background takes them as background)")
    elif not usable.reshape(len(array), -1).any(1).all():
        faults.append("a channel has no pixel that is a number")
    if faults:
        raise InputError(f"{path}: {', '.join(faults)}")
    for channel, gone in zip(array, missing, strict=True):
        channel[gone] = channel[~gone].min()
    return array, (NOTE,)
