"""How the files of a task are read, so that a model trained on it reads other images in the same way."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Reading:
    """What a task, its reader and an exported model share. Plain data.

    Attributes:
        orientation: to which images are turned, see ``evaluators.images.placement``; None: each to that of its kind.
        nan: ``fault``, or ``background``: see ``evaluators.images.finite``.
        image_array: name of the image's array in an NPZ; empty: ``image``, or the only one.
        label_array: of the label's; empty: ``label``, or the only one.
        by_index: pair voxels by their order, wherever the files say that they lie.
    """

    orientation: str | None = None
    nan: str = "fault"
    image_array: str = ""
    label_array: str = ""
    by_index: bool = False
