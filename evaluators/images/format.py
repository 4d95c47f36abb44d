"""What a family of image file formats offers: the suffixes, reading, and writing a label."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evaluators.images.stored import Source, Stored


@dataclass(frozen=True)
class Format:
    """One family.

    Attributes:
        name: for messages.
        written: for each suffix the one that a label takes beside an image of it.
        read: ``(path, role, array)`` to what the file holds; ``array`` names one of several in it.
        encode: ``(label, source, suffix)`` to the bytes of a file. The label is ``(*spatial)`` with the axes in the
            order of the family; ``source`` says how they lie, and has the header where its file is of the family.
            None where labels are not written.
        x_first: whether spatial axes run x, y, z in this family; else z, y, x. None: it has no order of its own, and
            takes that of the other file; beside none it is taken as z, y, x, as ITK takes arrays.
    """

    name: str
    written: Mapping[str, str]
    read: Callable[[Path, str, str], Stored]
    encode: Callable[[np.ndarray, Source, str], bytes] | None
    x_first: bool | None
