"""NumPy's files: an array alone in NPY, several with names in NPZ.

Of an image's three axes the shorter of the first and the last may hold channels; the task tells, see ``Stored``.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from evaluators.images.format import Format
from evaluators.images.stored import Source, Stored
from search_spaces.errors import InputError


def read(path: Path, role: str, array: str = "") -> Stored:
    """See ``Format``. ``array``: the name in an NPZ; else ``image`` or ``label``, else the single one."""
    with path.open("rb") as stream:  # numpy leaves a damaged archive open that it has opened itself
        loaded = np.load(stream, allow_pickle=False)
        values = loaded if isinstance(loaded, np.ndarray) else loaded[_name(path, loaded.files, role, array)]
    axis = None
    if role == "image" and values.ndim >= 3:
        axis = 0 if values.shape[0] <= values.shape[-1] else -1
    return Stored(values[None], (1.0,) * values.ndim, channel_axis=axis).for_axes(3)


def _name(path: Path, names: list[str], role: str, array: str) -> str:
    if array:
        if array not in names:
            raise InputError(f"{path}: expected an array called '{array}', got {', '.join(names)}")
        return array
    if role not in names and len(names) != 1:
        raise InputError(f"{path}: expected an array called '{role}' or a single one, got {', '.join(names)}")
    return role if role in names else names[0]


def encode(label: np.ndarray, source: Source, suffix: str) -> bytes:
    """See ``Format``: an NPZ has the array ``label``."""
    content = io.BytesIO()
    if suffix == ".npz":
        np.savez_compressed(content, label=label)
    else:
        np.save(content, label)
    return content.getvalue()


FORMAT = Format("numpy", {".npy": ".npy", ".npz": ".npz"}, read, encode, None)
