"""What a segmentation task is: cases with a split, class names, and how one case is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from evaluators.images import Source
from evaluators.images.placement import UPRIGHT
from evaluators.labelling import Labelling
from evaluators.tasks.reading import Reading
from search_spaces.errors import InputError, unknown_name

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Case:
    """One subject or picture of a task; where it is, not what it holds.

    Attributes:
        name: unique in the task.
        split: ``train``, ``val`` or ``test``.
        images: one or more files, concatenated over channels; empty for generated cases.
        label: the label file; ``None`` for generated cases.
        group: cases of one group (a patient, say) are kept in one part of a split; empty when the case stands alone.
    """

    name: str
    split: str
    images: tuple[Path, ...] = ()
    label: Path | None = None
    group: str = ""


@dataclass(frozen=True, eq=False)
class Sample:
    """One case in memory.

    Attributes:
        image: float32 ``(channels, *spatial)``, finite, intensities as stored, axes in the one orientation of the tool.
        label: uint8 ``(*spatial)``, indices as ``Task.labelling`` explains them, on the grid of the image.
        spacing: voxel size along each spatial axis, in mm where the file knows it, else 1 pixel.
        source: how the first image lies in its file, to write a result as it lies there; None for generated cases.
        notes: what a user should know of how the files were read; without their names, so that equal ones are counted.
        orientation: how the axes run, see ``evaluators.images.placement``; a 2D image has those of its three that it
            shows.
    """

    image: np.ndarray
    label: np.ndarray | None
    spacing: tuple[float, ...]
    source: Source | None = None
    notes: tuple[str, ...] = ()
    orientation: str = UPRIGHT


@dataclass(frozen=True)
class Task:
    """Images, labels, classes and split of one segmentation problem. Plain data: it can be pickled.

    Attributes:
        name: for reports.
        dims: 2 or 3 spatial dimensions of the network.
        labelling: the classes, and what label indices mean.
        channels: image channels of every case.
        cases: all cases, by split and name.
        reader: reads one case; given by the task's format.
        slice_axis: of volumes for a 2D network, the axis along which they are cut into slices; else None.
        notes: what a user should know of how the task was opened.
        reading: how its files are read.
    """

    name: str
    dims: int
    labelling: Labelling
    channels: int
    cases: tuple[Case, ...]
    reader: Callable[[Case], Sample] = field(repr=False)
    slice_axis: int | None = None
    notes: tuple[str, ...] = ()
    reading: Reading = field(default_factory=Reading)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the foreground classes."""
        return self.labelling.classes

    def split(self, name: str) -> list[Case]:
        """The cases of ``train``, ``val`` or ``test``, in a fixed order."""
        if name not in SPLITS:
            raise InputError(unknown_name("split", name, SPLITS))
        return [case for case in self.cases if case.split == name]

    def read(self, case: Case) -> Sample:
        """Read and check one case.

        Raises:
            InputError: names the file that cannot be read, has another size than its partner, holds NaN or
                infinite pixels or label values outside the class map, or has the wrong number of channels.
        """
        return self.reader(case)
