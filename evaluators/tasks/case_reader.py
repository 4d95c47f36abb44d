"""Reading one case: its images concatenated over channels, its label values mapped to indices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, replace
from pathlib import Path

import numpy as np

from evaluators.images import Source, Stored
from evaluators.images.placement import as_stored
from evaluators.tasks.labels import LabelMap
from evaluators.tasks.readers import PICTURES, file_suffix, read_image, read_label
from evaluators.tasks.task import Case, Sample
from search_spaces.errors import InputError


@dataclass(frozen=True)
class CaseReader:
    """Reads a case from its files: images concatenated over channels, label values mapped to indices.

    A grey picture among colour ones is repeated over the channels; a colour picture among grey ones is an
    error unless its channels are equal.

    Attributes:
        dims: of the network.
        channels: of every case.
        labels: what stored values mean.
        slice_axis: of volumes for a network of two dimensions, else None.
        nan: ``fault`` or ``background``.
        arrays: names of the arrays of image and label in .npz files, empty where they have the usual ones.
        by_index: trust that image and label lie alike.
    """

    dims: int
    channels: int
    labels: LabelMap
    _: KW_ONLY
    slice_axis: int | None = None
    nan: str = "fault"
    arrays: tuple[str, str] = ("", "")
    by_index: bool = False

    def __call__(self, case: Case) -> Sample:
        dims = self.dims if self.slice_axis is None else 3
        image = read_channels(case.images, dims, self.arrays[0], self.nan)
        array = image.array
        if len(case.images) == 1 and file_suffix(case.images[0]) in PICTURES and len(array) != self.channels:
            array = _as_channels(array, self.channels)
        if len(array) != self.channels:
            files = ", ".join(map(str, case.images))
            raise InputError(f"{files}: expected {self.channels} channels as the task has, got {len(array)}")
        source = Source(case.images[0], as_stored(array.shape[1:]), image.affine, image.spacing)
        return Sample(array, self._label(case, array.shape[1:], dims), image.spacing, source, image.notes)

    def _label(self, case: Case, spatial: tuple[int, ...], dims: int) -> np.ndarray | None:
        if case.label is None:
            return None
        label = read_label(case.label, dims, self.arrays[1])
        if label.shape != spatial:
            raise InputError(
                f"{case.label}: label size {_size(label.shape)} differs from {_size(spatial)} of image {case.images[0]}"
            )
        return self.labels.apply(label, case.label)


def read_channels(files: Sequence[Path], dims: int, array: str = "", nan: str = "fault") -> Stored:
    """The images of one case as ``(channels, *spatial)``; spacing and affine are the first file's."""
    parts = [read_image(file, dims, array, nan) for file in files]
    for file, part in zip(files, parts, strict=True):
        if part.array.shape[1:] != parts[0].array.shape[1:]:
            raise InputError(
                f"{file}: size {_size(part.array.shape[1:])} differs from "
                f"{_size(parts[0].array.shape[1:])} of {files[0]}"
            )
    return replace(parts[0], array=np.concatenate([part.array for part in parts]))


def count_channels(files: Sequence[Path], axes: int, array: str = "") -> int:
    """Channels that the images of one case have together, for a task with ``axes`` spatial axes."""
    return len(read_channels(files, axes, array, "background").array)


def _as_channels(array: np.ndarray, channels: int) -> np.ndarray:
    if len(array) == 1:
        return np.repeat(array, channels, axis=0)
    grey = channels == 1 and (array == array[:1]).all()
    return array[:1] if grey else array


def _size(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))
