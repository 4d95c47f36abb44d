"""nnU-Net's raw layout. Isensee et al., Nature Methods 2021, https://github.com/MIC-DKFZ/nnUNet

``dataset.json`` names channels and labels; ``imagesTr/CASE_0000.ext`` is channel 0 of a case (a colour picture
counts as its three channels), ``labelsTr/CASE.ext`` its label. ``imagesTs`` is the test part where ``labelsTs``
is there too; what else is missing is made from the training cases. Version 1 (``modality`` in place of
``channel_names``) is read as well.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from evaluators.images import SUFFIXES
from evaluators.tasks import dataset_json
from evaluators.tasks.faults import raise_faults
from evaluators.tasks.file_task import file_task
from evaluators.tasks.task import Case, Task
from evaluators.tasks.task_format import Request, task_format
from search_spaces.errors import InputError


def _recognises(path: Path) -> bool:
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
def open_nnunet(path: Path, request: Request) -> Task:
    """Open the folder ``path`` or its ``dataset.json``."""
    file = dataset_json.find(path)
    description = dataset_json.load(file)
    names = description.get("channel_names", description.get("modality"))
    if not isinstance(names, Mapping) or not names:
        raise InputError(f"{file}: channel_names: expected channel numbers and names, got {names!r}")
    ending = str(description.get("file_ending", ".nii.gz"))
    if ending.lower() not in SUFFIXES:
        raise InputError(f"{file}: file_ending '{ending}' cannot be read; expected one of {', '.join(SUFFIXES)}")
    root = file.parent
    cases = _list_cases(root / "imagesTr", root / "labelsTr", ending, "train", len(names))
    if (root / "labelsTs").is_dir():
        cases += _list_cases(root / "imagesTs", root / "labelsTs", ending, "test", len(names))
    classes = dataset_json.class_rules(description.get("labels"), file) if request.classes is None else None
    return file_task(file.resolve().parent.name, cases, request, classes=classes, channels=len(names))


def _list_cases(images: Path, labels: Path, ending: str, split: str, channels: int) -> list[Case]:
    for folder in (images, labels):
        if not folder.is_dir():
            raise InputError(f"{folder}: no such folder")
    pattern = re.compile(rf"(.+)_(\d{{4}}){re.escape(ending)}")
    found: dict[str, dict[int, Path]] = defaultdict(dict)
    for file in sorted(images.iterdir()):
        match = pattern.fullmatch(file.name)
        if match and not file.name.startswith("."):
            found[match[1]][int(match[2])] = file
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
