"""How many dimensions the network of a task has, and how volumes are cut into slices where it has two."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evaluators.images import file_suffix
from evaluators.images.placement import UPRIGHT, axis_along
from evaluators.tasks.request import PLANES, Request
from evaluators.tasks.survey import LabelRecord
from search_spaces.errors import InputError

FLAT = (".png", ".jpg", ".jpeg", ".gif", ".bmp")  # formats that hold no volume
THICK = 1.3  # times the others' spacing: slices lie apart


@dataclass(frozen=True)
class Dimensions:
    """``dims`` of the network; ``slice_axis`` along which volumes are cut for it, else None; and notes."""

    dims: int
    slice_axis: int | None = None
    notes: tuple[str, ...] = ()


def told_by_names(request: Request, labels: Iterable[Path]) -> Dimensions | None:
    """What the request and the types of the files tell without reading one, if they do."""
    if request.dims == 3:
        return Dimensions(3)
    if not all(file_suffix(file) in FLAT for file in labels):
        return None
    return told_by_labels(request, {})


def told_by_labels(request: Request, labels: Mapping[Path, LabelRecord], orientation: str | None = None) -> Dimensions:
    """What the labels tell: 3 where most are volumes, 2 where none is; cut into slices where 2 is asked of volumes.

    Raises:
        InputError: where some labels are volumes, but not most, and nobody has said what to do.
    """
    volumes = [file for file, label in labels.items() if label.volume]
    flat = [file for file, label in labels.items() if not label.volume]
    if request.dims == 2 and volumes:
        axis, why = _slice_axis(request.slice_axis, {file: labels[file] for file in volumes}, orientation or UPRIGHT)
        return Dimensions(2, axis, (f"volumes are cut into slices along axis {axis}, {why}",))
    if request.slice_axis is not None:
        raise InputError("slice_axis: no label is a volume, so there is nothing to cut")
    if not volumes or request.dims == 2:
        return Dimensions(2)
    if len(volumes) <= len(flat):
        size = " x ".join(map(str, labels[volumes[0]].size))
        raise InputError(
            f"dims: {len(flat)} of {len(labels)} labels are flat ({flat[0]} first), but {volumes[0]} is a volume of "
            f"{size}; take one kind out, or give dims: 3, or dims: 2 for a network that sees slices"
        )
    if not flat:
        return Dimensions(3)
    odd = f"{flat[0]} and {len(flat) - 1} more are single slices" if flat[1:] else f"{flat[0]} is a single slice"
    return Dimensions(3, None, (f"{len(volumes)} of {len(labels)} labels are volumes: taken as 3D; {odd}",))


def cut_across(spacing: Sequence[float], orientation: str) -> tuple[int, str]:
    """The axis across which slices of a volume lie, and why: where they lie apart, else upwards."""
    axis = int(np.argmax(spacing))
    if spacing[axis] >= THICK * np.delete(spacing, axis).max():
        return axis, f"where voxels are longest ({spacing[axis]:g} mm)"
    up = axis_along(orientation, 2)
    return up, {"RAS": "the last (axial)", "SPL": "the pages"}.get(orientation, "the last")


def _slice_axis(asked: int | str | None, volumes: Mapping[Path, LabelRecord], orientation: str) -> tuple[int, str]:
    """The axis, and why it is that one."""
    if isinstance(asked, str):
        if orientation != UPRIGHT:
            silent = next(iter(volumes))
            raise InputError(f"slice_axis: {silent} does not say how it lies; expected 0, 1 or 2, got '{asked}'")
        return axis_along(orientation, PLANES.index(asked)), f"as asked ({asked})"
    if asked is not None:
        return asked, "as asked"
    if not any(label.ordered for label in volumes.values()):
        return 2, "the last"
    return cut_across(np.median([label.spacing for label in volumes.values()], axis=0).tolist(), orientation)
