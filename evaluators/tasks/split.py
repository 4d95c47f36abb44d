"""Which cases are for training, validation and test: checked where given, made where missing.

A made split depends on the names, what the cases show and the seed alone, not on the order of the listing: the groups
are put in the order of a hash, what is rare is dealt out, and the parts are filled from the front.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from evaluators.files import AS_ON_DISK
from evaluators.tasks.faults import raise_faults
from evaluators.tasks.stratification import Parts, deal
from evaluators.tasks.task import SPLITS, Case
from search_spaces.errors import InputError, unknown_name

# in the name of a subject: a number, initials, or what it is
_SUBJECT = re.compile(
    r"\d|^\W*\w{1,2}\W*$|(^|[\W_])\w?([\W_]|$)|patient|subject|person|volunteer|donor|case|scan|stud(y|ies)|series|"
    r"(^|[\W_])(pat|pt|sub|subj|id|mouse|rat|animal)([\W_]|$)",
    re.IGNORECASE,
)

DEFAULT_FRACTIONS: Mapping[str, float] = {"val": 0.2, "test": 0.2}


def check_fractions(fractions: Mapping[str, float] | None) -> dict[str, float]:
    """``fractions`` of val and test with the defaults filled in; raises ``InputError`` on what makes no split."""
    merged = dict(DEFAULT_FRACTIONS)
    faults = []
    for part, fraction in (fractions or {}).items():
        if part not in DEFAULT_FRACTIONS:
            faults.append(unknown_name("part of split", part, DEFAULT_FRACTIONS))
        elif isinstance(fraction, bool) or not isinstance(fraction, (int, float)) or not 0 < fraction < 1:
            faults.append(f"split.{part}: expected a fraction between 0 and 1, got {fraction!r}")
        else:
            merged[part] = float(fraction)
    raise_faults(faults)
    if sum(merged.values()) >= 1:
        raise InputError(f"split: val {merged['val']:g} and test {merged['test']:g} leave nothing for training")
    return merged


def check_groups(cases: Iterable[Case], hint: str = "") -> None:
    """Raise ``InputError`` naming every group that is in more than one part, with ``hint`` at the end of the line."""
    raise_faults(
        [
            f"group '{group}' is in {' and '.join(p for p in SPLITS if p in found)}; "
            f"a group must stay in one part{hint}"
            for group, found in _parts_of_groups(cases).items()
            if len(found) > 1
        ]
    )


def are_strata(cases: Sequence[Case]) -> bool:
    """Whether the groups of a whole split are kinds of cases, such as benign and malignant, and no subjects.

    There are several, every one of them is in every part, and they have names of a kind: words that neither number
    nor name a subject.
    """
    if any(_SUBJECT.search(case.group) for case in cases):
        return False
    parts = _parts_of_groups(cases)
    every = {case.split for case in cases}
    return every == set(SPLITS) and len(parts) > 1 and all(found == every for found in parts.values())


def _parts_of_groups(cases: Iterable[Case]) -> Mapping[str, set[str]]:
    """The parts in which each group has cases; cases without a group are left out."""
    parts: dict[str, set[str]] = defaultdict(set)
    for case in cases:
        if case.group:
            parts[case.group].add(case.split)
    return parts


def missing_parts(cases: Iterable[Case]) -> list[str]:
    """The parts that have no case and are made from the training cases; raises ``InputError`` where there is none."""
    given = {case.split for case in cases}
    if "train" not in given:
        raise InputError("split: train is empty; expected at least one training case")
    return [part for part in SPLITS if part not in given]


def complete_split(
    cases: Sequence[Case],
    fractions: Mapping[str, float],
    seed: int,
    shown: Mapping[str, Collection[str]] = MappingProxyType({}),
) -> list[Case]:
    """``cases`` with every part that has none made from the training cases; groups stay whole.

    A made part has the fraction of the training cases that is asked for, rounded, as closely as whole groups
    allow (the miss is at most the size of the largest group), and at least one group.

    Args:
        cases: of all parts.
        fractions: of the training cases, for val and test.
        seed: another one makes another split.
        shown: by name of a case the classes that it shows; they are dealt out, the rarest first, see ``deal``.

    Raises:
        InputError: when there is no training case, or too few groups to give each part one.
    """
    missing = missing_parts(cases)
    groups: dict[tuple[bool, str], list[Case]] = defaultdict(list)
    for case in sorted(cases, key=lambda case: case.name):
        if case.split == "train":
            groups[bool(case.group), case.group or case.name].append(case)
    if len(groups) <= len(missing):
        raise InputError(
            f"split: {' and '.join(missing)} would be empty or leave train empty; "
            f"expected at least {len(missing) + 1} training cases (or groups) to make them from, got {len(groups)}"
        )
    waiting = [groups[key] for key in sorted(groups, key=lambda key: _hash(f"{seed}/{key[0]:d}/{key[1]}"))]
    total = sum(map(len, waiting))
    wanted = {part: round(fractions[part] * total) for part in missing}
    parts = Parts([len(group) for group in waiting], {"train": total - sum(wanted.values()), **wanted})
    deal(parts, [Counter(name for case in group for name in shown.get(case.name, ())) for group in waiting])
    for part in reversed(missing):
        parts.fill(part)
    moved = {case.name: part for part in missing for group in parts.groups[part] for case in waiting[group]}
    return [replace(case, split=moved.get(case.name, case.split)) for case in cases]


def _hash(text: str) -> bytes:
    return hashlib.blake2b(text.encode(errors=AS_ON_DISK), digest_size=8).digest()
