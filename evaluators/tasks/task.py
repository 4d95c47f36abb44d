"""What a segmentation task is: cases with a split, class names, and how one case is read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from evaluators.tasks.faults import raise_faults
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
        group: cases of one group (a patient, say) never cross a split; empty when the case stands alone.
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
        image: float32 ``(channels, *spatial)``, finite, intensities as stored.
        label: uint8 ``(*spatial)``, 0 background, class ``i`` of ``Task.classes`` as ``i + 1``.
        spacing: voxel size along each spatial axis, in mm where the file knows it, else 1 pixel.
        affine: the NIfTI affine (4 x 4, voxel to mm) of the first image file, to write predictions back.
    """

    image: np.ndarray
    label: np.ndarray | None
    spacing: tuple[float, ...]
    affine: np.ndarray | None = None


@dataclass(frozen=True)
class Task:
    """Images, labels, classes and split of one segmentation problem. Plain data: it can be pickled.

    Attributes:
        name: for reports.
        dims: 2 or 3 spatial dimensions.
        classes: names of the foreground classes; class ``i`` has label index ``i + 1``.
        channels: image channels of every case.
        cases: all cases, by split and name.
        reader: reads one case; given by the task's format.
    """

    name: str
    dims: int
    classes: tuple[str, ...]
    channels: int
    cases: tuple[Case, ...]
    reader: Callable[[Case], Sample] = field(repr=False)

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


def check_classes_present(task: Task, counts: Sequence[int]) -> None:
    """Refuse a class that no training case shows: nothing could be learnt of it.

    Args:
        task: the task.
        counts: voxels per label index over all training cases, background first: ``len(classes) + 1`` numbers,
            as ``numpy.bincount(label.ravel(), minlength=len(task.classes) + 1)`` sums up to.

    Raises:
        InputError: one line per class without a voxel.
    """
    if len(counts) != len(task.classes) + 1:
        raise ValueError(f"expected {len(task.classes) + 1} counts (background first), got {len(counts)}")
    training = len(task.split("train"))
    raise_faults(
        [
            f"task '{task.name}': class '{name}' is in none of the {training} training cases; "
            "drop it from the classes, or check the label values and the split"
            for name, count in zip(task.classes, counts[1:], strict=True)
            if count == 0
        ]
    )
