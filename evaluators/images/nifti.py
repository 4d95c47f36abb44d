"""NIfTI (1 and 2) and FreeSurfer's MGH, read by nibabel. The fourth axis, where there is one, holds the channels.

Where a NIfTI file lies is what its sform says, else its qform, in mm whatever its unit; where neither has a code it
does not say, and its pixdim gives the voxel size. A label gets the header of its image, so that every program puts the
two at the same place.
"""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np

from evaluators.images.colour import one_value
from evaluators.images.format import Format
from evaluators.images.stored import Source, Stored
from evaluators.images.whole import whole_numbers
from search_spaces.errors import InputError

_MM = {1: 1e3, 3: 1e-3}  # of the unit codes metre and micron; others count as mm
_FLAT = 1e-6  # a volume this small against the product of its sides is none
_SAME = 0.01  # voxel sizes that differ by less than this share are taken as equal
_MGH_TYPES = (np.uint8, np.int16, np.int32)
_CHUNK = 1 << 20  # bytes
PACKED = (".nii.gz", ".mgz")


def read(path: Path, role: str, array: str = "") -> Stored:
    """See ``Format``."""
    image, values = _load(path)
    colour = values.dtype.names or ()  # RGB24, or RGBA32
    if colour:
        values = np.stack([values[name] for name in colour[:3]], -1)
    if values.ndim == 5 and values.shape[3] == 1:  # NIfTI keeps the fourth axis for time, vectors come fifth
        values = values[:, :, :, 0]
    if values.ndim > 4:
        raise InputError(f"{path}: expected at most 4 axes (x, y, z, channels), got shape {values.shape}")
    values = np.moveaxis(values, -1, 0) if values.ndim == 4 or colour else values[None]
    notes: tuple[str, ...] = ()
    if role == "label":
        step = abs(float(image.dataobj.slope)) if np.issubdtype(image.get_data_dtype(), np.integer) else 0.0
        values, notes = whole_numbers(one_value(values, path) if colour else values, step)
    affines, spacing, said = _lie(image, values.ndim - 1)
    affine, other = (*affines, None, None)[:2]
    return Stored(values, spacing, affine, image.header, notes + said, other)


def _load(path: Path) -> tuple[Any, np.ndarray]:
    """What nibabel says of a file, and its values; a packed one is read to its end, where its checksum is looked at."""
    import nibabel

    image: Any = nibabel.load(path)
    if not path.name.lower().endswith(PACKED):
        return image, np.asanyarray(image.dataobj)
    with gzip.open(path) as content:
        image = type(image).from_stream(content)
        values = np.asanyarray(image.dataobj)
        while content.read(_CHUNK):
            pass
    return image, values


def _lie(image: Any, axes: int) -> tuple[list[np.ndarray], tuple[float, ...], tuple[str, ...]]:
    """The places that the header gives, the one that counts first; voxel sizes; and what to say of them. All in mm."""
    import nibabel

    header = image.header
    zooms = [float(zoom) for zoom in header.get_zooms()[:axes]]
    if not isinstance(header, nibabel.Nifti1Header):
        affines, mm = [image.affine], 1.0
    else:
        affines, mm = _coded(header), _MM.get(int(header["xyzt_units"]) & 7, 1.0)
    affines = [np.diag([mm, mm, mm, 1]) @ full for affine in affines if (full := _full(affine, axes)) is not None]
    pixdim = tuple(zoom * mm if np.isfinite(zoom) and zoom > 0 else 1.0 for zoom in zooms)  # 0: it does not know
    if not affines:
        return [], pixdim, ()
    spacing = tuple(float(size) for size in nibabel.affines.voxel_sizes(affines[0])[:axes])
    notes = []
    if not np.allclose(pixdim, spacing, rtol=_SAME):
        notes.append(f"pixdim gives voxels of {_mm(pixdim)}, the affine of {_mm(spacing)}; the affine counts")
    if len(affines) > 1 and np.allclose(affines[0], affines[1], rtol=1e-4, atol=_SAME * min(spacing)):
        affines.pop()
    if len(affines) > 1:
        notes.append(
            "sform and qform lie at different places; the sform counts, as in nibabel (ITK may take the other)"
        )
    return affines, spacing, tuple(notes)


def _coded(header: Any) -> list[np.ndarray]:
    """The affines of sform and qform, those that have a code and can be read."""
    import nibabel

    found = []
    for form in (header.get_sform, header.get_qform):
        try:
            affine, code = form(coded=True)
        except (ValueError, nibabel.spatialimages.HeaderDataError):  # no rotation
            continue
        if code:
            found.append(affine)
    return found


def _full(affine: np.ndarray, axes: int) -> np.ndarray | None:
    """``affine`` if it spans a volume; that of a file with two axes with a third between them of 1 unit."""
    affine = affine.astype(float)
    if axes == 2:
        normal = np.cross(affine[:3, 0], affine[:3, 1])
        affine[:3, 2] = normal / (np.linalg.norm(normal) or 1)
    sides = np.linalg.norm(affine[:3, :3], axis=0)
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) <= _FLAT * sides.prod():
        return None
    return affine


def _mm(lengths: tuple[float, ...]) -> str:
    return " x ".join(f"{length:.4g}" for length in lengths) + " mm"


def encode(label: np.ndarray, source: Source, suffix: str) -> bytes:
    """See ``Format``."""
    import nibabel

    affine, header = source.affine, source.header
    if suffix in (".mgz", ".mgh"):
        kind = next((kind for kind in _MGH_TYPES if np.can_cast(label.dtype, kind)), None)
        if kind is None:
            raise InputError(f"label values of the type {label.dtype} cannot be written as {suffix[1:]}")
        content = nibabel.MGHImage(label.astype(kind), affine).to_bytes()
    elif isinstance(header, nibabel.Nifti1Header):
        content = _with_header(label, header).to_bytes()
    else:
        image = nibabel.Nifti1Image(label, affine, dtype=label.dtype)
        image.set_sform(affine, 1)
        if not _sheared(affine):  # which a qform cannot say
            image.set_qform(affine, 1)
        image.header.set_xyzt_units("mm")
        content = image.to_bytes()
    if suffix not in PACKED:
        return content
    return gzip.compress(content, compresslevel=3, mtime=0)  # more takes seconds, for little


def _sheared(affine: Any) -> bool:
    axes = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    return not np.allclose(axes.T @ axes, np.eye(3), atol=1e-4)


def _with_header(label: np.ndarray, header: Any) -> Any:
    """``label`` with what ``header`` says of place, size and unit, and nothing of what it says of intensities."""
    import nibabel

    header = header.copy()
    header.extensions.clear()
    header.set_data_dtype(label.dtype)
    header.set_intent("none")
    for key, value in {"cal_min": 0, "cal_max": 0, "descrip": b"", "aux_file": b""}.items():
        header[key] = value
    kind = nibabel.Nifti2Image if isinstance(header, nibabel.Nifti2Header) else nibabel.Nifti1Image
    return kind(label, None, header)


FORMAT = Format("nifti", {s: s for s in (".nii.gz", ".nii", ".mgz", ".mgh")}, read, encode, True)
