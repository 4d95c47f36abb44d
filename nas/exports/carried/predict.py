"""Segment images with an exported network, without the package that exported it.

    python predict.py model.onnx images/ --out labels        # numpy, nibabel or pillow, and onnxruntime
    python predict.py model.pt2 scan.nii.gz --out labels     # ... and torch, likewise model.ts and network/

NIfTI and PNG, JPG, TIF in; label images with the training data's own values out, on the grid of the original. The file
says itself how images are prepared. A class of which only the largest part is kept takes scipy.

What is computed is what ``nas predict`` computes: the image is turned to right, front, up; resampled; normalised; seen
in windows that overlap by half, weighted by a Gaussian, as MONAI's sliding window; probabilities are brought back to
the original grid, plane by plane, before a label is chosen. So memory does not grow with the number of classes.
"""

from __future__ import annotations

import argparse
import importlib
import itertools
import json
import math
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import numpy as np

Array = np.ndarray
Network = Callable[[Array], Array]  # ``(batch, channels, *spatial)`` to logits ``(batch, 1 + classes, *spatial)``
Settings = dict[str, Any]

SETTINGS = "model.json"
VOLUMES = (".nii", ".nii.gz")
PICTURES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")
BATCH, BATCH_VOXELS = 4, 2**18  # most windows, and voxels of them, that go through the network at once
BLOCK = 2**18  # values that are worked on in 64 bits at once
BLOCK_VALUES = 2**18  # most probabilities that are worked on at once
DEVIATION, LEAST = 0.125, 1e-3  # of the Gaussian, as a share of the window; weight in its corners
THICK = 1.3  # times the others' spacing: slices lie apart
EQUAL_SPACING = 0.05  # share by which spacings may differ that are taken as equal
APART = 0.1  # voxels by which the corners of channels may lie apart
CONSTANT = 1e-6  # deviation, as a share of the largest value, below which a channel is taken as constant


class Fault(Exception):
    """What is wrong with a file, in one line."""


# -- the network -------------------------------------------------------------------------------------------


def load(path: Path) -> tuple[Network, Settings]:
    """The network in ``model.onnx``, ``model.pt2``, ``model.ts`` or ``network/``, and its ``model.json``."""
    if path.is_dir() and (path / SETTINGS).is_file():
        return _source(path)
    readers = {".onnx": _onnx, ".pt2": _program, ".ts": _torchscript}
    if path.suffix not in readers or not path.is_file():
        raise Fault(f"'{path}': expected model.onnx, model.pt2, model.ts or the folder network")
    network, settings = readers[path.suffix](path)
    if not settings:
        raise Fault(f"'{path}': does not say how images are prepared; expected a file written by 'nas export'")
    return network, json.loads(settings)


def _onnx(path: Path) -> tuple[Network, str]:
    runtime = importlib.import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.log_severity_level = 3
    session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    settings = session.get_modelmeta().custom_metadata_map.get(SETTINGS, "")
    return lambda image: np.asarray(session.run(None, {session.get_inputs()[0].name: image})[0]), settings


def _program(path: Path) -> tuple[Network, str]:
    torch: Any = importlib.import_module("torch")
    extra = {SETTINGS: ""}
    network = _of_torch(torch.export.load(str(path), extra_files=extra).module())

    def look(image: Array) -> Array:  # torch makes some programs refuse a single image
        return network(np.concatenate([image, image]))[:1] if len(image) == 1 else network(image)

    return look, extra[SETTINGS]


def _torchscript(path: Path) -> tuple[Network, str]:
    torch: Any = importlib.import_module("torch")
    extra: dict[str, Any] = {SETTINGS: ""}
    network = torch.jit.load(str(path), map_location="cpu", _extra_files=extra)
    settings = extra[SETTINGS]
    return _of_torch(network), settings.decode() if isinstance(settings, bytes) else settings


def _source(folder: Path) -> tuple[Network, Settings]:
    name = "network_of_export"  # the folder's own need not be one that Python can import
    spec: Any = spec_from_file_location(name, folder / "__init__.py", submodule_search_locations=[str(folder)])
    package: Any = module_from_spec(spec)
    sys.modules[name] = package
    spec.loader.exec_module(package)
    return _of_torch(package.load()), package.settings()


def _of_torch(network: Any) -> Network:
    torch: Any = importlib.import_module("torch")

    def look(image: Array) -> Array:
        with torch.no_grad():
            return np.asarray(network(torch.from_numpy(np.ascontiguousarray(image))).numpy())

    return look


# -- from an image to what the network sees ----------------------------------------------------------------


class Layout:
    """How an image of some size is prepared, and what is to be made of the answer.

    Args:
        settings: ``model.json``.
        size: of the image, ``(*spatial)``, turned to right, front, up.
        spacing: mm of its voxels.
    """

    def __init__(self, settings: Settings, size: Sequence[int], spacing: Sequence[float]) -> None:
        told = settings["preprocessing"]
        self.size = tuple(size)
        self.dims: int = told["dims"]
        self.axis: int | None = told["slice_axis"]  # across which slices are looked at, None: there are none
        if self.axis is None and len(self.size) > self.dims:
            self.axis = _sliced_across(self.size, spacing)
        if len(self.size) != self.dims + (self.axis is not None):
            raise Fault(f"expected {self.dims + (self.axis is not None)} axes, got {len(self.size)}")
        self.box = self._across(told["patch"], 1)
        self.working = self.size  # size that the network's windows lie in
        if told["size"]:
            self.working = self._across(told["size"], 0)
        elif told["spacing"]:
            pairs = zip(self.size, spacing, self._across(told["spacing"], 0), strict=True)
            self.working = tuple(_resampled(*pair) if pair[2] else pair[0] for pair in pairs)
        self.working = tuple(new or old for new, old in zip(self.working, self.size, strict=True))
        self.normalisation: Settings = told["normalisation"]
        self.labelling: Settings = told["labelling"]
        names = self.labelling["classes"]
        self.largest = [1 + names.index(name) for name in settings.get("largest_part") or []]
        self.mirror = [2 + axis for axis in settings.get("mirror") or []]  # axes of ``(batch, channels, *spatial)``

    @property
    def flat(self) -> bool:
        """Whether the network sees pictures."""
        return self.dims == 2

    @property
    def regions(self) -> bool:
        """Whether classes may share voxels."""
        return bool(self.labelling["members"] != [[number] for number in range(1, 1 + len(self.labelling["classes"]))])

    def _across(self, numbers: Sequence[Any], depth: Any) -> tuple[Any, ...]:
        """A number for each axis of the network to one for each of the image."""
        return tuple(numbers) if self.axis is None else (*numbers[: self.axis], depth, *numbers[self.axis :])


def prepared(image: Array, layout: Layout) -> Array:
    """``(channels, *size)`` to the network's input ``(channels, *working)``, float32."""
    return normalised(resized(np.asarray(image, np.float32), layout.working, layout.flat), layout.normalisation)


def resized(image: Array, size: Sequence[int], flat: bool) -> Array:
    """``(channels, *spatial)`` to another size, linearly; averaged first where it shrinks."""
    for axis, want in enumerate(size, start=1):
        if image.shape[axis] != want:
            matrix = resampling(image.shape[axis], want, flat)
            image = np.moveaxis(np.tensordot(matrix, image, (1, axis)), 0, axis)
    return image


def resampling(have: int, want: int, flat: bool) -> Array:
    """``(want, have)``: how much of each old position is in each new one, along one axis.

    ``flat``: as torch's antialiased interpolation of pictures; else adaptive means, then linear interpolation.
    """
    ratio = have / want
    if flat:
        support = max(ratio, 1.0)
        centres = ratio * (np.arange(want)[:, None] + 0.5)
        places = np.arange(have)[None]
        first = np.maximum((centres - support + 0.5).astype(int), 0)
        last = np.minimum((centres + support + 0.5).astype(int), have)
        weights = np.maximum(1 - np.abs(places - centres + 0.5) / support, 0) * ((places >= first) & (places < last))
        return np.asarray(weights / weights.sum(1, keepdims=True), np.float32)
    between = min(have, want)
    means = np.zeros((between, have))
    for row in range(between):
        begin, end = row * have // between, -(-(row + 1) * have // between)
        means[row, begin:end] = 1 / (end - begin)
    places_between = np.maximum((np.arange(want) + 0.5) * between / want - 0.5, 0)
    low = np.minimum(places_between.astype(int), between - 1)
    share = places_between - low
    weights = np.zeros((want, between))
    np.add.at(weights, (np.arange(want), low), 1 - share)
    np.add.at(weights, (np.arange(want), np.minimum(low + 1, between - 1)), share)
    return np.asarray(weights @ means, np.float32)


def normalised(image: Array, told: Settings) -> Array:
    """Each channel of zero mean and unit deviation, or clipped and scaled by fixed numbers."""
    result = np.zeros(image.shape, np.float32)
    if told["kind"] == "window":
        windows = told["windows"] * len(image) if len(told["windows"]) == 1 else told["windows"]
        for channel, values, w in zip(result, image, windows, strict=True):
            np.clip(values, w["low"], w["high"], out=channel)
            channel -= w["mean"]
            channel /= w["deviation"]
        return result
    counted = (image != 0).any(0) if told["kind"] == "nonzero" else None
    for channel, values in zip(result, image, strict=True):
        mean, deviation, largest = _moments(values, counted)
        if deviation > CONSTANT * largest:
            for rows, chosen in _blocks(values, counted):
                channel[rows][chosen] = np.subtract(values[rows][chosen], mean, dtype=np.float64) / deviation
    return result


def _moments(values: Array, counted: Array | None) -> tuple[float, float, float]:
    """Mean, deviation and largest absolute value of those that are ``counted``; 0 where there are none."""
    count, total, square, largest = 0, 0.0, 0.0, 0.0
    for rows, chosen in _blocks(values, counted):
        part = values[rows][chosen]
        count, total = count + part.size, total + part.sum(dtype=np.float64)
        largest = max(largest, abs(float(part.min())), abs(float(part.max())))
    mean = total / max(count, 1)
    for rows, chosen in _blocks(values, counted):
        square += np.square(np.subtract(values[rows][chosen], mean, dtype=np.float64)).sum()
    return mean, math.sqrt(square / max(count, 1)), largest


def _blocks(values: Array, counted: Array | None) -> Iterator[tuple[slice, Any]]:
    """Rows of ``(*spatial)``, as many as hold ``BLOCK`` values, with which of these count; only where some do."""
    step = max(1, BLOCK // max(1, math.prod(values.shape[1:])))
    for start in range(0, len(values), step):
        rows = slice(start, start + step)
        if counted is None:
            yield rows, ...
        elif counted[rows].any():
            yield rows, counted[rows]


def _sliced_across(size: Sequence[int], spacing: Sequence[float]) -> int:
    """The axis across which the slices of a volume lie: the single one, where they lie apart, else upwards."""
    if 1 in size:
        return len(size) - 1 - list(size)[::-1].index(1)
    axis = int(np.argmax(spacing))
    return axis if spacing[axis] >= THICK * max(np.delete(spacing, axis)) else 2


def _resampled(length: int, have: float, want: float) -> int:
    return length if abs(have - want) <= EQUAL_SPACING * want else max(1, round(length * have / want))


# -- windows -----------------------------------------------------------------------------------------------


class Windows:
    """Windows over an image that overlap by half, in the order of their places along one axis."""

    def __init__(self, layout: Layout) -> None:
        self.size = layout.working
        pairs = zip(self.size, layout.box, strict=True)
        self.window = [n if n <= 2 * want and want > 1 else min(n, want) for n, want in pairs]
        self.axis = int(np.argmin(np.divide(self.window, self.size))) if layout.axis is None else layout.axis

    def starts(self) -> list[list[int]]:
        """Where windows begin, along each axis."""
        found = []
        for length, part in zip(self.size, self.window, strict=True):
            step, last = max(part // 2, 1), length - part
            found.append([min(start, last) for start in range(0, last + step, step)])
        return found

    def places(self) -> Iterator[tuple[slice, ...]]:
        """Each window."""
        starts = self.starts()
        first = starts.pop(self.axis)
        for start, others in itertools.product(first, itertools.product(*starts)):
            begins = (*others[: self.axis], start, *others[self.axis :])
            yield tuple(slice(begin, begin + length) for begin, length in zip(begins, self.window, strict=True))

    def weights(self) -> Array:
        """``(*window)``: how much each voxel of a window counts."""
        weights = np.ones((), np.float32)
        for length in self.window:
            distance = np.arange(length, dtype=np.float32) - (length - 1) / 2
            weights = weights[..., None] * np.exp(-0.5 * (distance / (DEVIATION * length)) ** 2)
        return np.maximum(weights, np.float32(LEAST)).astype(np.float32)


def looked_at(
    network: Network, image: Array, layout: Layout, show: Callable[[float], object] = lambda share: None
) -> Iterator[Array]:
    """Logits ``(1 + classes, planes, *plane)`` of a prepared image, block by block along ``Windows(layout).axis``."""
    windows = Windows(layout)
    axis, count = windows.axis, math.prod(map(len, windows.starts()))
    weights = np.moveaxis(windows.weights(), axis, 0)
    depth, begin = windows.window[axis], 0
    plane = [length for place, length in enumerate(windows.size) if place != axis]
    total, sums = np.zeros(0, np.float32), np.zeros((depth, *plane), np.float32)
    for number, (place, logits) in enumerate(_windows_seen(network, image, windows, layout), start=1):
        part = np.moveaxis(logits, 1 + axis, 1)
        if count == 1:
            yield part
            show(1.0)
            return
        if not len(total):
            total = np.zeros((len(part), depth, *plane), np.float32)
        passed = place[axis].start - begin
        if passed:
            yield total[:, :passed] / sums[:passed]
            for held, along in ((total, 1), (sums, 0)):
                moved = np.moveaxis(held, along, 0)
                moved[: depth - passed] = moved[passed:].copy()
                moved[depth - passed :] = 0
            begin += passed
        within = tuple(one for number_of, one in enumerate(place) if number_of != axis)
        total[(slice(None), slice(None), *within)] += part * weights
        sums[(slice(None), *within)] += weights
        show(number / count)
    yield total / sums


def _windows_seen(
    network: Network, image: Array, windows: Windows, layout: Layout
) -> Iterator[tuple[tuple[slice, ...], Array]]:
    """Each window with its logits ``(1 + classes, *window)``."""
    most = max(1, min(BATCH, BATCH_VOXELS // math.prod(windows.window)))
    places = windows.places()
    flips = [flip for count in range(1 + len(layout.mirror)) for flip in itertools.combinations(layout.mirror, count)]
    while batch := list(itertools.islice(places, most)):
        images = np.stack([image[(slice(None), *place)] for place in batch])
        if layout.axis is not None:
            images = images.squeeze(2 + layout.axis)
        summed: Any = sum(np.flip(network(np.flip(images, f).copy()).astype(np.float32), f) for f in flips)
        logits = np.asarray(summed) / len(flips)
        if layout.axis is not None:
            logits = np.expand_dims(logits, 2 + layout.axis)
        yield from zip(batch, logits, strict=True)


# -- from logits to a label ----------------------------------------------------------------------------------


def labelled(blocks: Iterable[Array], layout: Layout) -> Array:
    """The label ``(*size)``, with the training data's own values, from logits as ``looked_at`` gives them."""
    axis = Windows(layout).axis
    indices = np.empty(layout.size, np.uint8)
    planes, done = np.moveaxis(indices, axis, 0), 0
    probabilities = _in_plane(blocks, [n for place, n in enumerate(layout.size) if place != axis], layout)
    have, want = layout.working[axis], layout.size[axis]
    if have != want:
        probabilities = _along(probabilities, resampling(have, want, layout.flat))
    for block in probabilities:
        planes[done : done + block.shape[1]] = _indices(block, layout)
        done += block.shape[1]
    if layout.largest:
        indices = keep_largest(indices, layout.largest)
    values = layout.labelling["values"]
    kinds = (np.uint8, np.uint16, np.int16, np.int32, np.int64)
    kind = next(k for k in kinds if np.iinfo(k).min <= min(values) and max(values) <= np.iinfo(k).max)
    return np.asarray(values, kind)[indices]


def _in_plane(blocks: Iterable[Array], plane: Sequence[int], layout: Layout) -> Iterator[Array]:
    """Logits ``(1 + classes, planes, *)`` to probabilities ``(1 + classes, planes, *plane)``, a few planes at once."""
    for block in blocks:
        if not np.isfinite(block).all():
            raise Fault("the prediction is not finite")
        step = max(1, BLOCK_VALUES // (len(block) * max(math.prod(block.shape[2:]), math.prod(plane))))
        for start in range(0, block.shape[1], step):
            logits = block[:, start : start + step]
            if layout.regions:
                probabilities = 1 / (1 + np.exp(-logits))
            else:
                probabilities = np.exp(logits - logits.max(0))
                probabilities /= probabilities.sum(0)
            yield resized(probabilities, (logits.shape[1], *plane), layout.flat)


def _along(blocks: Iterable[Array], matrix: Array) -> Iterator[Array]:
    """Consecutive ``(outputs, planes, *)`` to others, each a sum of some of them: ``matrix`` ``(new, old)``."""
    used = matrix != 0
    first, last = used.argmax(1), used.shape[1] - 1 - used[:, ::-1].argmax(1)
    held: Array | None = None
    begin = done = 0
    for block in blocks:
        held = block if held is None else np.concatenate([held, block], 1)
        end = begin + held.shape[1]
        ready = int((last < end).sum())
        if ready > done:
            yield np.moveaxis(np.tensordot(matrix[done:ready, begin:end], held, (1, 1)), 0, 1)
            done = ready
        needed = min(int(first[done]), end) if done < len(matrix) else end
        held, begin = held[:, needed - begin :], needed


def _indices(probabilities: Array, layout: Layout) -> Array:
    """``(1 + classes, *)`` to uint8 indices ``(*)``: the most probable class; regions above a half are painted."""
    if not layout.regions:
        return probabilities.argmax(0).astype(np.uint8)
    label = np.zeros(probabilities.shape[1:], np.uint8)
    for inside, index in zip(probabilities[1:] > 0.5, layout.labelling["painted"], strict=True):
        label[inside] = index
    return label


def keep_largest(label: Array, indices: Sequence[int]) -> Array:
    """Only the largest part of each index, corners connecting."""
    ndimage: Any = importlib.import_module("scipy.ndimage")
    result = label.copy()
    for index in indices:
        parts, count = ndimage.label(label == index, ndimage.generate_binary_structure(label.ndim, label.ndim))
        if count > 1:
            sizes = np.bincount(parts.ravel())
            sizes[0] = 0
            result[(label == index) & (parts != sizes.argmax())] = 0
    return result


# -- files -------------------------------------------------------------------------------------------------


class Volume:
    """A NIfTI image; the fourth axis holds the channels."""

    suffix = ".nii.gz"

    def __init__(self, path: Path, target: str | None) -> None:
        self._nibabel: Any = importlib.import_module("nibabel")
        self._image = self._nibabel.load(path)
        header = self._image.header
        values = np.asanyarray(self._image.dataobj)
        if values.ndim == 2:
            values = values[..., None]
        values = np.moveaxis(values, -1, 0) if values.ndim == 4 else values[None]
        if values.ndim != 4 or values.dtype.names:
            raise Fault(f"{path}: expected x, y, z and at most channels; got shape {self._image.shape}")
        said = bool(header["sform_code"] or header["qform_code"])
        spacing = [float(zoom) if zoom > 0 else 1.0 for zoom in (*header.get_zooms(), 1.0)[:3]]
        have = self._nibabel.orientations.axcodes2ornt("LPS")  # of a file that does not say
        if said:
            have = self._nibabel.orientations.io_orientation(self._image.affine)
            spacing = [float(size) for size in self._nibabel.affines.voxel_sizes(self._image.affine)]
        want = self._nibabel.orientations.axcodes2ornt(target or ("RAS" if said else "LPS"))
        self._turn = self._nibabel.orientations.ornt_transform(have, want)
        self._back = self._nibabel.orientations.ornt_transform(want, have)
        turned = [self._nibabel.orientations.apply_orientation(channel, self._turn) for channel in values]
        self.image = np.stack(turned, dtype=np.float32, casting="unsafe")
        self.spacing = [spacing[int(np.argwhere(self._turn[:, 0] == axis)[0, 0])] for axis in range(3)]
        unturned = self._nibabel.orientations.inv_ornt_aff(self._turn, values.shape[1:])
        self.place = self._image.affine @ unturned if said else None  # from voxels as they are turned to mm

    def lies_with(self, other: Volume) -> bool:
        """Whether voxels of the two that have one index lie at one place, as far as both say where."""
        if self.place is None or other.place is None:
            return True
        link = np.linalg.inv(self.place) @ other.place - np.eye(4)
        return bool((np.abs(link[:3]) @ [*self.image.shape[1:], 1] <= APART).all())

    def write(self, label: Array, path: Path) -> None:
        """Write a label that lies as the image does."""
        stored = self._nibabel.orientations.apply_orientation(label, self._back).reshape(self._image.shape[:3])
        header = self._image.header.copy()
        header.extensions.clear()
        header.set_data_dtype(stored.dtype)
        header["cal_min"] = header["cal_max"] = 0
        self._nibabel.save(type(self._image)(np.ascontiguousarray(stored), None, header), path)


class Picture:
    """A grey or colour picture."""

    suffix = ".png"

    def __init__(self, path: Path, target: str | None) -> None:
        pixels = pixels_of(path)
        pixels = pixels[None] if pixels.ndim == 2 else np.moveaxis(pixels, -1, 0)
        self.image = pixels[: 1 if len(pixels) == 2 else 3]
        self.spacing = [1.0, 1.0]

    def write(self, label: Array, path: Path) -> None:
        """Write a label as PNG."""
        if label.min(initial=0) < 0 or label.max(initial=0) > np.iinfo(np.uint16).max:
            raise Fault(f"a picture holds labels of 0 to 65535, got {label.min()} to {label.max()}")
        pillow: Any = importlib.import_module("PIL.Image")
        pillow.fromarray(label.astype(np.uint8 if label.max(initial=0) < 256 else np.uint16)).save(path)


def pixels_of(path: Path) -> Array:
    """``(rows, columns)``, channels last where there are several, of a picture whose pixels are stored as they are."""
    pillow: Any = importlib.import_module("PIL.Image")
    with pillow.open(path) as picture:
        known = picture.mode in ("1", "L", "LA", "F", "RGB", "RGBA") or picture.mode.startswith("I")
        cut = not picture.mode.startswith("I") and any(";16" in str(tile[3]) for tile in picture.tile)
        if not known or cut or getattr(picture, "n_frames", 1) > 1 or picture.getexif().get(274, 1) != 1:
            raise Fault(
                f"{path}: expected one upright grey or colour picture, of colour 8 bits; 'nas predict' takes others"
            )
        return np.asarray(picture)


def opened(files: Sequence[Path], settings: Settings) -> tuple[Volume | Picture, Array]:
    """The first file of a case, and the image of all ``(channels, *spatial)``."""
    told = settings["preprocessing"]
    parts: list[Volume | Picture] = []
    for file in files:
        kind = Volume if file.name.lower().endswith(VOLUMES) else Picture
        parts.append(kind(file, told["reading"]["orientation"]))
    first = parts[0]
    for file, part in zip(files, parts, strict=True):
        apart = isinstance(first, Volume) and isinstance(part, Volume) and not first.lies_with(part)
        if part.image.shape[1:] != first.image.shape[1:] or (apart and not told["reading"].get("by_index")):
            raise Fault(f"{file}: lies elsewhere than {files[0].name}")
    image = first.image if len(parts) == 1 else np.concatenate([part.image for part in parts])
    image = image.astype(np.float32, copy=False)
    channels = told["channels"]
    if isinstance(first, Picture) and len(image) != channels:
        if len(image) == 1:
            image = np.repeat(image, channels, axis=0)
        elif channels == 1 and (image == image[:1]).all():
            image = image[:1]
    if len(image) != channels:
        raise Fault(f"{files[0]}: expected {channels} channels, got {len(image)}")
    missing = np.isnan(image)
    if missing.any() and told["reading"]["nan"] == "background":
        for channel, gone in zip(image, missing, strict=True):
            channel[gone] = channel[~gone].min()
    if not np.isfinite(image).all():
        raise Fault(f"{files[0]}: holds values that are no finite numbers")
    return first, image


def cases_of(paths: Sequence[Path], channels: int) -> dict[str, list[Path]]:
    """Case name to its files; exactly ``CASE_0000``, ``CASE_0001``, ... of one channel each are channels of one case.

    Where every file is a ``CASE_0000``, they are the only files of their cases.
    """
    files = [file for path in paths for file in (sorted(path.iterdir()) if path.is_dir() else [path])]
    files = [f for f in files if f.name.lower().endswith((*VOLUMES, *PICTURES)) and not f.name.startswith(".")]
    if not files:
        raise Fault("no image found")
    stems = {file: re.sub(r"\.nii(\.gz)?$|\.[^.]+$", "", file.name, flags=re.IGNORECASE) for file in files}
    numbered: dict[str, dict[int, Path]] = {}
    for file, stem in stems.items():
        if match := re.fullmatch(r"(.+)_(\d{4})", stem):
            numbered.setdefault(match[1], {}).setdefault(int(match[2]), file)
    joined = {
        name: [parts[number] for number in range(channels)]
        for name, parts in numbered.items()
        if channels > 1 and sorted(parts) == list(range(channels)) and _channels_in(parts[0]) == 1
    }
    if all(re.fullmatch(r".+_0000", stem) for stem in stems.values()):
        joined = {name: [parts[0]] for name, parts in numbered.items()}
    found: dict[str, list[Path]] = {}
    for file, stem in stems.items():
        of_case = joined.get(stem[: -len("_0000")], [])
        name, group = (stem[: -len("_0000")], of_case) if file in of_case else (stem, [file])
        if found.setdefault(name, group) != group:
            raise Fault(f"'{name}': several images of that name")
    return found


def _channels_in(file: Path) -> int:
    """1 where the file cannot be read: that is told when its case is."""
    try:
        if file.name.lower().endswith(VOLUMES):
            shape = importlib.import_module("nibabel").load(file).shape
            return int(shape[3]) if len(shape) > 3 else 1
        with importlib.import_module("PIL.Image").open(file) as picture:
            return 1 if len(picture.getbands()) < 3 else 3
    except Exception:  # of whatever kind
        return 1


def segment(
    network: Network,
    image: Array,
    spacing: Sequence[float],
    settings: Settings,
    show: Callable[[float], object] = lambda share: None,
) -> Array:
    """The label ``(*spatial)`` of an image ``(channels, *spatial)`` that is turned to right, front, up."""
    layout = Layout(settings, image.shape[1:], spacing)
    return labelled(looked_at(network, prepared(image, layout), layout, show), layout)


def progress(line: str) -> Callable[[float], object]:
    """What shows behind ``line`` how far an image is, in its place; once for every hundredth, logs keep each."""
    shown = ""

    def show(share: float) -> None:
        nonlocal shown
        text = f"{share:4.0%}"
        if text != shown:
            print(f"\r{line} {text}", end="", file=sys.stderr, flush=True)
        shown = text

    return show


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Segment images with an exported network.")
    parser.add_argument("model", type=Path, help="model.onnx, model.pt2, model.ts, or the folder network")
    parser.add_argument("images", type=Path, nargs="+", help="image files, or folders of them")
    parser.add_argument("--out", type=Path, default=Path("predictions"), help="folder for the label images")
    asked = parser.parse_args(arguments)
    failed = 0
    try:
        network, settings = load(asked.model)
        cases = cases_of(asked.images, settings["preprocessing"]["channels"])
        asked.out.mkdir(parents=True, exist_ok=True)
    except Exception as error:
        print(f"error: {_said(error)}", file=sys.stderr)
        return 2
    for number, (name, files) in enumerate(cases.items(), start=1):
        show = progress(f"{number}/{len(cases)} {name}")
        try:
            show(0.0)
            first, image = opened(files, settings)
            path = asked.out / f"{name}{first.suffix}"
            if path.resolve() in {file.resolve() for file in files}:
                raise Fault(f"{path}: the label would overwrite the image")
            first.write(segment(network, image, first.spacing, settings, show), path)
        except Exception as error:  # whatever one image does, it does not to the others
            failed = 2
            print(f"\nerror: {name}: {_said(error)}", end="", file=sys.stderr)
        print(file=sys.stderr)
    return failed


def _said(error: Exception) -> str:
    """In one line; of what this program did not expect, its kind too."""
    kind = "" if isinstance(error, Fault | OSError | ImportError) else f"{type(error).__name__}: "
    return kind + " ".join(str(error).split())


if __name__ == "__main__":
    sys.exit(main())
