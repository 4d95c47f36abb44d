"""The same image in two cases: where they lie in different parts, what is tested was trained on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from evaluators.fingerprint import CaseRecord
from evaluators.tasks.faults import raise_faults


def is_blank(image: np.ndarray) -> bool:
    """Whether each channel of ``(channels, *spatial)`` has one value: such images are equal by nature."""
    rows = image.reshape(len(image), -1)
    return bool((rows == rows[:, :1]).all())


def check_duplicates(records: Sequence[CaseRecord], allowed: bool) -> list[str]:
    """Refuse equal images in different parts of the split, and tell of those within a part.

    Args:
        records: of the cases whose images are not blank; images are equal where values, size and spacing are.
        allowed: whether those in different parts are told too, and not refused.

    Raises:
        InputError: one line for each case that repeats an image of another part.
    """
    same: dict[str, list[CaseRecord]] = defaultdict(list)
    for one in records:
        same[one.image].append(one)
    across: list[str] = []
    within: list[str] = []
    for first, *others in same.values():
        for other in others:
            pair = f"case '{other.name}' ({other.split}) has the same image as case '{first.name}' ({first.split})"
            (within if other.split == first.split else across).append(pair)
    if not allowed:
        raise_faults(
            [
                f"{pair}: scores would be too good; drop one, put both in one part, or say task.duplicates: allow"
                for pair in across
            ]
        )
    told = ((across, "scores may be too good"), (within, "it counts twice"))
    return [f"{_first_of(pairs)}: {meaning}" for pairs, meaning in told if pairs]


def _first_of(pairs: Sequence[str]) -> str:
    more = len(pairs) - 1
    return pairs[0] + (f", and {more} more such pair{'s' if more > 1 else ''}" if more else "")
