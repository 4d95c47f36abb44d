"""DICOM: the series in a folder, or one file, read by SimpleITK; segmentations (DICOM SEG) by highdicom.

A label is not written as DICOM but as NIfTI, at the same place.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from evaluators.images.extras import needed
from evaluators.images.format import Format
from evaluators.images.itk import RAS, affine_of, pixels, simpleitk
from evaluators.images.segments import overlap
from evaluators.images.stored import Stored
from search_spaces.errors import InputError

_SEGMENTATION = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")  # as planes, as a label map
_CONTOURS = "1.2.840.10008.5.1.4.1.1.481.3"
TILTED = "slices lie beside each other, as of a tilted gantry; the axes of image and result are sheared"
_NO_IMAGES = ("SEG", "RTSTRUCT", "RTPLAN", "RTDOSE", "SR", "PR", "KO", "REG")  # lie beside the slices of a series
_UNEVEN = 0.1  # share of the distance of slices by which it may vary
_SHIFTED = 0.1  # pixels by which the last slice may lie beside the first, before the slices are taken as sheared
_POSITION = "0020|0032"
_VALUES = ("0028|1052", "0028|1053", "0028|0101", "0028|0103")  # intercept, slope, bits and sign: what a value means
_LOOKED_AT = 20  # files of a folder, before it is taken for something else


def is_series(path: Path) -> bool:
    """Whether ``path`` is a folder of DICOM files, which is one image."""
    return path.is_dir() and any(map(_is_dicom, islice(_files(path), _LOOKED_AT)))


def slices_in(folder: Path) -> list[Path]:
    """The files of DICOM in ``folder``, damaged ones and links to nothing among them."""
    return [file for file in _files(folder) if _is_dicom(file)]


def _files(folder: Path) -> Iterator[Path]:
    return (file for file in sorted(folder.iterdir()) if not file.is_dir() and not file.name.startswith("."))


def _is_dicom(file: Path) -> bool:
    if file.suffix.lower() == ".dcm":
        return True
    try:
        with file.open("rb") as content:
            return content.read(132)[128:] == b"DICM"
    except OSError:
        return False


def read(path: Path, role: str, array: str = "") -> Stored:
    """See ``Format``."""
    if path.is_dir():
        return _series(path)
    if role == "label":
        kind = _kind(path)
        if kind in _SEGMENTATION:
            return _segmentation(path)
        if kind == _CONTOURS:
            raise InputError(f"{path}: contours (RTSTRUCT) are not read as a label; convert them to DICOM SEG or NIfTI")
    sitk = simpleitk(path)
    return _stored(sitk, sitk.ReadImage(str(path)), path)


def _stored(sitk: Any, image: Any, path: Path) -> Stored:
    values = pixels(sitk, image, path)
    return Stored(values, image.GetSpacing()[: values.ndim - 1], affine_of(image))


def _series(folder: Path) -> Stored:
    sitk = simpleitk(folder)
    _refuse([file for file in _files(folder) if not file.exists()], "no such file, the link leads to nothing")
    series: dict[str, tuple[str, Sequence[str]]] = {}
    listed: set[str] = set()
    for number in sitk.ImageSeriesReader.GetGDCMSeriesIDs(str(folder)):
        files = sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder), number)
        listed.update(Path(file).name for file in files)
        modality, description = _tags(sitk, files[0])
        if modality not in _NO_IMAGES:
            series[number] = (description or number, files)
    _refuse(
        [file for file in slices_in(folder) if _is_lost(file, listed)], "cannot be read as dicom, damaged or truncated"
    )
    if len(series) != 1:
        found = ", ".join(f"'{name}' ({len(files)} files)" for name, files in series.values()) or "none"
        raise InputError(f"{folder}: expected one DICOM series of images in the folder, found {found}")
    [(_, files)] = series.values()
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(files)
    reader.MetaDataDictionaryArrayUpdateOn()
    image = reader.Execute()
    if len({_values(reader, number) for number in range(len(files))}) > 1:  # ITK takes the type of the first slice
        reader.SetOutputPixelType(sitk.sitkFloat32)
        image = reader.Execute()
    stored = _stored(sitk, image, folder)
    return stored if len(files) == 1 else _sheared(stored, _step(reader, len(files), folder), len(files))


def _refuse(files: Sequence[Path], why: str) -> None:
    """Raise ``InputError`` where a series has such files: without them, slices would be missing."""
    if files:
        more = f" (and {len(files) - 1} more slices of this folder)" if files[1:] else ""
        raise InputError(f"{files[0]}: {why}{more}")


def _is_lost(file: Path, listed: Collection[str]) -> bool:
    """Whether ITK has passed over a file that may hold a slice."""
    if file.name in listed:
        return False
    pydicom = needed("pydicom", file)
    try:
        head = pydicom.dcmread(file, specific_tags=["Rows"])
        kind = head.file_meta.MediaStorageSOPClassUID.name
    except Exception:  # whatever is wrong with it, it may have been a slice
        return True
    return "Image Storage" in kind or "Rows" in head  # and not a report, a plan, a table of contents


def _values(reader: Any, number: int) -> tuple[str, ...]:
    return tuple(reader.GetMetaData(number, tag) if reader.HasMetaDataKey(number, tag) else "" for tag in _VALUES)


def _sheared(stored: Stored, step: np.ndarray, count: int) -> Stored:
    """``stored`` with slices that lie where they say, ``step`` apart, and not straight above each other."""
    affine, spacing = np.array(stored.affine), stored.spacing
    step = RAS[:3, :3] @ step
    straight = affine[:3, 2] / np.linalg.norm(affine[:3, 2])
    beside = np.linalg.norm(step - (step @ straight) * straight) * (count - 1)
    if beside <= _SHIFTED * min(spacing[:2]):
        return stored
    affine[:3, 2] = step
    spacing = (*spacing[:2], float(np.linalg.norm(step)))
    return replace(stored, affine=affine, spacing=spacing, notes=(*stored.notes, TILTED))


def _step(reader: Any, count: int, folder: Path) -> np.ndarray:
    """From a slice to the next, mm; raises ``InputError`` where one is missing or there twice: ITK goes on."""
    if not all(reader.HasMetaDataKey(number, _POSITION) for number in range(count)):
        raise InputError(f"{folder}: the {count} slices do not say where they lie (ImagePositionPatient)")
    positions = [[float(v) for v in reader.GetMetaData(number, _POSITION).split("\\")] for number in range(count)]
    steps = np.diff(positions, axis=0)
    middle = steps.mean(0)
    if (np.linalg.norm(steps - middle, axis=1) > _UNEVEN * np.linalg.norm(middle)).any():
        raise InputError(f"{folder}: the {count} slices are not evenly spaced; some are missing or there twice")
    return np.asarray(middle)


def _tags(sitk: Any, file: str) -> tuple[str, str]:
    """Modality and description of the series of ``file``."""
    reader = sitk.ImageFileReader()
    reader.SetFileName(file)
    try:
        reader.ReadImageInformation()
    except RuntimeError:
        return "", ""
    modality, description = (
        reader.GetMetaData(tag).strip() if reader.HasMetaDataKey(tag) else "" for tag in ("0008|0060", "0008|103e")
    )
    return modality, description


def _kind(path: Path) -> str:
    pydicom = needed("pydicom", path)
    return str(pydicom.dcmread(path, stop_before_pixels=True, specific_tags=["SOPClassUID"]).get("SOPClassUID", ""))


def _segmentation(path: Path) -> Stored:
    """Segments by their numbers, frames in the order in which they lie."""
    highdicom = needed("highdicom", path)
    file = highdicom.seg.segread(path)
    names = {int(n): str(file.get_segment_description(n).segment_label) for n in file.segment_numbers}
    if file.segmentation_type == highdicom.seg.SegmentationTypeValues.FRACTIONAL:
        raise InputError(f"{path}: a fractional segmentation; expected a binary one or a label map")
    try:
        volume = file.get_volume(combine_segments=True)
    except RuntimeError as error:
        planes = highdicom.seg.segread(path).get_volume(combine_segments=False).array
        shared = planes[planes.sum(-1) > 1].any(0)  # by segment
        if not shared.any():
            raise
        over = [name for name, there in zip(names.values(), shared, strict=True) if there]
        raise InputError(f"{path}: {overlap(over)}") from error
    spacing = tuple(float(length) for length in volume.spacing)
    return Stored(np.asarray(volume.array)[None], spacing, RAS @ volume.affine, names=names, partial=True)


FORMAT = Format("dicom", {".dcm": ".nii.gz"}, read, None, True)
