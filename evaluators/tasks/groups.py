"""Which cases show one subject, so that no part of a split is tested on what another was trained on."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from evaluators.tasks.case_names import below
from evaluators.tasks.split import check_groups
from evaluators.tasks.task import SPLITS, Case
from search_spaces.errors import InputError

# words that number what was taken of one subject, after its own name: case0005_slice012, patient01_frame03, p01/z7
_SERIAL = re.compile(
    r"(?P<subject>.*\d.*?)(?:[_\-. /]+(?:z|t|img|image)|[_\-. /]*(?:slice(?:ed|es)?|frame))[_\-]*\d+",
    re.IGNORECASE,
)


def group_by_pattern(cases: Sequence[Case], pattern: str, root: Path) -> tuple[list[Case], list[str]]:
    """``cases`` with the group that ``pattern`` finds in the name, else in the path below ``root``; and notes.

    Raises:
        InputError: where it finds none, or where a group is in several parts that the data set gives.
    """
    find = re.compile(pattern)
    matches = [find.search(case.name) or find.search(below(case.images[0], root)) for case in cases]
    alone = [case.name for case, match in zip(cases, matches, strict=True) if not (match and match[1])]
    if len(alone) == len(cases):
        raise InputError(f"group_pattern: '{pattern}' finds nothing in the names of the cases, such as {alone[0]}")
    grouped = [replace(case, group=match[1] or "" if match else "") for case, match in zip(cases, matches, strict=True)]
    check_groups(grouped, f" (group_pattern '{pattern}')")
    if not alone:
        return grouped, []
    return grouped, [
        f"group_pattern finds nothing in {len(alone)} of {len(cases)} names ({alone[0]}): each stands alone"
    ]


def group_by_name(cases: Sequence[Case], missing: Sequence[str]) -> tuple[list[Case], list[str]]:
    """``cases`` with a group where their names plainly say so, and notes.

    They do where a name ends in a word for a slice or a moment and a number, after the name of a subject that has a
    number too; where there are several subjects, one of them with several cases. ``missing``: the parts to be made.
    """
    members: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        members[subject(case.name)].append(case)
    members.pop("", None)
    if len(members) < 2 or all(len(found) == 1 for found in members.values()):
        return list(cases), []
    notes = _crossing(members)
    grouped = [replace(case, group=subject(case.name)) for case in cases]
    training = {case.group or case.name for case in grouped if case.split == "train"}
    name, found = next(iter(members.items()))
    told = f"the names tell {len(members)} subjects ('{name}' of {found[0].name})"
    if missing and len(training) <= len(missing):
        return list(cases), [*notes, f"{told}, too few to keep each in one part of the split: scores may be too good"]
    if missing:
        notes.append(f"{told}: each is kept in one part of the split (where that is wrong, groups: false)")
    return grouped, notes


def _crossing(members: Mapping[str, Sequence[Case]]) -> list[str]:
    crossing = {name: found for name, found in members.items() if len({case.split for case in found}) > 1}
    if not crossing:
        return []
    name, found = next(iter(crossing.items()))
    firsts = [next((case for case in found if case.split == part), None) for part in SPLITS]
    shown = " and ".join(f"{case.name} ({case.split})" for case in firsts if case)
    return [
        f"{len(crossing)} of {len(members)} subjects are in more than one part of the given split, '{name}' first, by "
        f"the names {shown}: scores may be too good (where the names mean something else, groups: false)"
    ]


def subject(name: str) -> str:
    """What is left of a name without the slices and moments that it counts; empty where it counts none."""
    left = ""
    while match := _SERIAL.fullmatch(left or name):
        left = match["subject"]
    return left
