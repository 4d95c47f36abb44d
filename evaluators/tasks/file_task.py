"""A task whose cases lie in files: what every file format does after it has listed its cases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from evaluators.images import PICTURES, file_suffix, is_series, orientation_of
from evaluators.tasks.case_names import shared_images, shared_labels
from evaluators.tasks.case_reader import CaseReader, count_channels
from evaluators.tasks.coverage import check_coverage
from evaluators.tasks.faults import raise_faults
from evaluators.tasks.findings import Findings, find_out
from evaluators.tasks.groups import group_by_name, group_by_pattern
from evaluators.tasks.label_map import LabelMap
from evaluators.tasks.labels import parse_classes
from evaluators.tasks.reading import Reading
from evaluators.tasks.request import Request
from evaluators.tasks.split import check_fractions, check_groups, complete_split, missing_parts
from evaluators.tasks.task import SPLITS, Case, Task
from search_spaces.errors import InputError


def file_task(
    root: Path,
    cases: Sequence[Case],
    request: Request,
    *,
    labels: LabelMap | None = None,
    channels: int | None = None,
    group_hint: str = "",
    notes: Sequence[str] = (),
) -> Task:
    """Check the listed cases, find out what nobody has said, and complete their split.

    Args:
        root: folder of the data set, after which the task is called.
        cases: with the split where the data set gives one, else all ``train``.
        request: what the user asked for; its ``classes`` win over those of the data set.
        labels: the data set's own classes; without any, they are inferred from the training labels.
        channels: the data set's own channel count, checked against the first training case.
        group_hint: ends the message about a group that crosses the split.
        notes: what a user should know of the listing.

    Raises:
        InputError: missing files and crossing groups, all together, and whatever cannot be found out.
    """
    name = root.resolve().name
    if not cases:
        raise InputError(f"task '{name}': no cases found")
    files = [file for case in cases for file in (*case.images, case.label) if file is not None]
    lost = [file for file in dict.fromkeys(files) if not (file.is_file() or is_series(file))]
    raise_faults([f"{file}: no such file" + ", the link leads to nothing" * file.is_symlink() for file in lost])
    raise_faults(shared_images(cases))
    missing, fractions = missing_parts(cases), check_fractions(request.split)
    cases, grouping = _group(cases, request, root, missing, group_hint)
    if request.classes is not None:
        labels = parse_classes(request.classes, request.regions_class_order or ())

    reading = _reading(cases, request)
    found = find_out(cases, request, labels, must_split=bool(missing), orientation=reading.orientation)
    counts = {case.name: found.counts[case.label] for case in cases if case.label and case.label in found.counts}
    shown = {case: found.labelling.shown(voxels) for case, voxels in counts.items()}
    cases = complete_split(cases, fractions, request.seed, shown)
    cases = sorted(cases, key=lambda case: (SPLITS.index(case.split), case.name))
    reader = _reader([case for case in cases if case.split == "train"], found, reading)
    if channels not in (None, reader.channels):
        raise InputError(
            f"task '{name}': {channels} channels are announced, but {cases[0].images[0]} and its like hold "
            f"{reader.channels}"
        )
    dims, axis = found.dimensions.dims, found.dimensions.slice_axis
    told = (*notes, *shared_labels(cases), *grouping, *found.notes)
    task = Task(name, dims, found.labelling, reader.channels, tuple(cases), reader, axis, told, reading)
    if counts:
        check_coverage(task, {"train": [counts[case.name] for case in task.split("train")], "val": [], "test": []}, ())
    return task


def _group(
    cases: Sequence[Case], request: Request, root: Path, missing: Sequence[str], hint: str
) -> tuple[list[Case], list[str]]:
    """The cases with their groups, and notes."""
    if not request.groups:
        return [replace(case, group="") for case in cases], []
    if request.group_pattern is not None:
        return group_by_pattern(cases, request.group_pattern, root)
    if any(case.group for case in cases):
        check_groups(cases, hint)
        return list(cases), []
    return group_by_name(cases, missing)


def _reading(cases: Sequence[Case], request: Request) -> Reading:
    """How the files are read; all images are turned as the first training image that can be read is."""
    arrays = request.array("image"), request.array("label")
    orientation = None
    for case in sorted((case for case in cases if case.split == "train"), key=lambda case: case.name):
        with suppress(InputError):  # it is told with all others when the cases are read
            orientation = orientation_of(case.images[0], arrays[0])
            break
    return Reading(orientation, request.nan, *arrays, request.geometry == "by_index")


def _reader(training: Sequence[Case], found: Findings, reading: Reading) -> CaseReader:
    dims, axis = found.dimensions.dims, found.dimensions.slice_axis
    channels = _channels(training, dims if axis is None else 3, reading.image_array)
    return CaseReader(dims, channels, found.labels, slice_axis=axis, reading=reading)


def _channels(training: Sequence[Case], axes: int, array: str) -> int:
    """Channels of the first case; where it is a grey picture, what most of three have: it may lie among colour ones."""
    found = count_channels(training[0].images, axes, array)
    if found > 1 or len(training[0].images) > 1 or file_suffix(training[0].images[0]) not in PICTURES:
        return found
    counts = [found]
    for place in {len(training) // 2, len(training) - 1} - {0}:
        with suppress(InputError):  # it is told with all others when the cases are read
            counts.append(count_channels(training[place].images, axes, array))
    return Counter(counts).most_common(1)[0][0]
