"""The Medical Segmentation Decathlon layout. Antonelli et al., Nature Communications 2022, http://medicaldecathlon.com

``dataset.json``, or a JSON file of another name, lists the training cases and names modalities and labels. MONAI's
data lists are read too: ``validation`` and ``test`` (``testing``) lists whose entries have labels are those parts,
a list of images is the channel files of a case, and where training entries have a ``fold``, one of them is the
validation part. Entries without a label cannot be scored and are left out; a part that is not listed is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evaluators.tasks import dataset_json
from evaluators.tasks.case_names import repeated, unique_names
from evaluators.tasks.faults import raise_faults
from evaluators.tasks.file_task import file_task
from evaluators.tasks.task import Case, Task
from evaluators.tasks.task_format import Request, task_format
from search_spaces.errors import InputError

LISTS = {"training": "train", "validation": "val", "test": "test", "testing": "test"}


@task_format(
    "decathlon",
    looks_for="dataset.json, or another .json file, with a list 'training'",
    recognises=lambda path, request: dataset_json.exists(path),
    precedence=3,  # after nnU-Net, which also has a dataset.json
)
def open_decathlon(path: Path, request: Request, *, fold: int | None = None) -> Task:
    """Open the folder ``path``, its ``dataset.json``, or another JSON file.

    Args:
        path: the folder or the file.
        request: see ``open_task``.
        fold: of training entries that have one, the validation part; 0 by default.
    """
    file = dataset_json.find(path)
    description = dataset_json.load(file)
    entries, notes = _entries(description, file)
    entries = _with_fold(entries, fold, file)
    cases_files = [tuple(file.parent / image for image in _images(entry)) for _, entry in entries]
    every = [image for files in cases_files for image in files]
    raise_faults([f"{file}: {image} is listed more than once" for image in repeated(every)])
    cases = [
        Case(name, split, files, file.parent / entry["label"])
        for name, files, (split, entry) in zip(
            unique_names(cases_files, file.parent), cases_files, entries, strict=True
        )
    ]
    modality = description.get("modality")
    return file_task(
        file.parent,
        cases,
        request,
        labels=dataset_json.label_map(description, file, request),
        channels=len(modality) if isinstance(modality, Mapping) else None,
        notes=notes,
    )


def _entries(description: Mapping[str, Any], file: Path) -> tuple[list[tuple[str, Mapping[str, Any]]], list[str]]:
    """Part and entry of every case with a label, and a note for each list that has others."""
    training = description.get("training")
    if not isinstance(training, list) or not training:
        raise InputError(f"{file}: training: expected a list of image and label pairs, got {training!r}")
    found: list[tuple[str, Mapping[str, Any]]] = []
    faults, notes = [], []
    for key, part in LISTS.items():
        listed = description.get(key) or []
        if not isinstance(listed, list):
            faults.append(f"{file}: {key}: expected a list of image and label pairs, got {listed!r}")
            continue
        unlabelled = {index for index, entry in enumerate(listed) if part != "train" and _is_unlabelled(entry)}
        if unlabelled:
            notes.append(f"{len(unlabelled)} of {len(listed)} entries of '{key}' have no label and are left out")
        for index, entry in enumerate(listed):
            if index in unlabelled:
                continue
            if not isinstance(entry, Mapping) or not _images(entry) or not isinstance(entry.get("label"), str):
                faults.append(f"{file}: {key}[{index}]: expected an image and a label path, got {entry!r}")
            else:
                found.append((part, entry))
    raise_faults(faults)
    return found, notes


def _is_unlabelled(entry: object) -> bool:
    return isinstance(entry, str) or (isinstance(entry, Mapping) and entry.get("label") is None)


def _images(entry: Mapping[str, Any]) -> list[str]:
    image = entry.get("image")
    listed = image if isinstance(image, list) else [image]
    paths = [path for path in listed if isinstance(path, str) and path]
    return paths if len(paths) == len(listed) else []


def _with_fold(
    entries: list[tuple[str, Mapping[str, Any]]], fold: int | None, file: Path
) -> list[tuple[str, Mapping[str, Any]]]:
    """``entries`` with the training ones of a fold moved to validation, where they have folds and there is none yet."""
    of_entry = {id(entry): _fold(entry, file) for part, entry in entries if part == "train"}
    folds = {number for number in of_entry.values() if number is not None}
    if not folds and fold is not None:
        raise InputError(f"{file}: fold: no training entry has a 'fold', got fold {fold}")
    if not folds or (fold is None and any(part == "val" for part, _ in entries)):
        return entries
    chosen = 0 if fold is None else fold
    if chosen not in folds:
        raise InputError(f"{file}: fold: expected one of {', '.join(map(str, sorted(folds)))}, got {chosen}")
    return [("val" if of_entry.get(id(entry)) == chosen else part, entry) for part, entry in entries]


def _fold(entry: Mapping[str, Any], file: Path) -> int | None:
    """Of a training entry; None where it has none."""
    fold = entry.get("fold")
    if fold is None or type(fold) is int:
        return fold
    if isinstance(fold, str) and fold.strip().isdigit():
        return int(fold)
    raise InputError(f"{file}: training: {entry['image']}: expected a whole number as fold, got {fold!r}")
