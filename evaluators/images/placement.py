"""One orientation inside: how the axes of a file are turned for the tool, and turned back.

An orientation says by a letter each where axes run to: right, left, front (anterior), back (posterior), up (superior),
down (inferior). Files that say how they lie are turned to ``UPRIGHT`` by permutations and flips alone. Pictures, stacks
and arrays do not say; their axes stay as they are, and where they have to meet files that do say, they lie as ITK takes
them: columns to the left, rows to the back, pages upwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

UPRIGHT = "RAS"
AS_ITK = {True: "LPS", False: "SPL"}  # of a file that does not say how it lies, by whether x comes first
_WORLD = ("RL", "AP", "SI")


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

    def then(self, other: Placement) -> Placement:
        """This one, and then ``other`` of what it gives."""
        return Placement(
            self.size,
            tuple(None if axis is None else self.axes[axis] for axis in other.axes),
            tuple(
                back != (axis is not None and self.flipped[axis])
                for axis, back in zip(other.axes, other.flipped, strict=True)
            ),
        )

    def of_axes(self, values: Sequence[float], added: float = 1.0) -> tuple[float, ...]:
        """A number for each axis of the file to one for each of the tool; ``added`` for those the file lacks."""
        return tuple(added if axis is None else values[axis] for axis in self.axes)


def as_stored(size: Sequence[int]) -> Placement:
    """The axes of a file as they are."""
    return Placement(tuple(size), tuple(range(len(size))), (False,) * len(size))


def codes(affine: np.ndarray | None, count: int) -> str | None:
    """The orientation of ``count`` axes, as ``LPS``; None where ``affine`` does not tell it."""
    if affine is None:
        return None
    from nibabel.orientations import aff2axcodes

    found = aff2axcodes(affine)
    return None if None in found else "".join(found)[:count]  # None: an axis without a length


def towards(size: Sequence[int], have: str, want: str) -> Placement:
    """The axes of a file of ``size``, which run as ``have`` says, in the order and the directions of ``want``.

    A file with two axes gets a third, of length 1, where its slice has it.
    """
    along = {_world(code): axis for axis, code in enumerate(have)}
    axes = tuple(along.get(_world(code)) for code in want)
    flipped = tuple(axis is not None and have[axis] != code for axis, code in zip(axes, want, strict=True))
    return Placement(tuple(size), axes, flipped)


def axis_along(orientation: str, world: int) -> int:
    """The axis that runs right or left (``world`` 0), front or back (1), up or down (2)."""
    return [_world(code) for code in orientation].index(world)


def _world(code: str) -> int:
    return next(number for number, pair in enumerate(_WORLD) if code in pair)


def upright(size: Sequence[int], affine: np.ndarray | None) -> Placement:
    """The axes of a file of ``size`` put in the order right, front, up; as they are where ``affine`` does not tell."""
    found = codes(affine, len(size))
    return as_stored(size) if found is None else towards(size, found, UPRIGHT)


def with_axes(placement: Placement, count: int) -> Placement | None:
    """``placement`` with ``count`` axes: one of length 1 too many is dropped; None where that is not enough."""
    have = len(placement.axes)
    if have == count:
        return placement
    absent = [place for place, axis in enumerate(placement.axes) if axis is None]
    single = [place for place, axis in enumerate(placement.axes) if axis is not None and placement.size[axis] == 1]
    if have != count + 1 or not absent + single:
        return None
    keep = [place for place in range(have) if place != (absent or single)[-1]]
    return Placement(placement.size, tuple(placement.axes[p] for p in keep), tuple(placement.flipped[p] for p in keep))
