"""What an image file holds, and how its result is to be written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from evaluators.images.placement import AS_ITK, UPRIGHT, Placement, as_stored, codes, towards, upright


@dataclass(frozen=True, eq=False)
class Stored:
    """An image or label as its file holds it.

    Attributes:
        array: ``(channels, *spatial)``, two or three spatial axes in the order of the file, values as stored.
        spacing: voxel size along each spatial axis, mm; 1 where the file does not know it.
        affine: ``(4, 4)`` voxel indices to mm, x to the right, y to the front, z up (RAS); a file with two spatial axes
            has the third between them and its slice. None where the file does not say how it lies.
        header: what a result needs to lie in its file as this does; only the format that made it knows what it is.
        notes: what a user should know of how the file was read, without its name.
        other_affine: where the file also says that it lies, for readers that look there.
        turned: how the file says that it is to be turned for viewing (EXIF), where it has no affine.
        channel_axis: of three spatial axes the one that holds channels where a task has two.
        x_first: whether the spatial axes run x, y, z; else z, y, x. None: nobody knows.
        names: of a segmentation, what its values are called.
        partial: whether the array may cover a part of its image, the rest being background.
    """

    array: np.ndarray
    spacing: tuple[float, ...]
    affine: np.ndarray | None = None
    header: Any = None
    notes: tuple[str, ...] = ()
    other_affine: np.ndarray | None = None
    turned: Placement | None = None
    channel_axis: int | None = None
    x_first: bool | None = None
    names: Mapping[int, str] = field(default_factory=dict)
    partial: bool = False

    @property
    def size(self) -> tuple[int, ...]:
        """Of the spatial axes."""
        return self.array.shape[1:]

    @property
    def affines(self) -> list[np.ndarray]:
        """Every place where the file says that it lies; the one that counts first."""
        return [affine for affine in (self.affine, self.other_affine) if affine is not None]

    @property
    def placement(self) -> Placement:
        """How the axes are turned for the tool where no other file has to be met."""
        return self.turned or upright(self.size, self.affine)

    @property
    def orientation(self) -> str:
        """To which files of this kind are turned: upright where they say how they lie, else not at all."""
        return AS_ITK[bool(self.x_first)] if codes(self.affine, 3) is None else UPRIGHT

    def placed(self, orientation: str | None = None) -> Placement:
        """How the axes are turned to ``orientation``, or to that of the file's own kind."""
        first = self.turned or as_stored(self.size)
        count = len(first.axes)
        if count not in (2, 3):
            return first
        silent = AS_ITK[bool(self.x_first)]
        have = codes(self.affine, count) or (silent[:count] if self.x_first else silent[-count:])
        return first.then(
            towards([self.size[axis] for axis in first.axes if axis is not None], have, orientation or self.orientation)
        )

    def for_axes(self, count: int) -> Stored:
        """As a task with ``count`` spatial axes takes it: an axis too many holds channels, where it may."""
        axis = self.channel_axis
        if axis is None or len(self.size) != count + 1 or len(self.array) != 1:
            return self
        spacing = tuple(value for place, value in enumerate(self.spacing) if place != axis % len(self.size))
        return replace(self, array=np.moveaxis(self.array[0], axis, 0), spacing=spacing, channel_axis=None)


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
