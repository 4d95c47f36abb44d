"""Pictures read by Pillow: PNG, JPG, GIF, BMP. Labels are written as PNG.

Grey has 1 channel, colour 3; alpha is dropped; 16 bits are kept. Several frames are an error. What EXIF says of a
photo's orientation is kept apart from the pixels: both the picture and its result are stored as the camera held them.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np

from evaluators.images.colour import one_value, through_palette
from evaluators.images.format import Format
from evaluators.images.placement import Placement
from evaluators.images.stored import Source, Stored
from search_spaces.errors import InputError

ORIENTATION = 274  # the tag, in EXIF and in TIFF
_GREY = ("1", "L", "LA", "F")
_COLOUR = ("RGB", "RGBA")

# For each orientation but the upright one: whether rows and columns change places, and then which of them run back.
_TURNS = {
    2: (False, (False, True)),
    3: (False, (True, True)),
    4: (False, (True, False)),
    5: (True, (False, False)),
    6: (True, (False, True)),
    7: (True, (True, True)),
    8: (True, (True, False)),
}


def turned(orientation: int, size: tuple[int, ...]) -> Placement | None:
    """How rows and columns, the last two axes, are turned for viewing; None where they are not."""
    if orientation not in _TURNS:
        return None
    swapped, back = _TURNS[orientation]
    before = tuple(range(len(size) - 2))
    rows, columns = len(size) - 2, len(size) - 1
    return Placement(size, (*before, *((columns, rows) if swapped else (rows, columns))), (False,) * len(before) + back)


def read(path: Path, role: str, array: str = "") -> Stored:
    """See ``Format``."""
    from PIL import Image

    with path.open("rb") as stream, Image.open(stream) as picture:
        frames = getattr(picture, "n_frames", 1) if picture.format != "MPO" else 1  # MPO: a JPEG with previews
        if frames > 1:
            raise InputError(f"{path}: expected one frame, got {frames}")
        pixels = _channels_first(picture, path, role)
        orientation = picture.getexif().get(ORIENTATION, 1)
        header = {"orientation": orientation, "dpi": picture.info.get("dpi")}
    notes = ("transparency is left out",) if _transparent(pixels) else ()
    pixels = pixels[: 1 if len(pixels) == 2 else 3]  # two channels are grey and alpha, four are colour and alpha
    if role == "label" and len(pixels) == 3:
        pixels = one_value(pixels, path)
    size = pixels.shape[1:]
    return Stored(pixels, (1.0, 1.0), header=header, notes=notes, turned=turned(orientation, size))


def _channels_first(picture: Any, path: Path, role: str) -> np.ndarray:
    if picture.mode in ("P", "PA"):
        palette = np.reshape(picture.getpalette("RGB") or [], (-1, 3)).astype(np.uint8)
        indices = np.asarray(picture)
        return through_palette(indices if indices.ndim == 2 else indices[..., 0], palette, role)
    if (
        picture.format == "PNG"
        and any(str(tile[3]).endswith(";16B") for tile in picture.tile)
        and picture.mode != "I;16"
    ):
        import imagecodecs  # of 16-bit colour Pillow keeps 8 bits

        pixels = np.asarray(imagecodecs.png_decode(path.read_bytes()))
    else:
        known = picture.mode in (*_GREY, *_COLOUR) or picture.mode.startswith("I")
        pixels = np.asarray(picture if known else picture.convert("RGB"))
    return pixels[None] if pixels.ndim == 2 else np.moveaxis(pixels, -1, 0)


def _transparent(pixels: np.ndarray) -> bool:
    return len(pixels) in (2, 4) and bool((pixels[-1] != pixels[-1].max()).any())


def encode(label: np.ndarray, source: Source, suffix: str) -> bytes:
    """See ``Format``: an 8 or 16 bit grey PNG, turned by the same EXIF as its image."""
    from PIL import Image

    flat = label.squeeze(tuple(axis for axis, length in enumerate(label.shape) if length == 1)[: label.ndim - 2])
    if flat.ndim != 2:
        size = " x ".join(map(str, label.shape))
        raise InputError(f"a label of {size} voxels cannot be written as png; expected a picture or a single slice")
    if flat.min(initial=0) < 0 or flat.max(initial=0) > np.iinfo(np.uint16).max:
        raise InputError(f"label values {flat.min()} to {flat.max()} cannot be written as png; it holds 0 to 65535")
    header = source.header or {}
    options = {"dpi": header["dpi"]} if header.get("dpi") else {}
    exif = Image.Exif()
    exif[ORIENTATION] = header.get("orientation", 1)
    if turned(exif[ORIENTATION], flat.shape):
        options["exif"] = exif
    content = io.BytesIO()
    Image.fromarray(flat.astype(np.uint8 if flat.max(initial=0) < 256 else np.uint16)).save(content, "PNG", **options)
    return content.getvalue()


FORMAT = Format("picture", dict.fromkeys((".png", ".jpg", ".jpeg", ".gif", ".bmp"), ".png"), read, encode, False)
