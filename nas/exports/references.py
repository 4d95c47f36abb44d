"""References beside images that are predicted: found by name, read as those of training were."""

from __future__ import annotations

from pathlib import Path

from evaluators.images import file_stem
from evaluators.images.folder import images_at
from evaluators.tasks.label_map import LabelMap
from evaluators.tasks.labels import parse_classes
from nas.exports.model import ExportedModel
from search_spaces.errors import InputError


def find_references(folder: Path, cases: list[str]) -> dict[str, Path]:
    """Case name to its label in a folder, for the cases that have one there; raises ``InputError`` where none has."""
    if not folder.exists():
        raise InputError(f"--labels: '{folder}' does not exist; expected a folder of label images")
    named = {file_stem(file): file for file in images_at(folder)}
    found = {name: named[name] for name in cases if name in named}
    if not found:
        example = f"'{cases[0]}'"
        raise InputError(f"--labels: '{folder}' holds no label of that name for any image; expected one for {example}")
    return found


def label_map_of(model: ExportedModel) -> LabelMap:
    """What stored values mean: by the rules of the task where the export tells them, else by the values it writes."""
    labelling = model.preprocessing.labelling
    given = model.about.get("classes")
    if given:
        return parse_classes(given)
    rules = {
        name: [labelling.values[index] for index in indices]
        for name, indices in zip(labelling.classes, labelling.members, strict=True)
    }
    order = [labelling.values[index] for index in labelling.painted] if labelling.regions else []
    return parse_classes({"background": labelling.values[0], **rules}, order)
