"""One orientation inside: how the axes of a file are turned for the tool, and turned back.

Where a file says how it lies in space its axes are put in the order right, front, up, each running that way (RAS), by
permutations and flips alone. A picture or an array that does not say keeps its axes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Placement:
    """Where each axis of the tool's array comes from.

    Attributes:
        size: of the spatial axes in the file.
        axes: for each spatial axis of the tool's array the axis of the file; None for one that the file does not have.
        flipped: for each of them whether it runs the other way in the file.
    """

    size: tuple[int, ...]
    axes: tuple[int | None, ...]
    flipped: tuple[bool, ...]

    def apply(self, array: np.ndarray) -> np.ndarray:
        """``(channels, *size)`` to ``(channels, *spatial)`` of the tool, a view."""
        kept = [axis for axis in self.axes if axis is not None]
        dropped = [axis for axis in range(len(self.size)) if axis not in kept]
        turned = array.transpose(0, *(axis + 1 for axis in kept), *(axis + 1 for axis in dropped))
        turned = turned.reshape(turned.shape[: 1 + len(kept)]) if dropped else turned
        for place, axis in enumerate(self.axes, start=1):
            if axis is None:
                turned = np.expand_dims(turned, place)
        return np.flip(turned, tuple(place for place, back in enumerate(self.flipped, start=1) if back))

    def restore(self, label: np.ndarray) -> np.ndarray:
        """``(*spatial)`` of the tool to ``(*size)`` of the file."""
        turned = np.flip(label, tuple(place for place, back in enumerate(self.flipped) if back))
        added = tuple(place for place, axis in enumerate(self.axes) if axis is None)
        turned = turned.squeeze(added)
        kept = [axis for axis in self.axes if axis is not None]
        for axis in range(len(self.size)):
            if axis not in kept:
                turned, kept = turned[..., None], [*kept, axis]
        return np.ascontiguousarray(turned.transpose(np.argsort(kept)))

    def of_axes(self, values: Sequence[float], added: float = 1.0) -> tuple[float, ...]:
        """A number for each axis of the file to one for each of the tool; ``added`` for those the file lacks."""
        return tuple(added if axis is None else values[axis] for axis in self.axes)


def as_stored(size: Sequence[int]) -> Placement:
    """The axes of a file as they are."""
    return Placement(tuple(size), tuple(range(len(size))), (False,) * len(size))


def upright(size: Sequence[int], affine: np.ndarray | None) -> Placement:
    """The axes of a file of ``size`` put in the order right, front, up; as they are where ``affine`` is None.

    A file with two axes gets a third, of length 1, where its slice has it.
    """
    if affine is None:
        return as_stored(size)
    from nibabel.orientations import io_orientation

    orientation = io_orientation(affine)
    if np.isnan(orientation).any():  # an axis without a length
        return as_stored(size)
    axes = np.argsort(orientation[:, 0]).tolist()
    return Placement(
        tuple(size),
        tuple(axis if axis < len(size) else None for axis in axes),
        tuple(bool(axis < len(size) and orientation[axis, 1] < 0) for axis in axes),
    )


def with_axes(placement: Placement, count: int) -> Placement | None:
    """``placement`` with ``count`` axes: one of length 1 too many is dropped, one too few is added at the end.

    None where that is not enough.
    """
    have = len(placement.axes)
    if have == count:
        return placement
    if have == count - 1:
        return Placement(placement.size, (*placement.axes, None), (*placement.flipped, False))
    absent = [place for place, axis in enumerate(placement.axes) if axis is None]
    single = [place for place, axis in enumerate(placement.axes) if axis is not None and placement.size[axis] == 1]
    if have != count + 1 or not absent + single:
        return None
    keep = [place for place in range(have) if place != (absent or single)[-1]]
    return Placement(placement.size, tuple(placement.axes[p] for p in keep), tuple(placement.flipped[p] for p in keep))
