"""What the labels of a task tell where nobody has said it: classes, own values, dimensions, which class is where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evaluators.images import file_suffix
from evaluators.labelling import Labelling
from evaluators.tasks.dimensions import Dimensions, told_by_labels, told_by_names
from evaluators.tasks.faults import raise_faults
from evaluators.tasks.inferred_classes import infer_classes
from evaluators.tasks.label_map import LabelMap
from evaluators.tasks.labels import parse_classes
from evaluators.tasks.request import Request
from evaluators.tasks.segment_names import by_name, check_numbers, classes_of
from evaluators.tasks.survey import LabelRecord, survey
from evaluators.tasks.task import Case
from evaluators.tasks.value_counts import ValueCounts
from search_spaces.errors import InputError

NAMING = (".seg.nrrd", ".dcm")  # types that may name their segments


@dataclass(frozen=True, eq=False)
class Findings:
    """What was found out.

    Attributes:
        dimensions: of the network.
        labels: from stored values to indices.
        labelling: what the indices mean.
        counts: voxels of each index, int64 ``(256,)``, of each label that was read.
        notes: what a user should know of it.
    """

    dimensions: Dimensions
    labels: LabelMap
    labelling: Labelling
    counts: Mapping[Path, np.ndarray]
    notes: tuple[str, ...]


def find_out(
    cases: Sequence[Case],
    request: Request,
    labels: LabelMap | None,
    *,
    must_split: bool,
    orientation: str | None = None,
) -> Findings:
    """Read the labels that have to tell something, each once; none where nothing is to be found out.

    Args:
        cases: of the task, before its split is made; what is inferred comes from the training cases alone.
        request: what the user asked for.
        labels: the classes, if they are known.
        must_split: whether a part is made, for which one has to know which case shows what.
        orientation: to which images are turned.

    Raises:
        InputError: labels that cannot be read or do not fit the classes, all of them; what cannot be told from them.
    """
    files = list(dict.fromkeys(case.label for case in cases if case.label))
    training = list(dict.fromkeys(case.label for case in cases if case.label and case.split == "train"))
    told = told_by_names(request, files)
    unknown = must_split or labels is None or labels.open
    images = {case.label: case.images[0] for case in cases if case.label}
    named = [file for file in files if file_suffix(file) in NAMING]
    wanted = files if not told or named else training if unknown else []
    arrays = request.array("image"), request.array("label")
    records = survey({file: images[file] for file in wanted}, arrays, orientation, request.progress)
    dimensions = told or told_by_labels(request, records, orientation)
    if labels is None:
        shown = {file: records[file] for file in training}
        names = [record.names for record in shown.values() if record.names]
        rules = classes_of(names) if names else infer_classes({file: record.values for file, record in shown.items()})
        labels = parse_classes(rules, request.regions_class_order or ())
    values = _checked(records, labels)
    numbered = check_numbers({file: record.names for file, record in records.items()}, labels)
    together = ValueCounts.total([values[file] for file in training]) if values else None
    return Findings(
        dimensions,
        labels,
        labels.labelling(together),
        {file: labels.count(found) for file, found in values.items()},
        (*dimensions.notes, *numbered, *labels.notes(together)),
    )


def _checked(records: Mapping[Path, LabelRecord], labels: LabelMap) -> dict[Path, ValueCounts]:
    """The values of each label, which all fit the classes."""
    values: dict[Path, ValueCounts] = {}
    faults: list[str] = []
    for file, record in records.items():
        try:
            renamed = by_name(record.values.values, record.names, labels, file)
            values[file] = ValueCounts.total([ValueCounts(renamed, record.values.counts)])
            faults += labels.faults(values[file], file)
        except InputError as error:
            faults += error.faults
    raise_faults(faults)
    return values
