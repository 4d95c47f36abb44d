"""A label as a file that lies where its image lies."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from evaluators.files import write_bytes
from evaluators.images.reading import file_suffix, format_of
from evaluators.images.stored import Source
from search_spaces.errors import InputError, unknown_name

SAME = "same"
RESULT_FORMATS = (SAME, "nii.gz", "nii", "mha", "nrrd", "png", "tif", "npy", "npz")


def result_path(folder: Path, name: str, image: Path, format: str = SAME) -> Path:
    """The file that ``write_label`` writes for ``image``, which need not be there yet.

    ``same``: as the image's own, but for what cannot hold a label (JPG, GIF, BMP: PNG; DICOM: NIfTI) and for headers
    that name a second file (MHD: MHA; NHDR: NRRD). Raises ``InputError`` for an unknown format.
    """
    if format not in RESULT_FORMATS:
        raise InputError(unknown_name("format", format, RESULT_FORMATS))
    suffix = f".{format}"
    if format == SAME:
        written = format_of(image).written
        suffix = written.get(file_suffix(image), next(iter(written.values())))
    return folder / f"{name}{suffix}"


def write_label(folder: Path, name: str, label: np.ndarray, source: Source, format: str = SAME) -> Path:
    """Write ``label`` where ``source`` lies, whole or not at all.

    Args:
        folder: made where it is missing.
        name: of the file, without suffix.
        label: ``(*spatial)`` in the tool's orientation, with the values that the file is to hold.
        source: of the image, which gives grid, orientation and header.
        format: one of ``RESULT_FORMATS``, see ``result_path``.

    Returns:
        The file.

    Raises:
        InputError: a format that is unknown, cannot hold the label or needs a library that is missing.
    """
    path = result_path(folder, name, source.path, format)
    family, of_image = format_of(path), format_of(source.path)
    stored = source.placement.restore(label)
    if stored.dtype.itemsize > 4 and np.abs(stored).max(initial=0) < 2**31:
        stored = stored.astype(np.int32)  # more than some formats hold
    if family is not of_image:
        source = replace(source, header=None)
        if family.x_first is not None and family.x_first != bool(of_image.x_first):
            stored, source = stored.T, replace(source, spacing=source.spacing[::-1])
        if source.affine is None:
            source = replace(source, affine=_default(source.spacing))
    assert family.encode is not None, f"no format of {RESULT_FORMATS} is one that is only read"
    try:
        content = family.encode(np.ascontiguousarray(stored), source, file_suffix(path))
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    write_bytes(path, content)
    return path


def _default(spacing: tuple[float, ...]) -> np.ndarray:
    """Where ITK puts an image that does not say how it lies: x to the left, y to the back."""
    lengths = [*spacing, 1.0][:3]
    return np.diag([-lengths[0], -lengths[1], lengths[2], 1.0])
