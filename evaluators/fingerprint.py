"""What the data of a run were: a digest of each case as it was read, so that another version of them is noticed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evaluators.files import AS_ON_DISK
from evaluators.tasks.task import Case, Sample


@dataclass(frozen=True)
class CaseRecord:
    """One case of a data set as it was read.

    Attributes:
        name: of the case.
        split: its part.
        group: its group, empty where it stands alone.
        image: digest of the image's values, size and spacing.
        label: digest of the label's indices.
    """

    name: str
    split: str
    group: str
    image: str
    label: str


def record(case: Case, sample: Sample) -> CaseRecord:
    """The record of a case that was read."""
    label = "" if sample.label is None else _digest(sample.label)
    return CaseRecord(case.name, case.split, case.group, _digest(sample.image, np.array(sample.spacing)), label)


def fingerprint(records: Sequence[CaseRecord]) -> str:
    """One short text for all of them, whatever their order."""
    lines = sorted(f"{r.name}\t{r.split}\t{r.group}\t{r.image}\t{r.label}" for r in records)
    return hashlib.blake2b("\n".join(lines).encode(errors=AS_ON_DISK), digest_size=8).hexdigest()


def differences(before: Sequence[CaseRecord], now: Sequence[CaseRecord]) -> list[str]:
    """A line for each kind of difference, with how many cases and the first of them; empty where there is none."""
    old, new = {r.name: r for r in before}, {r.name: r for r in now}
    both = [(old[name], new[name]) for name in old if name in new]
    kinds = {
        "gone": [name for name in old if name not in new],
        "new": [name for name in new if name not in old],
        "in another part": [b.name for a, b in both if a.split != b.split],
        "in another group": [b.name for a, b in both if a.group != b.group],
        "with another image": [b.name for a, b in both if a.image != b.image],
        "with another label": [b.name for a, b in both if a.label != b.label],
    }
    return [
        f"{len(names)} case{'s' if len(names) > 1 else ''} {kind} ({', '.join(names[:3])}{', ...' * (len(names) > 3)})"
        for kind, names in kinds.items()
        if names
    ]


def _digest(*arrays: np.ndarray) -> str:
    state = hashlib.blake2b(digest_size=8)
    for array in arrays:
        state.update(f"{array.dtype.str}{array.shape}".encode())
        state.update(np.ascontiguousarray(array).data)
    return state.hexdigest()
