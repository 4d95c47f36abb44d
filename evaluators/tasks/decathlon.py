"""The Medical Segmentation Decathlon layout. Antonelli et al., Nature Communications 2022, http://medicaldecathlon.com

``dataset.json`` lists the training cases and names modalities and labels. Its test cases have no labels, so
they cannot be scored: all parts of the split are made from the training list.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from evaluators.tasks import dataset_json
from evaluators.tasks.faults import raise_faults
from evaluators.tasks.file_task import file_task, repeated, unique_names
from evaluators.tasks.task import Case, Task
from evaluators.tasks.task_format import Request, task_format
from search_spaces.errors import InputError


@task_format(
    "decathlon",
    looks_for="dataset.json with a list 'training'",
    recognises=dataset_json.exists,
    precedence=3,  # after nnU-Net, which also has a dataset.json
)
def open_decathlon(path: Path, request: Request) -> Task:
    """Open the folder ``path`` or its ``dataset.json``."""
    file = dataset_json.find(path)
    description = dataset_json.load(file)
    training = description.get("training")
    if not isinstance(training, list) or not training:
        raise InputError(f"{file}: training: expected a list of image and label pairs, got {training!r}")
    raise_faults(
        [
            f"{file}: training[{index}]: expected an image and a label path, got {entry!r}"
            for index, entry in enumerate(training)
            if not isinstance(entry, Mapping) or not all(isinstance(entry.get(k), str) for k in ("image", "label"))
        ]
    )
    images = [file.parent / entry["image"] for entry in training]
    raise_faults([f"{file}: training: {image} is listed more than once" for image in repeated(images)])
    cases = [
        Case(name, "train", (image,), file.parent / entry["label"])
        for name, image, entry in zip(unique_names(images, file.parent), images, training, strict=True)
    ]
    classes = dataset_json.class_rules(description.get("labels"), file) if request.classes is None else None
    modality = description.get("modality")
    channels = len(modality) if isinstance(modality, Mapping) else None
    return file_task(file.resolve().parent.name, cases, request, classes=classes, channels=channels)
