"""nnU-Net's raw layout. Isensee et al., Nature Methods 2021, https://github.com/MIC-DKFZ/nnUNet

``dataset.json`` names channels and labels; ``imagesTr/CASE_0000.ext`` is channel 0 of a case (a colour picture
counts as its three channels), ``labelsTr/CASE.ext`` its label; or its ``dataset`` lists the files of each training
case. ``imagesTs`` is the test part where ``labelsTs`` is there too; a fold of ``splits_final.json``, beside
``dataset.json`` or where nnU-Net puts it (``nnUNet_preprocessed``), tells validation from training cases; what else is
missing is made from the training cases. Version 1 (``modality`` in place of ``channel_names``) is read as well.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from evaluators.images import SUFFIXES
from evaluators.tasks import dataset_json
from evaluators.tasks.channel_files import numbered
from evaluators.tasks.faults import raise_faults
from evaluators.tasks.file_task import file_task
from evaluators.tasks.nnunet_folds import with_fold
from evaluators.tasks.task import Case, Task
from evaluators.tasks.task_format import Request, task_format
from search_spaces.errors import InputError


def _recognises(path: Path, request: Request) -> bool:
    if not dataset_json.exists(path):
        return False
    try:
        description = dataset_json.load(path)
    except InputError:
        return False
    images = dataset_json.find(path).parent / "imagesTr"
    return "channel_names" in description or ("modality" in description and any(images.glob("*_0000.*")))


@task_format(
    "nnunet",
    looks_for="dataset.json with 'channel_names' beside imagesTr and labelsTr",
    recognises=_recognises,
    precedence=2,
)
def open_nnunet(path: Path, request: Request, *, fold: int | None = None) -> Task:
    """Open the folder ``path`` or its ``dataset.json``.

    Args:
        path: the folder or the file.
        request: see ``open_task``.
        fold: of ``splits_final.json``; 0 by default.
    """
    file = dataset_json.find(path)
    description = dataset_json.load(file)
    names = description.get("channel_names", description.get("modality"))
    if not isinstance(names, Mapping) or not names:
        raise InputError(f"{file}: channel_names: expected channel numbers and names, got {names!r}")
    ending = str(description.get("file_ending", ".nii.gz"))
    if ending.lower() not in SUFFIXES:
        raise InputError(f"{file}: file_ending '{ending}' cannot be read; expected one of {', '.join(SUFFIXES)}")
    root = file.parent
    if "dataset" in description:
        cases = _listed_cases(description["dataset"], file)
    else:
        cases = _cases_in(root / "imagesTr", root / "labelsTr", ending, "train", len(names))
    cases, notes = with_fold(cases, root, fold)
    if (root / "labelsTs").is_dir():
        tests = _cases_in(root / "imagesTs", root / "labelsTs", ending, "test", len(names))
        taken = {case.name for case in cases}
        cases += [replace(case, name=f"test/{case.name}") if case.name in taken else case for case in tests]
    elif any((root / "imagesTs").glob(f"*{ending}")):
        notes = [*notes, f"{root / 'imagesTs'} holds images without labels, which are left out"]
    labels = dataset_json.label_map(description, file, request)
    return file_task(root, cases, request, labels=labels, channels=len(names), notes=notes)


def _listed_cases(listed: object, file: Path) -> list[Case]:
    """The entries of ``dataset``: paths from the folder of ``file``, with variables of the environment in them."""
    if not isinstance(listed, Mapping) or not listed:
        raise InputError(f"{file}: dataset: expected images and label by case, got {listed!r}")
    faults, cases = [], []
    for name, entry in listed.items():
        images = entry.get("images") if isinstance(entry, Mapping) else None
        label = entry.get("label") if isinstance(entry, Mapping) else None
        if isinstance(images, list) and images and all(isinstance(path, str) and path for path in [*images, label]):
            paths = [file.parent / os.path.expandvars(path) for path in (*images, label)]
            cases.append(Case(name, "train", tuple(paths[:-1]), paths[-1]))
        else:
            faults.append(f"{file}: dataset: {name}: expected a list of images and a label, got {entry!r}")
    raise_faults(faults)
    return cases


def _cases_in(images: Path, labels: Path, ending: str, split: str, channels: int) -> list[Case]:
    for folder in (images, labels):
        if not folder.is_dir():
            raise InputError(f"{folder}: no such folder")
    found = numbered(f for f in sorted(images.iterdir()) if f.name.endswith(ending) and not f.name.startswith("."))
    if not found:
        raise InputError(f"{images}: expected files such as CASE_0000{ending}, found none")
    labelled = {f.name.removesuffix(ending) for f in labels.glob(f"*{ending}") if not f.name.startswith(".")}
    faults = [f"{labels / name}{ending}: label without an image in {images}" for name in sorted(labelled - set(found))]
    for name, files in found.items():
        if name not in labelled:
            faults.append(f"{labels / name}{ending}: no label for {files[min(files)]}")
        if sorted(files) not in (list(range(channels)), [0]):
            numbers = ", ".join(f"{number:04d}" for number in sorted(files))
            faults.append(f"{images / name}: expected channel files 0000 to {channels - 1:04d}, found {numbers}")
    raise_faults(faults)
    return [
        Case(name, split, tuple(files[number] for number in sorted(files)), labels / f"{name}{ending}")
        for name, files in found.items()
    ]
