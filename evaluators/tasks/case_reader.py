"""One case of a task from its files: every image and the label, on one grid and in one orientation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from pathlib import Path

import numpy as np

from evaluators.images import PICTURES, Source, Stored, file_suffix, read
from evaluators.images.colour import one_value
from evaluators.images.finite import finite
from evaluators.images.geometry import brought_to, size_text
from evaluators.images.placement import UPRIGHT, Placement, with_axes
from evaluators.tasks.faults import raise_faults
from evaluators.tasks.label_map import LabelMap
from evaluators.tasks.reading import Reading
from evaluators.tasks.segment_names import by_name
from evaluators.tasks.task import Case, Sample
from search_spaces.errors import InputError

AS_ITK_TAKES_IT = "as ITK takes arrays: columns to the left, rows to the back, pages upwards"
SILENT = f"training images say how they lie, this file does not; it lies {AS_ITK_TAKES_IT}"
SPEAKING = f"training images do not say how they lie, this file does; it is turned {AS_ITK_TAKES_IT}"


@dataclass(frozen=True)
class CaseReader:
    """Reads a case from its files: images concatenated over channels, label values mapped to class indices.

    All files are turned as the first image is; one that lies elsewhere is a fault. A grey picture among
    colour ones is repeated over the channels; a colour picture among grey ones is an error unless its channels are
    equal. Plain data: it can be pickled.

    Attributes:
        dims: of the network.
        channels: of every case.
        labels: from stored values to indices; None where there are no labels to read.
        slice_axis: of volumes for a 2D network, which keep their three axes; else None.
        reading: how the files are read.
        volumes: whether a network of pictures is given volumes too, which keep their three axes.
    """

    dims: int
    channels: int
    labels: LabelMap | None
    _: KW_ONLY
    slice_axis: int | None = None
    reading: Reading = field(default_factory=Reading)
    volumes: bool = False

    @property
    def axes(self) -> int:
        """Spatial axes of a sample."""
        return self.dims if self.slice_axis is None else 3

    def __call__(self, case: Case) -> Sample:
        faults: list[str] = []
        parts: list[Stored] = []
        label: Stored | None = None
        for file in case.images:
            try:
                parts.append(self._image(file))
            except InputError as error:
                faults += error.faults
        try:
            label = self._label(case.label) if case.label and self.labels else None
        except InputError as error:
            faults += error.faults
        raise_faults(faults)

        first, others, path = parts[0], parts[1:], case.images[0]
        placement = self._placement(first, path)
        notes = [note for part in (*parts, label) if part for note in part.notes] + self._turned(first)
        channels = [first.array]
        for file, other in zip(case.images[1:], others, strict=True):
            array, said = brought_to(first, other, path, file, by_index=self.reading.by_index)
            channels.append(array)
            notes += said
        joined = np.concatenate(channels) if others else first.array  # a large volume is not copied for nothing
        image = placement.apply(self._with_channels(joined, case, parts))
        indices = None
        if label is not None and case.label:
            array, said = brought_to(first, label, path, case.label, by_index=self.reading.by_index)
            indices = np.ascontiguousarray(placement.apply(array)[0])
            notes += said
        source = Source(path, placement, first.affine, first.spacing, first.header)
        spacing = placement.of_axes(first.spacing)
        said = tuple(dict.fromkeys(notes))
        orientation = self.reading.orientation or first.orientation
        return Sample(np.ascontiguousarray(image), indices, spacing, source, said, orientation)

    def _image(self, file: Path) -> Stored:
        """Finite float32 values."""
        volume = read(file, "image", self.reading.image_array)
        stored = volume.for_axes(self.axes)
        pages = volume.x_first is None and volume.channel_axis == 0  # of an array
        if self.volumes and pages and len(stored.array) > self.channels:
            stored = volume
        array, notes = finite(stored.array, file, self.reading.nan)
        return replace(stored, array=array, notes=stored.notes + notes)

    def _label(self, file: Path) -> Stored:
        """Indices of classes, one channel."""
        assert self.labels is not None
        stored = read(file, "label", self.reading.label_array).for_axes(self.axes)
        if file_suffix(file) in PICTURES and len(stored.array) == 3:
            stored = replace(stored, array=one_value(stored.array, file))
        if len(stored.array) != 1:
            raise InputError(f"{file}: expected a label with one value per voxel, got {len(stored.array)} channels")
        values = by_name(stored.array, stored.names, self.labels, file)
        return replace(stored, array=self.labels.apply(values, file))

    def _placement(self, image: Stored, file: Path) -> Placement:
        turned = image.placed(self.reading.orientation)
        placement = with_axes(turned, self.axes)
        if placement is None and self.volumes:
            placement = with_axes(turned, 3)
        if placement is None:
            given = f"{len(image.size)} ({size_text(image.size)})"
            raise InputError(f"{file}: expected {self.axes} spatial axes, got {given}")
        if self.slice_axis is not None:
            size = placement.of_axes(image.size)
            if size[self.slice_axis] > 1 and 1 in size:
                raise InputError(
                    f"{file}: a single slice across axis {size.index(1)} ({size_text(size)}); expected slices across "
                    f"axis {self.slice_axis}, as the network sees"
                )
        return placement

    def _turned(self, image: Stored) -> list[str]:
        """What to say where an image is of another kind than those that the network is trained on."""
        if self.reading.orientation in (None, image.orientation) or UPRIGHT not in (
            self.reading.orientation,
            image.orientation,
        ):
            return []
        return [SILENT if self.reading.orientation == UPRIGHT else SPEAKING]

    def _with_channels(self, array: np.ndarray, case: Case, parts: Sequence[Stored]) -> np.ndarray:
        """``array`` with the channels of the task."""
        if len(case.images) == 1 and file_suffix(case.images[0]) in PICTURES and len(array) != self.channels:
            if len(array) == 1:
                return np.repeat(array, self.channels, axis=0)
            if self.channels == 1 and (array == array[:1]).all():
                return array[:1]
        if len(array) != self.channels:
            files = ", ".join(map(str, case.images))
            left = "; ".join(note for part in parts for note in part.notes)
            said = f" ({left})" if left else ""
            raise InputError(f"{files}: expected {self.channels} channels as the task has, got {len(array)}{said}")
        return array


def count_channels(files: Sequence[Path], axes: int, array: str = "") -> int:
    """Channels that the images of one case have together, for a task with ``axes`` spatial axes.

    Raises ``InputError`` where one cannot be read or has another size than the first.
    """
    parts = [read(file, "image", array).for_axes(axes) for file in files]
    return sum(
        len(brought_to(parts[0], part, files[0], file, by_index=True)[0])
        for file, part in zip(files, parts, strict=True)
    )
