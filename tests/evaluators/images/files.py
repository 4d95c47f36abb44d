"""Small real files of every format, written and read by the libraries themselves and never by the tool.

Arrays are ``([z,] y, x)``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import SimpleITK as sitk
import tifffile
from PIL import Image

from evaluators.images import file_suffix
from tests.evaluators.images.dicom_files import write_slices

FLAT_ONLY = (".png", ".jpg", ".jpeg", ".gif", ".bmp")
DEEP = (
    *(".tif", ".tiff", ".ome.tif", ".ome.tiff", ".nii", ".nii.gz", ".mgz", ".mgh"),
    *(".mha", ".mhd", ".seg.nrrd", ".nrrd", ".nhdr"),
)
AFFINE = np.array([[-0.8, 0, 0, 20], [0, 0.9, 0, -30], [0, 0, 2.5, 7], [0, 0, 0, 1]])


def _write_tiff(path: Path, array: np.ndarray) -> None:
    tifffile.imwrite(path, array, photometric="minisblack", metadata={"axes": "ZYX"[-array.ndim :]})


def _write_nifti(path: Path, array: np.ndarray) -> None:
    nibabel.save(nibabel.Nifti1Image(array.T, AFFINE), path)


def _write_mgh(path: Path, array: np.ndarray) -> None:
    nibabel.save(nibabel.MGHImage(np.atleast_3d(array.T), AFFINE.astype(np.float32)), path)


def _write_itk(path: Path, array: np.ndarray) -> None:
    sitk.WriteImage(sitk.GetImageFromArray(array, isVector=False), str(path))


def _write_dicom(path: Path, array: np.ndarray) -> None:
    [written] = write_slices(path.parent / "slices", array[None] if array.ndim == 2 else array)
    written.rename(path)


WRITERS: dict[str, Callable[[Path, np.ndarray], Any]] = {
    **dict.fromkeys(FLAT_ONLY, lambda path, array: Image.fromarray(array).save(path)),
    **dict.fromkeys((".tif", ".tiff", ".ome.tif", ".ome.tiff"), _write_tiff),
    **dict.fromkeys((".nii", ".nii.gz"), _write_nifti),
    **dict.fromkeys((".mgz", ".mgh"), _write_mgh),
    **dict.fromkeys((".mha", ".mhd", ".nrrd", ".nhdr", ".seg.nrrd"), _write_itk),
    ".dcm": _write_dicom,
    ".npy": np.save,
    ".npz": lambda path, array: np.savez(path, array),
}


def write(path: Path, array: np.ndarray) -> Path:
    """``array`` in the type that the suffix of ``path`` says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    WRITERS[file_suffix(path)](path, array)
    return path


def read_back(path: Path) -> np.ndarray:
    """What the library of its format finds in ``path``."""
    suffix = file_suffix(path)
    if suffix in FLAT_ONLY:
        with Image.open(path) as picture:
            return np.asarray(picture)
    if suffix in (".npy", ".npz"):
        loaded = np.load(path)
        return loaded if suffix == ".npy" else loaded["label"]
    if "tif" in suffix:
        return tifffile.imread(path)
    if suffix in (".nii", ".nii.gz", ".mgz", ".mgh"):
        return np.asanyarray(nibabel.load(path).dataobj).T
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path)))


def itk_place(path: Path) -> dict[str, np.ndarray]:
    """Where ITK puts ``path``."""
    image = sitk.ReadImage(str(path))
    return {
        "size": np.array(image.GetSize()),
        "origin": np.array(image.GetOrigin()),
        "spacing": np.array(image.GetSpacing()),
        "direction": np.array(image.GetDirection()),
    }


def nifti(path: Path, array: np.ndarray, affine: np.ndarray | None = None) -> Path:
    """``array`` ``(x, y, z)`` as nibabel saves it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(array, AFFINE if affine is None else affine), path)
    return path


def nifti_with(
    path: Path,
    array: np.ndarray,
    *,
    sform: tuple[np.ndarray, int] | None = None,
    qform: tuple[np.ndarray, int] | None = None,
    pixdim: Sequence[float] | None = None,
    unit: str = "mm",
) -> Path:
    """``array`` under a header that says what is given, and nothing else, of how it lies."""
    image = nibabel.Nifti1Image(array, None)
    if qform:
        image.header.set_qform(*qform)
    if sform:
        image.header.set_sform(*sform)
    if pixdim:
        image.header["pixdim"][1 : 1 + len(pixdim)] = pixdim
    image.header.set_xyzt_units(unit, "sec")
    path.parent.mkdir(parents=True, exist_ok=True)
    image.to_filename(path)
    return path
