"""ITK's formats, read by SimpleITK: MetaImage and NRRD, among them 3D Slicer's segmentations (``.seg.nrrd``).

Vector pixels are channels, and so is a fourth axis. A NRRD file without ``space directions`` does not say how it lies.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from evaluators.images.extras import needed
from evaluators.images.format import Format
from evaluators.images.segments import Segment, one_label_map
from evaluators.images.stored import Source, Stored
from evaluators.images.units import in_mm
from search_spaces.errors import InputError

_ONE_AT_A_TIME = threading.Lock()
RAS = np.diag([-1.0, -1.0, 1.0, 1.0])  # from ITK's and DICOM's axes, which run to the left, back and up


def simpleitk(file: object) -> Any:
    """SimpleITK, which keeps its warnings to itself."""
    sitk = needed("SimpleITK", file)
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    return sitk


@contextmanager
def _silence() -> Iterator[None]:
    """Nothing reaches the terminal: MetaIO writes to it what it has against a file, past every setting of ITK."""
    with _ONE_AT_A_TIME:
        sys.stderr.flush()
        kept = os.dup(2)
        try:
            with open(os.devnull, "wb") as nowhere:
                os.dup2(nowhere.fileno(), 2)
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def read(path: Path, role: str, array: str = "") -> Stored:
    """See ``Format``."""
    sitk = simpleitk(path)
    nrrd = path.suffix.lower() in (".nrrd", ".nhdr")
    with _silence():
        image = sitk.ReadImage(str(path), imageIO="NrrdImageIO" if nrrd else "MetaImageIO")
    values = pixels(sitk, image, path)
    affine: np.ndarray | None = affine_of(image)
    spacing, unit = image.GetSpacing()[: values.ndim - 1], 1.0
    if nrrd:
        header = _nrrd_header(path)
        unit = _unit(header)
        affine = np.diag([unit, unit, unit, 1]) @ affine if "\nspace directions:" in header else None
    stored = Stored(values, tuple(unit * length for length in spacing), affine, header=unit)
    return _segmentation(stored, image, path) if role == "label" else stored


def pixels(sitk: Any, image: Any, path: Path) -> np.ndarray:
    """``(channels, x, y[, z])`` of an image of ITK."""
    values = sitk.GetArrayFromImage(image)
    vectors = image.GetNumberOfComponentsPerPixel() > 1
    axes = image.GetDimension()
    if axes > 4 or (axes == 4 and vectors):
        raise InputError(f"{path}: expected x, y, z and channels, got {axes} axes of {image.GetPixelIDTypeAsString()}")
    if vectors:
        values = np.moveaxis(values, -1, 0)
    elif axes < 4:
        values = values[None]
    return np.asarray(values.transpose(0, *range(values.ndim - 1, 0, -1)))


def affine_of(image: Any) -> np.ndarray:
    """Voxel indices to RAS mm, from origin, spacing and direction."""
    axes, place = image.GetDimension(), min(image.GetDimension(), 3)
    affine = np.eye(4)
    direction = np.reshape(image.GetDirection(), (axes, axes))[:place, :place]
    affine[:place, :place] = direction * image.GetSpacing()[:place]
    affine[:place, 3] = image.GetOrigin()[:place]
    return np.asarray(RAS @ affine)


def _nrrd_header(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(1 << 16).replace(b"\r", b"").split(b"\n\n")[0].decode("utf-8", "replace")


def _unit(header: str) -> float:
    """mm of the unit that a NRRD header names, which ITK does not look at."""
    found = re.search(r'^(?:space )?units:.*?"([^"]+)"', header, re.MULTILINE)
    return (in_mm(found[1]) if found else None) or 1.0


def _segmentation(stored: Stored, image: Any, path: Path) -> Stored:
    """``stored`` with the names of 3D Slicer's segments, where it has some; layers that do not overlap become one."""
    numbers = sorted(int(key[7:-5]) for key in image.GetMetaDataKeys() if re.fullmatch(r"Segment\d+_Name", key))
    layers = len(stored.array)

    def of(number: int, key: str, default: str) -> str:
        name = f"Segment{number}_{key}"
        return str(image.GetMetaData(name)) if image.HasMetaDataKey(name) else default

    segments = [
        Segment(
            of(number, "Name", ""),
            int(of(number, "LabelValue", "1")),
            int(of(number, "Layer", str(place if layers > 1 else 0))),
        )
        for place, number in enumerate(numbers)
    ]
    made_by_slicer = segments or any(key.startswith("Segmentation_") for key in image.GetMetaDataKeys())
    return one_label_map(stored, segments, path) if made_by_slicer else stored


def encode(label: np.ndarray, source: Source, suffix: str) -> bytes:
    """See ``Format``. Where ITK reads the image itself the label lies where ITK puts that."""
    sitk = simpleitk(f"a label in {suffix[1:]}")
    image = sitk.GetImageFromArray(np.ascontiguousarray(label.T), isVector=False)
    origin, spacing, direction = _itk_place(sitk, source.path, label.shape) or _place(source, label.ndim)
    image.SetOrigin(origin)
    image.SetSpacing(spacing)
    image.SetDirection(direction)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, f"label{suffix}")
        sitk.WriteImage(image, str(file), useCompression=True)
        content = file.read_bytes()
    unit = source.header
    if suffix == ".nrrd" and unit in _UNITS:  # beside lengths that are in it
        units = " ".join([f'"{_UNITS[unit]}"'] * label.ndim).encode()
        content = content.replace(b"\nspace directions:", b"\nspace units: " + units + b"\nspace directions:", 1)
    return content


_UNITS = {mm: name for name in ("nm", "um", "cm", "m") if (mm := in_mm(name))}


def _itk_place(sitk: Any, path: Path, size: tuple[int, ...]) -> tuple[Any, Any, Any] | None:
    """Origin, spacing and direction that ITK reads of ``path``; None where it does not read it in that size."""
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError:
        return None
    axes, given = len(size), reader.GetDimension()
    direction = np.reshape(reader.GetDirection(), (given, given))[:axes, :axes]
    spacing, origin = reader.GetSpacing()[:axes], reader.GetOrigin()[:axes]
    usable = np.isfinite([*origin, *spacing]).all() and min(spacing) > 0 and abs(np.linalg.det(direction)) > 0
    if not usable or reader.GetSize()[:axes] != size:
        return None
    return origin, spacing, direction.ravel().tolist()


def _place(source: Source, axes: int) -> tuple[list[float], list[float], list[float]]:
    """The same from the affine of the image."""
    affine = RAS @ source.affine
    columns = affine[:axes, :axes]
    spacing = np.linalg.norm(affine[:3, :axes], axis=0)
    return affine[:axes, 3].tolist(), spacing.tolist(), (columns / spacing).ravel().tolist()


FORMAT = Format(
    "itk",
    {".mha": ".mha", ".mhd": ".mha", ".seg.nrrd": ".nrrd", ".nrrd": ".nrrd", ".nhdr": ".nrrd"},
    read,
    encode,
    True,
)
