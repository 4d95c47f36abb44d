"""One image or label file into an array. The libraries are imported when a file first needs them.

Pictures (PNG, JPG, TIF, GIF, BMP): grey has 1 channel, colour 3, alpha is dropped, 16 bits are kept for grey.
A TIF of several pages is a 3D stack, pages first; in the other formats several frames are an error.
Palette pictures: as images, the colours; as labels, the grey value where the whole palette is grey (0/255
masks, DRIVE's GIFs), else the palette index (class numbers behind display colours).
Colour labels whose three channels are equal are grey; other colour labels are an error.

NIfTI: the fourth axis, where there is one, holds the channels. NPY and NPZ: an array with one axis more than
the task has dims holds channels in the shorter of its first and last axis; NPZ arrays are called ``image``
and ``label``, or the file has one array only.

A single axis of length 1 too many is dropped (a one-slice volume in a 2D task); one too few is added at the
end (a 2D NIfTI in a 3D task).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from evaluators.images import Stored
from search_spaces.errors import InputError

PICTURES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".gif", ".bmp")
NIFTI = (".nii.gz", ".nii")
NUMPY = (".npz", ".npy")
SUFFIXES = (*PICTURES, *NIFTI, *NUMPY)


def file_suffix(path: Path) -> str:
    """The suffix in lower case; ``.nii.gz`` counts as one."""
    return ".nii.gz" if path.name.lower().endswith(".nii.gz") else path.suffix.lower()


def file_stem(path: Path) -> str:
    """The file name without its suffix."""
    return path.name[: len(path.name) - len(file_suffix(path))]


def read(path: Path, role: str, array: str = "") -> Stored:
    """Read a file as an ``image`` or a ``label``, axes as stored; ``array``: the one to take of an .npz file."""
    return _read(path, role, None, array)


def is_series(path: Path) -> bool:
    """Whether ``path`` is a folder of DICOM files."""
    return path.is_dir() and any(file.suffix.lower() == ".dcm" for file in path.iterdir())


def read_image(path: Path, dims: int, array: str = "", nan: str = "fault") -> Stored:
    """Read an image as float32 ``(channels, *spatial)``; raises ``InputError`` naming the file."""
    stored = _fit(_read(path, "image", dims, array), dims, path)
    with np.errstate(over="ignore"):  # an overflow shows as infinite below
        pixels = stored.array.astype(np.float32)
    missing = int(np.isnan(pixels).sum())
    if missing and nan == "background":
        pixels = np.where(np.isnan(pixels), np.nanmin(pixels), pixels)
        stored = replace(stored, notes=("NaN pixels are taken as background",))
    broken = pixels.size - int(np.isfinite(pixels).sum())
    if broken:
        raise InputError(f"{path}: {broken} of {pixels.size} pixels are NaN or infinite")
    return replace(stored, array=pixels)


def read_label(path: Path, dims: int | None, array: str = "") -> np.ndarray:
    """Read a label's stored values ``(*spatial)``; raises ``InputError`` naming the file.

    With ``dims=None`` the file decides: 3 when all of three axes are longer than 1, else 2.
    """
    stored = _read(path, "label", dims, array)
    if dims is None:
        dims = 3 if stored.array.ndim == 4 and 1 not in stored.array.shape[1:] else 2
    stored = _fit(stored, dims, path)
    if stored.array.shape[0] != 1:
        raise InputError(f"{path}: expected a label with one value per voxel, got {stored.array.shape[0]} channels")
    return stored.array[0]


def _read(path: Path, role: str, dims: int | None, array: str = "") -> Stored:
    readers: dict[str, Callable[[Path, str, int | None], Stored]] = {
        **dict.fromkeys(PICTURES, _read_picture),
        **dict.fromkeys(NIFTI, _read_nifti),
        **dict.fromkeys(NUMPY, lambda path, role, dims: _read_numpy(path, role, dims, array)),
    }
    suffix = file_suffix(path)
    if suffix not in readers:
        raise InputError(f"{path}: unknown file type '{suffix}'; expected one of {', '.join(SUFFIXES)}")
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        stored = readers[suffix](path, role, dims)
    except (InputError, MemoryError):
        raise
    except Exception as error:  # whatever a decoder raises on damaged bytes is the file's fault
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{path}: cannot be read as {suffix[1:]}, damaged or truncated ({reason})") from error
    if stored.array.size == 0:
        raise InputError(f"{path}: is empty, its array has shape {stored.array.shape}")
    if stored.array.dtype != bool and not np.issubdtype(stored.array.dtype, np.number):
        raise InputError(f"{path}: expected numbers, got {stored.array.dtype}")
    if np.iscomplexobj(stored.array):
        raise InputError(f"{path}: expected real numbers, got {stored.array.dtype}")
    return stored


def _read_picture(path: Path, role: str, dims: int | None) -> Stored:
    from PIL import Image, ImageSequence

    with Image.open(path) as picture:
        frames = getattr(picture, "n_frames", 1) if picture.format != "MPO" else 1  # MPO: a JPEG with previews
        if frames == 1:
            array = _channels_first(picture, path, role)
        elif picture.format == "TIFF":
            pages = [_channels_first(page, path, role) for page in ImageSequence.Iterator(picture)]
            if len({page.shape for page in pages}) > 1:
                raise InputError(f"{path}: the {frames} pages differ in size or colour; expected a stack of equal ones")
            array = np.stack(pages, axis=1)
        else:
            raise InputError(f"{path}: expected one frame, got {frames}")
    return Stored(array, (1.0,) * (array.ndim - 1))


def _channels_first(picture: object, path: Path, role: str) -> np.ndarray:
    from PIL import Image

    assert isinstance(picture, Image.Image)
    if picture.mode in ("P", "PA"):
        palette = np.reshape(picture.getpalette("RGB") or [], (-1, 3))
        if (palette == palette[:, :1]).all():
            picture = picture.convert("L")
        elif role == "image":
            picture = picture.convert("RGBA")
    elif picture.mode not in ("1", "L", "LA", "RGB", "RGBA", "F") and not picture.mode.startswith("I"):
        picture = picture.convert("RGB")
    array = np.asarray(picture)
    if array.ndim == 2:
        return array[None]
    array = np.moveaxis(array, -1, 0)
    array = array[: 1 if len(array) == 2 else 3]  # two channels are grey and alpha, four are RGB and alpha
    if role == "label" and len(array) == 3:
        if (array != array[:1]).any():
            raise InputError(f"{path}: a colour label; expected a grey or palette picture, one value per class")
        array = array[:1]
    return array


def _read_nifti(path: Path, role: str, dims: int | None) -> Stored:
    import nibabel

    image = nibabel.load(path)
    assert isinstance(image, nibabel.spatialimages.SpatialImage)
    array = np.asanyarray(image.dataobj)
    if array.ndim == 5 and array.shape[3] == 1:  # NIfTI keeps the fourth axis for time, vectors come fifth
        array = array[:, :, :, 0]
    if array.ndim > 4:
        raise InputError(f"{path}: expected at most 4 axes (x, y, z, channels), got shape {array.shape}")
    array = np.moveaxis(array, 3, 0) if array.ndim == 4 else array[None]
    zooms = [float(zoom) for zoom in image.header.get_zooms()[: array.ndim - 1]]
    spacing = tuple(zoom if np.isfinite(zoom) and zoom > 0 else 1.0 for zoom in zooms)  # 0: the header does not know
    return Stored(array, spacing, image.affine)


def _read_numpy(path: Path, role: str, dims: int | None, name: str = "") -> Stored:
    is_image = role == "image"
    with path.open("rb") as stream:  # numpy leaves a damaged archive open that it has opened itself
        loaded = np.load(stream, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            array = loaded
        else:
            names = loaded.files
            role = name or role
            if role not in names and len(names) != 1:
                raise InputError(f"{path}: expected an array called '{role}' or a single one, got {', '.join(names)}")
            array = loaded[role if role in names else names[0]]
    if is_image and dims is not None and array.ndim == dims + 1:
        array = np.moveaxis(array, 0 if array.shape[0] <= array.shape[-1] else -1, 0)
    else:
        array = array[None]
    return Stored(array, (1.0,) * (array.ndim - 1))


def _fit(stored: Stored, dims: int, path: Path) -> Stored:
    """``stored`` with ``dims`` spatial axes, as long as only axes of length 1 have to come or go."""
    spatial = stored.array.shape[1:]
    if len(spatial) == dims:
        return stored
    if len(spatial) == dims + 1 and 1 in spatial:
        axis = max(index for index, length in enumerate(spatial) if length == 1)
        spacing = stored.spacing[:axis] + stored.spacing[axis + 1 :]
        return replace(stored, array=stored.array.squeeze(axis + 1), spacing=spacing)
    if len(spatial) == dims - 1:
        return replace(stored, array=stored.array[..., None], spacing=(*stored.spacing, 1.0))
    shape = " x ".join(map(str, spatial))
    raise InputError(f"{path}: expected {dims} spatial axes, got {len(spatial)} ({shape})")
