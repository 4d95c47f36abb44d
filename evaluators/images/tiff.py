"""TIFF read by tifffile: pages are slices, samples and channels are channels, and lengths come from ImageJ and OME.

Several pages are a stack, first axis first. A file whose colours lie in planes may as well be a stack of three slices,
which is how tifffile writes one; the task's number of axes tells. White-is-zero: a label keeps its stored values, an
image is inverted, as viewers and ITK show it. Resolutions in inches are print sizes and say nothing.

nnU-Net keeps the voxel sizes of ``CASE_0000.tif`` and of ``CASE.tif`` in ``CASE.json``; where there is one it counts.
"""

from __future__ import annotations

import io
import json
import logging
import math
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from evaluators.images import picture
from evaluators.images.colour import one_value, through_palette
from evaluators.images.format import Format
from evaluators.images.stored import Source, Stored
from evaluators.images.units import in_mm
from search_spaces.errors import InputError

logging.getLogger("tifffile").addHandler(logging.NullHandler())  # what it says of damaged files is in our own message

_CHANNELS = "CS"
_RESOLUTION_UNITS = {3: "cm", 4: "mm", 5: "um"}  # 2 is inch


@dataclass(frozen=True)
class _Header:
    """What a label needs to be a TIFF as its image is: the order of its axes, and the lengths as the file has them."""

    axes: str
    kind: str = "plain"
    tags: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    orientation: int = 1


def read(path: Path, role: str, array: str = "") -> Stored:
    """See ``Format``."""
    import tifffile

    with tifffile.TiffFile(path) as file:
        series = _one_series(file, path)
        page = series.keyframe
        colours = page.photometric in (tifffile.PHOTOMETRIC.SEPARATED, tifffile.PHOTOMETRIC.CIELAB) or (
            page.photometric == tifffile.PHOTOMETRIC.YCBCR and page.compression not in (6, 7)
        )
        if colours:  # Pillow converts them
            return replace(picture.read(path, role), header=_Header("YX"))
        pixels, axes = _ordered(series.asarray(), series.axes, path)
        pixels = _values(pixels, axes, page, role)
        stack = axes.translate(str.maketrans("", "", _CHANNELS))
        planes = axes == "SYX"  # colours, or slices
        header = _header(file, page, "QYX" if planes else "".join(a for a in series.axes if a in stack))
        spacing = _side_file(path, len(header.axes)) or _spacing(file, header, "QYX" if planes else stack)
    if planes:
        pixels = pixels[None]
    elif role == "label" and len(pixels) == 3:
        pixels = one_value(pixels, path)
    turn = picture.turned(header.orientation, pixels.shape[1:])
    return Stored(pixels, spacing, header=header, turned=turn, channel_axis=0 if planes else None)


def _one_series(file: Any, path: Path) -> Any:
    """The image of a file; tifffile leaves small versions of it out."""
    file.filehandle.seek(file.pages.next_page_offset)
    link = file.filehandle.read(file.tiff.offsetsize)
    if any(link) or len(link) < file.tiff.offsetsize:  # tifffile stops without a word at a page that is not there
        raise ValueError(f"{len(file.pages)} pages are whole, and there are more")
    if len(file.series) != 1:
        pages = len(file.pages)
        raise InputError(f"{path}: the {pages} pages differ in size, colour or kind; expected one stack of equal ones")
    return file.series[0]


def _ordered(pixels: np.ndarray, axes: str, path: Path) -> tuple[np.ndarray, str]:
    """Stacked axes first, then channels where they are, then rows and columns; axes of length 1 dropped."""
    single = [place for place, axis in enumerate(axes) if axis not in "YX" and pixels.shape[place] == 1]
    pixels = pixels.squeeze(tuple(single))
    axes = "".join(axis for place, axis in enumerate(axes) if place not in single)
    stacked = [axis for axis in axes if axis not in "YX" + _CHANNELS]
    if len(stacked) > 1:
        raise InputError(f"{path}: expected one stack of slices, got the axes {axes} ({_size(pixels.shape)})")
    planes = [axis for axis in axes if axis in _CHANNELS and axes.index(axis) < axes.index("Y")]
    order = [*stacked, *planes, "Y", "X", *(axis for axis in axes if axis in _CHANNELS and axis not in planes)]
    return pixels.transpose([axes.index(axis) for axis in order]), "".join(order)


def _values(pixels: np.ndarray, axes: str, page: Any, role: str) -> np.ndarray:
    """``(channels, *spatial)`` with what the numbers stand for, and without transparency."""
    import tifffile

    if "S" in axes:
        pixels = np.take(pixels, _samples(page), axes.index("S"))
    channels = [axes.index(axis) for axis in axes if axis in _CHANNELS]
    pixels = np.moveaxis(pixels, channels, range(len(channels)))
    pixels = pixels.reshape(-1, *pixels.shape[len(channels) :])
    if page.photometric == tifffile.PHOTOMETRIC.PALETTE and page.colormap is not None:
        return through_palette(pixels[0], (page.colormap >> 8).T.astype(np.uint8), role)
    if page.photometric == tifffile.PHOTOMETRIC.MINISWHITE and role == "image":
        if pixels.dtype == bool or np.issubdtype(pixels.dtype, np.signedinteger):
            return ~pixels
        if np.issubdtype(pixels.dtype, np.unsignedinteger):
            return np.asarray(pixels ^ pixels.dtype.type(2**page.bitspersample - 1))
    return pixels


def _samples(page: Any) -> list[int]:
    """The samples of a pixel that are no transparency."""
    import tifffile

    count, extra = page.samplesperpixel, page.extrasamples
    if page.photometric == tifffile.PHOTOMETRIC.RGB and page.planarconfig != tifffile.PLANARCONFIG.SEPARATE:
        return [0, 1, 2]
    colours = count - len(extra)
    planes = page.planarconfig == tifffile.PLANARCONFIG.SEPARATE  # which may be slices
    return [place for place in range(count) if planes or place < colours or int(extra[place - colours]) == 0]


def _header(file: Any, page: Any, axes: str) -> _Header:
    x, y, unit = (page.tags.get(name) for name in ("XResolution", "YResolution", "ResolutionUnit"))
    tags = {"resolution": (x.value, y.value), "resolutionunit": int(unit.value) if unit else 2} if x and y else {}
    orientation = page.tags.get("Orientation")
    kind, metadata = "plain", {}
    if file.is_ome:
        kind, metadata = "ome", _ome_lengths(file.ome_metadata)
    elif file.is_imagej:
        kind, found = "imagej", file.imagej_metadata or {}
        metadata = {key: found[key] for key in ("unit", "spacing") if key in found}
    return _Header(axes, kind, tags, metadata, int(orientation.value) if orientation else 1)


def _ome_lengths(xml: str) -> dict[str, Any]:
    import tifffile

    image = tifffile.xml2dict(xml)["OME"].get("Image", {})
    pixels = (image[0] if isinstance(image, list) else image).get("Pixels", {})
    return {key: value for key, value in pixels.items() if key.startswith("PhysicalSize")}


def _spacing(file: Any, header: _Header, stack: str) -> tuple[float, ...]:
    """mm along each axis of ``stack``; 1 throughout where the file does not know it."""
    found: dict[str, float | None] = {}
    if header.kind == "ome":
        for axis in "ZYX":
            unit = in_mm(str(header.metadata.get(f"PhysicalSize{axis}Unit", "um")))
            length = header.metadata.get(f"PhysicalSize{axis}")
            found[axis] = float(length) * unit if length and unit else None
    elif header.tags:
        imagej = header.kind == "imagej"
        name = str(header.metadata.get("unit", "")) if imagej else _RESOLUTION_UNITS.get(header.tags["resolutionunit"])
        unit = in_mm(name) if name else None
        for axis, (dots, length) in zip("XY", header.tags["resolution"], strict=True):
            found[axis] = unit * length / dots if unit and dots else None
        if imagej and unit:
            found["Z"] = unit * float(header.metadata.get("spacing", 1))  # ImageJ leaves a depth of 1 out
    found = {axis: abs(length) for axis, length in found.items() if length and math.isfinite(length)}  # -2: ImageJ
    if not found.get("X") or not found.get("Y"):
        return (1.0,) * len(stack)
    return tuple(found.get(axis if axis in "YX" else "Z") or found["X"] or 1.0 for axis in stack)


def _side_file(path: Path, count: int) -> tuple[float, ...] | None:
    """Voxel sizes from nnU-Net's JSON beside the file."""
    stem = path.name[: -len(path.suffix)]
    for name in dict.fromkeys((re.sub(r"_\d{4}$", "", stem), stem)):
        side = path.with_name(f"{name}.json")
        if not side.is_file():
            continue
        try:
            values = json.loads(side.read_text(encoding="utf-8-sig"))["spacing"]
            spacing = tuple(float(value) for value in values)[-count:]
        except (KeyError, TypeError):
            continue  # another kind of JSON
        except ValueError as error:
            raise InputError(f"{side}: cannot be read as the voxel sizes of {path.name} ({error})") from error
        if len(spacing) != count or not all(0 < value < float("inf") for value in spacing):
            raise InputError(f"{side}: spacing: expected {count} lengths above 0, got {values!r}")
        return spacing
    return None


def encode(label: np.ndarray, source: Source, suffix: str) -> bytes:
    """See ``Format``: pages of one sample, with the lengths, the order of axes and the orientation of the image."""
    import tifffile

    header: _Header | None = source.header
    if header is None:
        header = _from_spacing(source.spacing)
    standard = [*(axis for axis in header.axes if axis not in "YX"), "Y", "X"][-label.ndim :]
    kept = "".join(axis for axis in header.axes if axis in standard)
    label = np.ascontiguousarray(label.transpose([standard.index(axis) for axis in kept]))
    kind = header.kind
    if kind == "imagej" and (label.dtype not in (np.uint8, np.uint16) or label.shape[-1] == 1):  # it cannot hold those
        kind = "plain"
    if suffix.startswith(".ome"):
        kind = "ome"
    tags = dict(header.tags)
    if header.orientation != 1:
        tags["extratags"] = [(picture.ORIENTATION, "H", 1, header.orientation, True)]
    content = io.BytesIO()
    tifffile.imwrite(
        content,
        label,
        photometric="minisblack",
        compression="zlib",
        metadata={"axes": kept} | (header.metadata if kind == header.kind else {}),
        ome=kind == "ome",
        imagej=kind == "imagej",
        **tags,
    )
    return content.getvalue()


def _from_spacing(spacing: tuple[float, ...]) -> _Header:
    """For a label whose image is no TIFF: its lengths as OME has them."""
    axes = "ZYX"[-len(spacing) :]
    lengths = {f"PhysicalSize{axis}": length for axis, length in zip(axes, spacing, strict=True)}
    return _Header(axes, "ome", {}, lengths | {f"{name}Unit": "mm" for name in lengths})


def _size(lengths: tuple[int, ...]) -> str:
    return " x ".join(map(str, lengths))


FORMAT = Format("tiff", {s: s for s in (".tif", ".tiff", ".ome.tif", ".ome.tiff")}, read, encode, False)
