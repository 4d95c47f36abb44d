"""What an image file holds, and how its result is to be written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evaluators.images.placement import Placement


@dataclass(frozen=True, eq=False)
class Stored:
    """An image or label.

    Attributes:
        array: ``(channels, *spatial)``, two or three spatial axes, values as stored.
        spacing: voxel size along each spatial axis, mm; 1 where the file does not know it.
        affine: ``(4, 4)`` voxel indices to mm, x to the right, y to the front, z up (RAS); a file with two spatial axes
            has the third between them and its slice. None where the file does not say how it lies.
        header: what a result needs to lie in its file as this does; only the format that made it knows what it is.
        notes: what a user should know of how the file was read, without its name.
    """

    array: np.ndarray
    spacing: tuple[float, ...]
    affine: np.ndarray | None = None
    header: Any = None
    notes: tuple[str, ...] = ()

    @property
    def size(self) -> tuple[int, ...]:
        """Of the spatial axes."""
        return self.array.shape[1:]


@dataclass(frozen=True, eq=False)
class Source:
    """The way from an array of the tool back to the file that it came from.

    Attributes:
        path: the file, or the folder of a DICOM series.
        placement: how its axes were turned.
        affine: of the file as it lies; see ``Stored``.
        spacing: along the axes of the file.
        header: see ``Stored``.
    """

    path: Path
    placement: Placement
    affine: np.ndarray | None
    spacing: tuple[float, ...]
    header: Any = None
