"""Whether two files of one case lie at the same place, and their voxels brought into one order."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from evaluators.images.placement import as_stored, upright, with_axes
from evaluators.images.stored import Stored
from search_spaces.errors import InputError

TOLERANCE = 0.1  # voxels of the image that a corner may be off: what headers lose by rounding


def brought_to(
    image: Stored, other: Stored, image_path: Path, path: Path, *, by_index: bool = False
) -> tuple[np.ndarray, tuple[str, ...]]:
    """``other``, a label or more channels, as ``(channels, *image.size)`` in the order of the image's own axes.

    Where both say how they lie, ``other`` is flipped and its axes are exchanged until the two agree. A file that does
    not say lies as the image does.

    Args:
        image: what gives the grid.
        other: what is brought to it.
        image_path: of ``image``, for messages.
        path: of ``other``.
        by_index: take the voxels in their order, wherever the files say that they lie.

    Returns:
        The array, and what to say of it.

    Raises:
        InputError: ``other`` lies elsewhere or has another size, with both geometries.
    """
    if other.partial and not other.names and not other.array.any():  # no segment, and often no size
        return np.zeros((1, *image.size), other.array.dtype), ()
    if (by_index and not other.partial) or not image.affines or not other.affines:
        return _by_index(image, other, image_path, path, by_index)
    for ours, theirs in itertools.product(image.affines, other.affines):
        found = _linked(np.linalg.inv(ours) @ theirs, other, image.size)
        if found is not None:
            return found, ()
    raise InputError(
        f"{path}: lies elsewhere than its image {image_path}: {describe(other)} against {describe(image)}"
        f"{_distance(image, other)}; with task.geometry: by_index voxels are paired by their order"
    )


def describe(stored: Stored) -> str:
    """Size, and where it is known spacing, origin and axes, as a user can compare them."""
    size = f"size {size_text(stored.size)}"
    if stored.affine is None:
        return size
    from nibabel.orientations import aff2axcodes

    axes = "".join(str(code) for code in aff2axcodes(stored.affine)[: len(stored.size)])
    origin = ", ".join(f"{round(value, 3):g}" for value in stored.affine[:3, 3].tolist())
    return f"{size}, spacing {size_text(stored.spacing)} mm, origin ({origin}), axes {axes}"


def _linked(link: np.ndarray, other: Stored, size: tuple[int, ...]) -> np.ndarray | None:
    """``other`` in the image's grid, where ``link`` takes its voxel indices to those of the image; else None."""
    placement = with_axes(upright(other.size, link), len(size))
    if placement is None:
        return None
    corners = _corners(other.size)
    seen = (corners @ link.T)[:, :3]
    expected = np.zeros_like(seen)
    for place, (axis, flipped) in enumerate(zip(placement.axes, placement.flipped, strict=True)):
        if axis is not None:
            expected[:, place] = other.size[axis] - 1 - corners[:, axis] if flipped else corners[:, axis]
    start = np.rint((seen - expected)[0]).astype(int)
    if np.abs(seen - expected - start).max() > TOLERANCE or start[len(size) :].any():
        return None
    turned, start = placement.apply(other.array), start[: len(size)]
    if turned.shape[1:] == size and not start.any():
        return turned
    stop = start + turned.shape[1:]
    if not other.partial or (start < 0).any() or (stop > size).any():
        return None
    whole = np.zeros((len(turned), *size), turned.dtype)
    whole[(slice(None), *map(slice, start, stop))] = turned
    return whole


def _by_index(
    image: Stored, other: Stored, image_path: Path, path: Path, forced: bool
) -> tuple[np.ndarray, tuple[str, ...]]:
    """``other`` by the order of its voxels, as long as no more than axes of length 1 have to come or go."""
    array = other.array
    if image.x_first is not None and other.x_first is not None and image.x_first != other.x_first:
        array = array.transpose(0, *range(array.ndim - 1, 0, -1))
    notes = ("labels and channels are paired with images by the order of voxels (task.geometry: by_index)",) * forced
    if image.turned or other.turned:
        return _as_viewed(image, replace(other, array=array), image_path, path)
    if _long(array.shape[1:]) != _long(image.size):
        raise InputError(_differ(image, other, image_path, path))
    return array.reshape(-1, *image.size), notes


def _as_viewed(image: Stored, other: Stored, image_path: Path, path: Path) -> tuple[np.ndarray, tuple[str, ...]]:
    """``other`` beside a photo that EXIF turns, or turned itself: the two agree as they are viewed."""
    ours = image.turned or as_stored(image.size)
    theirs = other.turned or as_stored(other.size)
    viewed = theirs.apply(other.array)
    if viewed.shape[1:] == ours.apply(image.array).shape[1:]:
        notes = () if other.turned else ("EXIF turns the photo but not its label, which is taken as it is viewed",)
        return np.stack([ours.restore(channel) for channel in viewed]), notes
    if other.turned is None and other.size == image.size:
        return other.array, ("EXIF turns the photo; its label has the size of what is stored, and is turned with it",)
    raise InputError(f"{_differ(image, other, image_path, path)}, as EXIF turns them")


def _differ(image: Stored, other: Stored, image_path: Path, path: Path) -> str:
    return f"{path}: size {size_text(other.size)} differs from {size_text(image.size)} of image {image_path}"


def _distance(image: Stored, other: Stored) -> str:
    """How far apart the corners of two grids of one size lie."""
    if image.affine is None or other.affine is None or sorted(_long(image.size)) != sorted(_long(other.size)):
        return ""
    ours, theirs = (
        (_corners(stored.size) @ affine.T)[:, :3] for stored, affine in ((image, image.affine), (other, other.affine))
    )
    gaps = np.linalg.norm(ours[:, None] - theirs[None], axis=-1).min(1)
    return f", corners up to {gaps.max():.3g} mm apart ({TOLERANCE} voxels are allowed)"


def _corners(size: Sequence[int]) -> np.ndarray:
    """``(corners, 4)`` voxel indices of the corners, ready for an affine."""
    ends = [(0, length - 1) for length in size] + [(0,)] * (3 - len(size)) + [(1,)]
    return np.array(list(itertools.product(*ends)), float)


def _long(size: Sequence[int]) -> list[int]:
    return [length for length in size if length != 1]


def size_text(values: Sequence[float]) -> str:
    """As in ``5 x 6 x 7``."""
    return " x ".join(f"{value:.6g}" for value in values)
