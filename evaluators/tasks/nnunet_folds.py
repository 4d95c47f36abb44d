"""The folds of nnU-Net's ``splits_final.json``: a list of ``{"train": [CASE, ...], "val": [CASE, ...]}``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from evaluators.tasks.dataset_json import read_json
from evaluators.tasks.faults import raise_faults
from evaluators.tasks.task import Case
from search_spaces.errors import InputError

FILE = "splits_final.json"


def with_fold(cases: Sequence[Case], root: Path, fold: int | None) -> tuple[list[Case], list[str]]:
    """The training ``cases`` of a fold, 0 by default, with its validation cases told apart; and notes.

    All of them, as they are, where no file of folds is there. Cases in neither list of the fold are left out.

    Raises:
        InputError: a file that holds no folds, cases that are not there, and a fold that the file does not have.
    """
    whole = root.resolve()
    places = (root / FILE, whole.parent.parent / "nnUNet_preprocessed" / whole.name / FILE)
    file = next((place for place in places if place.is_file()), None)
    if file is None:
        if fold is None:
            return list(cases), []
        raise InputError(f"fold: expected {FILE} in {root} for fold {fold}, found none")
    number = fold or 0
    part = _parts(read_json(file), file, number)
    known = {case.name for case in cases}
    raise_faults([f"{file}: fold {number}: no training case is called '{name}'" for name in part if name not in known])
    chosen = [replace(case, split=part[case.name]) for case in cases if case.name in part]
    notes = [f"validation cases are those of fold {number} of {file}"]
    if len(chosen) < len(cases):
        first = next(case.name for case in cases if case.name not in part)
        notes.append(f"{len(cases) - len(chosen)} cases that are not in the fold are left out, {first} first")
    return chosen, notes


def _parts(folds: object, file: Path, number: int) -> dict[str, str]:
    """``train`` or ``val`` by case."""
    if not isinstance(folds, list) or not folds or not all(map(_is_fold, folds)):
        raise InputError(f"{file}: expected a list of folds, each with the lists train and val of names of cases")
    if not 0 <= number < len(folds):
        raise InputError(f"{file}: fold: expected 0 to {len(folds) - 1}, got {number}")
    lists = folds[number]
    raise_faults(
        [f"{file}: fold {number}: '{name}' is in train and in val" for name in lists["val"] if name in lists["train"]]
    )
    return {str(name): part for part in ("train", "val") for name in lists[part]}


def _is_fold(fold: object) -> bool:
    lists = [fold.get(part) for part in ("train", "val")] if isinstance(fold, Mapping) else [None]
    return all(isinstance(names, list) and all(isinstance(name, (str, int)) for name in names) for names in lists)
