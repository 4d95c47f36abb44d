"""One image or label file into an array, whatever its format."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from evaluators.images import dicom, itk, nifti, numpy_arrays, picture, tiff
from evaluators.images.format import Format
from evaluators.images.placement import AS_ITK
from evaluators.images.stored import Stored
from evaluators.images.whole import whole_numbers
from search_spaces.errors import InputError

FORMATS = [module.FORMAT for module in (picture, tiff, nifti, itk, dicom, numpy_arrays)]
_BY_SUFFIX = {suffix: known for known in FORMATS for suffix in known.written}
SUFFIXES = tuple(_BY_SUFFIX)
PICTURES = (*picture.FORMAT.written, *tiff.FORMAT.written)
_LONGEST_FIRST = sorted(SUFFIXES, key=len, reverse=True)


def file_suffix(path: Path) -> str:
    """The suffix in lower case; ``.nii.gz`` and its like count as one."""
    name = path.name.lower()
    return next((suffix for suffix in _LONGEST_FIRST if name.endswith(suffix)), path.suffix.lower())


def file_stem(path: Path) -> str:
    """The file name without its suffix, where that is one of an image."""
    suffix = file_suffix(path)
    return path.name[: len(path.name) - len(suffix)] if suffix in _BY_SUFFIX else path.name


def format_of(path: Path) -> Format:
    """The family that reads ``path``; a folder is a DICOM series. Raises ``InputError`` for an unknown type."""
    suffix = file_suffix(path)
    if path.is_dir():
        return dicom.FORMAT
    if suffix not in _BY_SUFFIX:
        raise InputError(f"{path}: unknown file type '{suffix}'; expected one of {', '.join(SUFFIXES)}")
    return _BY_SUFFIX[suffix]


def read(path: Path, role: str, array: str = "") -> Stored:
    """What ``path`` holds, in the order of its own axes; labels that are nearly whole numbers are whole.

    Args:
        path: a file, or the folder of a DICOM series.
        role: ``image`` or ``label``; see the formats for where it matters.
        array: name of the array in an NPZ.

    Raises:
        InputError: names the file that is missing, of an unknown type, damaged, empty or not of real numbers.
    """
    family = format_of(path)
    if not path.exists():
        link = ", the link leads to nothing" if path.is_symlink() else ""
        raise InputError(f"{path}: no such file{link}")
    try:
        stored = family.read(path, role, array)
    except (InputError, MemoryError):
        raise
    except Exception as error:  # whatever a decoder raises on damaged bytes is the file's fault
        kind = "dicom" if path.is_dir() else file_suffix(path)[1:]
        raise InputError(f"{path}: cannot be read as {kind}, damaged or truncated ({_reason(error)})") from error
    if stored.array.size == 0:
        raise InputError(f"{path}: is empty, its array has shape {stored.array.shape}")
    if stored.array.dtype != bool and not np.issubdtype(stored.array.dtype, np.number):
        raise InputError(f"{path}: expected numbers, got {stored.array.dtype}")
    if np.iscomplexobj(stored.array):
        raise InputError(f"{path}: expected real numbers, got {stored.array.dtype}")
    stored = replace(stored, x_first=family.x_first)
    return replace(stored, array=whole_numbers(stored.array)[0]) if role == "label" else stored


def orientation_of(path: Path, array: str = "") -> str:
    """The orientation that files such as ``path`` are turned to, see ``Stored.orientation``.

    Only what may say how it lies is read. Raises ``InputError`` as ``read`` does.
    """
    return read(path, "image", array).orientation if format_of(path).x_first else AS_ITK[False]


def _reason(error: Exception) -> str:
    """What a library says, without where in its source it says so."""
    text = " ".join(str(error).split())
    text = re.sub(r"^.*\bERROR:\s*(?:\w+\(0x\w+\):\s*)?", "", text)
    text = re.sub(r"\s*Reason: (No such file or directory|Success)$", "", text)  # ITK says so whatever went wrong
    return text or type(error).__name__
