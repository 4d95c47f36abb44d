"""From files to arrays that training and scoring read: resampled, normalised per case, cropped and padded to nothing.

The settings are plain data and travel with an exported model, so that prediction repeats them exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from evaluators.tasks.faults import raise_faults
from evaluators.tasks.task import Sample, Task, check_classes_present
from search_spaces.errors import InputError
from search_spaces.layers import LINEAR_INTERPOLATION

MAX_FOREGROUND_POINTS = 512
ANISOTROPY = 0.05  # spacings that differ by less than this share are taken as equal


@dataclass(frozen=True)
class Preprocessing:
    """How an image becomes the network's input.

    Attributes:
        dims: 2 or 3.
        channels: channels of the image.
        classes: foreground class names; the network's output ``i + 1`` is class ``i``.
        size: size every image is resized to, or None to keep each image's own.
        spacing: spacing every image is resampled to (mm), or None to keep each image's own.
        patch: spatial size of a training patch, and of the inference window.
    """

    dims: int
    channels: int
    classes: tuple[str, ...]
    size: tuple[int, ...] | None
    spacing: tuple[float, ...] | None
    patch: tuple[int, ...]

    def to_dict(self) -> dict[str, Any]:
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Preprocessing:
        values: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in data.items()}
        return cls(**values)

    def working_size(self, size: Sequence[int], spacing: Sequence[float]) -> tuple[int, ...]:
        """Spatial size that an image of ``size`` voxels at ``spacing`` is brought to."""
        if self.size is not None:
            return self.size
        if self.spacing is not None:
            return tuple(
                max(1, round(length * have / want))
                for length, have, want in zip(size, spacing, self.spacing, strict=True)
            )
        return tuple(size)

    def image(self, image: np.ndarray, spacing: Sequence[float]) -> np.ndarray:
        """``(channels, *spatial)`` in file units to the network's input, float32, zero mean and unit deviation."""
        from monai.transforms import NormalizeIntensity  # heavy to import; workers that only train need it later

        tensor = resize(torch.from_numpy(image)[None], self.working_size(image.shape[1:], spacing))[0]
        normalised = NormalizeIntensity(channel_wise=True)(tensor)
        return np.ascontiguousarray(torch.as_tensor(normalised).numpy(), dtype=np.float32)


@dataclass(frozen=True)
class PreparedCase:
    """One case ready for use.

    Attributes:
        name: case name.
        image: float32 ``(channels, *working size)``.
        label: uint8 class indices at the working size; what training sees.
        reference: uint8 class indices at the original size; what scores are measured on.
        spacing: mm per voxel of the reference.
        foreground: int32 ``(points, dims)``: some foreground voxels of ``label``, for patches that show something.
    """

    name: str
    image: np.ndarray
    label: np.ndarray
    reference: np.ndarray
    spacing: tuple[float, ...]
    foreground: np.ndarray


@dataclass(frozen=True)
class PreparedTask:
    """A task in memory: plain arrays, so that workers share one copy."""

    name: str
    preprocessing: Preprocessing
    train: list[PreparedCase] = field(default_factory=list)
    val: list[PreparedCase] = field(default_factory=list)
    test: list[PreparedCase] = field(default_factory=list)


def prepare(
    task: Task,
    *,
    size: Sequence[int] | None = None,
    spacing: Sequence[float] | str | None = "auto",
    patch: Sequence[int] | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> PreparedTask:
    """Read and preprocess every case once.

    Args:
        task: where the cases come from.
        size: resize every image to this; None keeps sizes.
        spacing: resample to this; ``auto``: the median of the training cases where they differ, else none.
        patch: training patch; None takes the size of the largest image, at most 128 (2D) or 48 (3D) an axis.
        progress: called with (cases done, cases in all).

    Raises:
        InputErrors: every case that cannot be read or does not fit, and every class no training case shows.
    """
    samples: list[tuple[str, str, Sample]] = []
    faults: list[str] = []
    for index, case in enumerate(task.cases):
        try:
            samples.append((case.split, case.name, task.read(case)))
        except InputError as error:
            faults += error.faults
        progress(index + 1, len(task.cases))
    raise_faults(faults)
    train = [sample for split, _, sample in samples if split == "train"]
    _check_classes(task, train)
    target = _spacing(spacing, size, train)
    layout = Preprocessing(task.dims, task.channels, task.classes, _tuple(size, task.dims, "size"), target, ())
    sizes = [layout.working_size(sample.image.shape[1:], sample.spacing) for sample in train]
    patch_size = _tuple(patch, task.dims, "patch") or _default_patch(sizes, task.dims)
    layout = Preprocessing(task.dims, task.channels, task.classes, layout.size, target, patch_size)
    prepared = PreparedTask(task.name, layout)
    for split, name, sample in samples:
        getattr(prepared, split).append(_prepare_case(name, sample, layout))
    return prepared


def resize(images: torch.Tensor, size: Sequence[int]) -> torch.Tensor:
    """``(batch, channels, *spatial)`` to another spatial size, linearly; averaged first where it shrinks."""
    if tuple(images.shape[2:]) == tuple(size):
        return images
    dims = images.dim() - 2
    if dims == 2:
        return functional.interpolate(images, size=tuple(size), mode="bilinear", antialias=True)
    shrinks = any(have > want for have, want in zip(images.shape[2:], size, strict=True))
    if shrinks:
        depth, height, width = (min(have, want) for have, want in zip(images.shape[2:], size, strict=True))
        images = functional.adaptive_avg_pool3d(images, (depth, height, width))
    return functional.interpolate(images, size=tuple(size), mode=LINEAR_INTERPOLATION[dims], align_corners=False)


def _prepare_case(name: str, sample: Sample, layout: Preprocessing) -> PreparedCase:
    reference = sample.label
    if reference is None:
        raise InputError(f"case '{name}' has no label; training and scoring need one")
    image = layout.image(sample.image, sample.spacing)
    label = resize_labels(reference, image.shape[1:], 1 + len(layout.classes))
    points = np.argwhere(label > 0).astype(np.int32)
    if len(points) > MAX_FOREGROUND_POINTS:
        points = points[np.linspace(0, len(points) - 1, MAX_FOREGROUND_POINTS).astype(int)]
    return PreparedCase(name, image, label, reference, sample.spacing, points)


def resize_labels(label: np.ndarray, size: Sequence[int], classes: int) -> np.ndarray:
    """Class indices at another size: the class that covers most of each new voxel, so that thin parts survive."""
    if label.shape == tuple(size):
        return label
    planes = functional.one_hot(torch.from_numpy(label.astype(np.int64)), classes).movedim(-1, 0)[None].float()
    return resize(planes, size)[0].argmax(0).numpy().astype(np.uint8)


def _check_classes(task: Task, train: Sequence[Sample]) -> None:
    counts = np.zeros(1 + len(task.classes), dtype=np.int64)
    for sample in train:
        if sample.label is not None:
            counts += np.bincount(sample.label.ravel(), minlength=len(counts))
    check_classes_present(task, [int(count) for count in counts])


def _spacing(
    given: Sequence[float] | str | None, size: Sequence[int] | None, train: Sequence[Sample]
) -> tuple[float, ...] | None:
    if given is None or (given == "auto" and size is not None):
        return None
    if given != "auto":
        return tuple(float(value) for value in given)
    spacings = np.array([sample.spacing for sample in train])
    median = np.median(spacings, axis=0)
    differ = np.abs(spacings - median).max() > ANISOTROPY * median.min()
    return tuple(float(value) for value in median) if differ else None


def _default_patch(sizes: Sequence[tuple[int, ...]], dims: int) -> tuple[int, ...]:
    limit = {2: 128, 3: 48}[dims]
    return tuple(min(limit, -(-max(lengths) // 8) * 8) for lengths in zip(*sizes, strict=True))


def _tuple(values: Sequence[int] | None, dims: int, name: str) -> tuple[int, ...] | None:
    if values is None:
        return None
    if len(values) != dims:
        raise InputError(f"task: {name} has {len(values)} numbers, expected {dims} for a {dims}D task")
    return tuple(int(value) for value in values)
