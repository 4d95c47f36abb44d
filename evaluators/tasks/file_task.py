"""A task whose cases lie in files: what every file format does after it has listed its cases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from evaluators.images import Source, Stored
from evaluators.images.placement import as_stored
from evaluators.labelling import Labelling
from evaluators.tasks.faults import raise_faults
from evaluators.tasks.inferred_classes import infer_classes
from evaluators.tasks.labels import ClassRules, LabelMap, parse_classes
from evaluators.tasks.readers import PICTURES, file_stem, file_suffix, read_image, read_label
from evaluators.tasks.split import check_fractions, check_groups, complete_split
from evaluators.tasks.task import SPLITS, Case, Sample, Task
from evaluators.tasks.task_format import Request
from search_spaces.errors import InputError


@dataclass(frozen=True)
class FileReader:
    """Reads a case from its files: images concatenated over channels, label values mapped to class indices.

    A grey picture among colour ones is repeated over the channels; a colour picture among grey ones is an
    error unless its channels are equal.
    """

    dims: int
    channels: int
    labels: LabelMap

    def __call__(self, case: Case) -> Sample:
        image = read_channels(case.images, self.dims)
        array = image.array
        if len(case.images) == 1 and file_suffix(case.images[0]) in PICTURES and len(array) != self.channels:
            array = _as_channels(array, self.channels)
        if len(array) != self.channels:
            files = ", ".join(map(str, case.images))
            raise InputError(f"{files}: expected {self.channels} channels as the task has, got {len(array)}")
        source = Source(case.images[0], as_stored(array.shape[1:]), image.affine, image.spacing)
        return Sample(array, self._label(case, array.shape[1:]), image.spacing, source)

    def _label(self, case: Case, spatial: tuple[int, ...]) -> np.ndarray | None:
        if case.label is None:
            return None
        label = read_label(case.label, self.dims)
        if label.shape != spatial:
            raise InputError(
                f"{case.label}: label size {_size(label.shape)} differs from {_size(spatial)} of image {case.images[0]}"
            )
        return self.labels.apply(label, case.label)


def read_channels(files: Sequence[Path], dims: int) -> Stored:
    """The images of one case as ``(channels, *spatial)``; spacing and affine are the first file's."""
    parts = [read_image(file, dims) for file in files]
    for file, part in zip(files, parts, strict=True):
        if part.array.shape[1:] != parts[0].array.shape[1:]:
            raise InputError(
                f"{file}: size {_size(part.array.shape[1:])} differs from "
                f"{_size(parts[0].array.shape[1:])} of {files[0]}"
            )
    return replace(parts[0], array=np.concatenate([part.array for part in parts]))


def file_task(
    name: str,
    cases: Sequence[Case],
    request: Request,
    *,
    classes: ClassRules | None = None,
    channels: int | None = None,
    group_hint: str = "",
) -> Task:
    """Check the listed cases, complete their split and find out what nobody has said.

    Args:
        name: of the task.
        cases: with the split where the data set gives one, else all ``train``.
        request: what the user asked for; its ``classes`` win over those of the data set.
        classes: the data set's own classes; without any, they are inferred from the training labels.
        channels: the data set's own channel count, checked against the first training case.
        group_hint: ends the message about a group that crosses the split.

    Raises:
        InputError: missing files and crossing groups, all together, and whatever cannot be found out.
    """
    if not cases:
        raise InputError(f"task '{name}': no cases found")
    files = [file for case in cases for file in (*case.images, case.label) if file is not None]
    raise_faults([f"{file}: no such file" for file in dict.fromkeys(files) if not file.is_file()])
    check_groups(cases, group_hint)
    cases = complete_split(cases, check_fractions(request.split), request.seed)
    cases = sorted(cases, key=lambda case: (SPLITS.index(case.split), case.name))
    training = [case for case in cases if case.split == "train"]
    first = training[0]
    assert first.label is not None
    dims = request.dims or read_label(first.label, None).ndim
    found = len(read_channels(first.images, dims).array)
    if channels is not None and channels != found:
        raise InputError(
            f"task '{name}': {channels} channels are announced, but {first.images[0]} and its like hold {found}"
        )
    rules = classes if request.classes is None else request.classes
    if rules is None:
        rules = infer_classes((case.label, read_label(case.label, dims)) for case in training if case.label)
    labels = parse_classes(rules)
    labelling = Labelling.exclusive(labels.classes)
    return Task(name, dims, labelling, found, tuple(cases), FileReader(dims, found, labels))


def unique_names(files: Sequence[Path], root: Path) -> list[str]:
    """A short name per file: the stem where all stems differ, else the path below ``root``."""
    for names in (
        [file_stem(file) for file in files],
        [_below(file.with_name(file_stem(file)), root) for file in files],
    ):
        if len(set(names)) == len(names):
            return names
    return [_below(file, root) for file in files]


def repeated(files: Sequence[Path]) -> list[Path]:
    """The files that are listed more than once."""
    return [file for file, count in Counter(files).items() if count > 1]


def _below(file: Path, root: Path) -> str:
    return file.relative_to(root).as_posix() if file.is_relative_to(root) else file.as_posix()


def _as_channels(array: np.ndarray, channels: int) -> np.ndarray:
    if len(array) == 1:
        return np.repeat(array, channels, axis=0)
    grey = channels == 1 and (array == array[:1]).all()
    return array[:1] if grey else array


def _size(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))
