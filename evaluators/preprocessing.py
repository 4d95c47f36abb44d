"""From files to arrays that training and scoring read: resampled, normalised per case, cropped and padded to nothing.

The settings are plain data and travel with an exported model, so that prediction repeats them exactly.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
import torch
from torch.nn import functional

from evaluators.duplicates import check_duplicates, is_blank
from evaluators.fingerprint import CaseRecord, record
from evaluators.images.placement import UPRIGHT
from evaluators.labelling import Labelling
from evaluators.normalisation import Normalisation
from evaluators.planning.facts import Facts, look_at
from evaluators.planning.rules import EQUAL_SPACING, Decision, choose_normalisation, choose_sizes, decide
from evaluators.tasks.coverage import check_coverage
from evaluators.tasks.dimensions import cut_across
from evaluators.tasks.faults import raise_faults
from evaluators.tasks.reading import Reading
from evaluators.tasks.task import SPLITS, Sample, Task
from evaluators.voxel_sizes import UNKNOWN, is_known, resampling_fault
from search_spaces.errors import InputError
from search_spaces.layers import LINEAR_INTERPOLATION

T = TypeVar("T")

MAX_FOREGROUND_POINTS = 512


@dataclass(frozen=True)
class Preprocessing:
    """How an image becomes the network's input.

    Attributes:
        dims: 2 or 3, of the network.
        channels: channels of the image.
        labelling: the classes, and what label indices mean; the network's output ``i + 1`` is class ``i``.
        size: size every image is resized to, or None to keep each image's own.
        spacing: spacing every image is resampled to (mm), or None to keep each image's own.
        patch: spatial size of a training patch, and of the inference window.
        slice_axis: axis along which volumes are cut into slices for a 2D network; None where there are none. Size,
            spacing and patch are then those of a slice.
        reading: how image files are read.
        normalisation: how intensities are brought to one scale.
    """

    dims: int
    channels: int
    labelling: Labelling
    size: tuple[int, ...] | None
    spacing: tuple[float, ...] | None
    patch: tuple[int, ...]
    slice_axis: int | None = None
    reading: Reading = field(default_factory=Reading)
    normalisation: Normalisation = field(default_factory=Normalisation)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the foreground classes."""
        return self.labelling.classes

    @property
    def box(self) -> tuple[int, ...]:
        """The patch along every axis of an image: one voxel thick where it is a slice of a volume."""
        return self._across(self.patch, 1)

    def for_image(self, size: Sequence[int], spacing: Sequence[float], orientation: str = UPRIGHT) -> Preprocessing:
        """For an image with these axes: a volume given to a network of pictures is cut into slices."""
        if self.slice_axis is not None or len(size) != self.dims + 1:
            return self
        return replace(self, slice_axis=cut_across(spacing, orientation)[0])

    def to_dict(self) -> dict[str, Any]:
        data = {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}
        return data | {
            "labelling": self.labelling.to_dict(),
            "reading": asdict(self.reading),
            "normalisation": self.normalisation.to_dict(),
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Preprocessing:
        """From what ``to_dict`` gave, or gave before there were a labelling, a reading and a normalisation."""
        values: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in data.items()}
        classes = values.pop("classes", None)
        labelling = Labelling.exclusive(classes) if classes else Labelling.from_dict(values["labelling"])
        nan = {"nan": values.pop("nan")} if "nan" in values else {}
        reading = Reading(**values.pop("reading", nan))
        kept = values.pop("normalisation", None)
        normalisation = Normalisation.from_dict(kept) if kept else Normalisation()
        return cls(**values | {"labelling": labelling, "reading": reading, "normalisation": normalisation})

    def working_size(self, size: Sequence[int], spacing: Sequence[float]) -> tuple[int, ...]:
        """Spatial size that an image of ``size`` voxels at ``spacing`` is brought to."""
        depth = 1 if self.slice_axis is None else size[self.slice_axis]
        if self.size is not None:
            return self._across(self.size, depth)
        if self.spacing is not None:
            axes = zip(in_plane(size, self.slice_axis), in_plane(spacing, self.slice_axis), self.spacing, strict=True)
            lengths = tuple(
                length if abs(have - want) <= EQUAL_SPACING * want else max(1, round(length * have / want))
                for length, have, want in axes
            )
            return self._across(lengths, depth)
        return tuple(size)

    def resampling_fault(self, sample: Sample) -> str:
        """Why an image is out of reach of the spacing, see ``voxel_sizes``; empty where it is not."""
        if self.spacing is None:
            return ""
        working = self.working_size(sample.image.shape[1:], sample.spacing)
        return resampling_fault(sample, working, self.spacing)

    def image(self, image: np.ndarray, spacing: Sequence[float]) -> np.ndarray:
        """``(channels, *spatial)`` in file units to the network's input, float32, normalised."""
        tensor = torch.from_numpy(np.ascontiguousarray(image))[None]
        size = self.working_size(image.shape[1:], spacing)
        return self.normalisation(resize(tensor, size, self.slice_axis)[0].numpy())

    def _across(self, numbers: tuple[int, ...], depth: int) -> tuple[int, ...]:
        """A number for each axis of the network to one for each of the image."""
        if self.slice_axis is None:
            return numbers
        return (*numbers[: self.slice_axis], depth, *numbers[self.slice_axis :])


@dataclass(frozen=True)
class PreparedCase:
    """One case ready for use.

    Attributes:
        name: case name.
        image: float32 ``(channels, *working size)``.
        label: uint8 indices (see ``Labelling``) at the working size; what training sees.
        reference: uint8 indices at the original size; what scores are measured on.
        spacing: mm per voxel of the reference.
        foreground: int32 ``(points, dims)``: some voxels of each class of ``label``, for patches that show something.
    """

    name: str
    image: np.ndarray
    label: np.ndarray
    reference: np.ndarray
    spacing: tuple[float, ...]
    foreground: np.ndarray


@dataclass(frozen=True)
class PreparedTask:
    """A task in memory: plain arrays, so that workers share one copy.

    ``records``: what the cases were when they were read; ``notes``: what a user should know before the start;
    ``facts`` and ``decisions``: what the training cases look like and what the rules of ``planning`` made of it; none
    where all had been settled before.
    """

    name: str
    preprocessing: Preprocessing
    train: list[PreparedCase] = field(default_factory=list)
    val: list[PreparedCase] = field(default_factory=list)
    test: list[PreparedCase] = field(default_factory=list)
    records: tuple[CaseRecord, ...] = ()
    notes: tuple[str, ...] = ()
    facts: Facts | None = None
    decisions: tuple[Decision, ...] = ()


def prepare(
    task: Task,
    *,
    size: Sequence[int] | None = None,
    spacing: Sequence[float] | str | None = "auto",
    patch: Sequence[int] | None = None,
    normalisation: Sequence[float] | str = "auto",
    scored: Sequence[str] = ("val", "test"),
    layout: Preprocessing | None = None,
    duplicates: str = "fault",
    progress: Callable[[str, int, int], object] = lambda stage, done, total: None,
) -> PreparedTask:
    """Read and preprocess every case once.

    Args:
        task: where the cases come from.
        size: resize every image to this; None keeps sizes.
        spacing: resample to this; ``auto`` chooses size or spacing, see ``planning.rules``; None keeps sizes.
        patch: training patch; None chooses it.
        normalisation: of intensities, see ``planning.rules.choose_normalisation``.
        scored: the parts on which networks are compared; each must show some foreground.
        layout: preprocessing that is settled, as that of trained weights is; then what is above does not count.
        duplicates: ``fault``, or ``allow``: of one image in several parts, see ``check_duplicates``.
        progress: called with (``reading cases`` or ``preparing cases``, how many are, of how many).

    Raises:
        InputError: every case that cannot be read, does not fit or has no label, together; else images in several
            parts, what cannot be learnt or scored, see ``check_coverage``, or that there is no training case.
    """
    samples: list[tuple[str, str, Sample]] = []
    records: list[CaseRecord] = []
    telling: list[CaseRecord] = []  # of images that are not blank
    notes: Counter[str] = Counter()
    firsts: dict[str, str] = {}
    faults: list[str] = []
    for index, case in enumerate(task.cases):
        try:
            sample = task.read(case)
            samples.append((case.split, case.name, sample))
            records.append(record(case, sample))
            if not is_blank(sample.image):
                telling.append(records[-1])
            notes.update(sample.notes)
            firsts |= {note: case.name for note in sample.notes if note not in firsts}
            if sample.label is None:
                faults.append(f"case '{case.name}' has no label; training and scoring need one")
        except InputError as error:
            faults += error.faults
        progress("reading cases", index + 1, len(task.cases))
    raise_faults(faults)
    train = [sample for split, _, sample in samples if split == "train"]
    if not train:
        raise InputError(f"task '{task.name}': no training case; expected at least one case of the split 'train'")
    repeated = check_duplicates(telling, duplicates == "allow")
    covered = check_coverage(task, _index_counts(samples), scored)
    progress("preparing cases", 0, len(samples))
    facts: Facts | None = None
    decisions: tuple[Decision, ...] = ()
    if layout is None:
        facts = look_at(task, train)
        layout, decisions = _choose(task, facts, size, spacing, patch, normalisation)
    prepared = PreparedTask(
        task.name,
        layout,
        records=tuple(records),
        notes=(
            *task.notes,
            *(_counted(note, count, firsts[note]) for note, count in notes.items()),
            *_voxel_sizes(samples, layout),
            *repeated,
            *covered,
            *(f"{one.name}: {one.reason}" for one in decisions if one.notable),
        ),
        facts=facts,
        decisions=decisions,
    )
    for done, (split, name, sample) in enumerate(samples, start=1):
        getattr(prepared, split).append(_prepare_case(name, sample, layout))
        progress("preparing cases", done, len(samples))
    return prepared


def _voxel_sizes(samples: Sequence[tuple[str, str, Sample]], layout: Preprocessing) -> list[str]:
    """A note where some files do not say how large their voxels are; raises ``InputError`` for sizes out of reach."""
    if layout.spacing is None:
        return []
    faults = {name: layout.resampling_fault(sample) for _, name, sample in samples}
    files = {name: sample.source.path if sample.source else f"case '{name}'" for _, name, sample in samples}
    raise_faults([f"{files[name]}: {fault}" for name, fault in faults.items() if fault])
    unknown = [name for _, name, sample in samples if not is_known(sample)]
    return [_counted(UNKNOWN, len(unknown), unknown[0])] if 0 < len(unknown) < len(samples) else []


def _choose(
    task: Task,
    facts: Facts,
    size: Sequence[int] | None,
    spacing: Sequence[float] | str | None,
    patch: Sequence[int] | None,
    normalisation: Sequence[float] | str,
) -> tuple[Preprocessing, tuple[Decision, ...]]:
    """The preprocessing of a task, and what was decided, of it and of the training."""
    sizes, of_sizes = choose_sizes(
        facts,
        size=_tuple(size, task.dims, "size"),
        spacing=_given_spacing(spacing, task.dims),
        patch=_tuple(patch, task.dims, "patch"),
    )
    values, of_values = choose_normalisation(facts, normalisation)
    layout = Preprocessing(
        task.dims,
        task.channels,
        task.labelling,
        sizes.size,
        sizes.spacing,
        sizes.patch,
        task.slice_axis,
        task.reading,
        values,
    )
    return layout, (*of_sizes, of_values, *decide(facts, sizes.patch))


def _index_counts(samples: Sequence[tuple[str, str, Sample]]) -> dict[str, list[np.ndarray]]:
    counts: dict[str, list[np.ndarray]] = {split: [] for split in SPLITS}
    for split, _, sample in samples:
        if sample.label is not None:
            counts[split].append(np.bincount(sample.label.ravel(), minlength=256))
    return counts


def _counted(note: str, count: int, first: str) -> str:
    return f"{first}: {note}" if count == 1 else f"{count} cases, {first} among them: {note}"


def in_plane(values: Sequence[T], slice_axis: int | None) -> tuple[T, ...]:
    """A value for each axis of an image to those for the axes that the network sees."""
    return tuple(value for axis, value in enumerate(values) if axis != slice_axis)


def resize(images: torch.Tensor, size: Sequence[int], slice_axis: int | None = None) -> torch.Tensor:
    """``(batch, channels, *spatial)`` to another spatial size, linearly; averaged first where it shrinks.

    With ``slice_axis`` each slice across that axis is resized for itself, as a picture.
    """
    if tuple(images.shape[2:]) == tuple(size):
        return images
    if slice_axis is not None:
        slices = images.movedim(slice_axis + 2, 0)
        resized = resize(slices.flatten(0, 1), in_plane(size, slice_axis))
        return resized.unflatten(0, slices.shape[:2]).movedim(0, slice_axis + 2).contiguous()
    dims = images.dim() - 2
    if dims == 2 and size[0] > size[1] == 1:  # torch 2.13 then has the first row in place of all others
        return resize(images.transpose(2, 3), (1, size[0])).transpose(2, 3)
    if dims == 2:
        return functional.interpolate(images, size=tuple(size), mode="bilinear", antialias=True)
    shrinks = any(have > want for have, want in zip(images.shape[2:], size, strict=True))
    if shrinks:
        depth, height, width = (min(have, want) for have, want in zip(images.shape[2:], size, strict=True))
        images = functional.adaptive_avg_pool3d(images, (depth, height, width))
    return functional.interpolate(images, size=tuple(size), mode=LINEAR_INTERPOLATION[dims], align_corners=False)


def _prepare_case(name: str, sample: Sample, layout: Preprocessing) -> PreparedCase:
    reference = sample.label
    assert reference is not None
    image = layout.image(sample.image, sample.spacing)
    label = resize_labels(reference, image.shape[1:], layout.slice_axis)
    points = _foreground(label, layout.labelling)
    return PreparedCase(name, image, label, reference, sample.spacing, points)


def _foreground(label: np.ndarray, labelling: Labelling) -> np.ndarray:
    """Some voxels of each index, evenly spread over it; as many of each, so that small classes are not missed."""
    indices = range(1, len(labelling.values))
    share = max(1, MAX_FOREGROUND_POINTS // len(indices))
    chosen = []
    for index in indices:
        points = np.argwhere(label == index).astype(np.int32)
        chosen.append(points[np.linspace(0, len(points) - 1, min(len(points), share)).astype(int)])
    return np.concatenate(chosen)


def resize_labels(label: np.ndarray, size: Sequence[int], slice_axis: int | None = None) -> np.ndarray:
    """Indices at another size: background where it is more than half of a new voxel, else the index with most of it.

    Half is enough for foreground, so that a line as wide as a new voxel survives wherever it lies. One index at a time,
    so that many classes need no more memory than one.
    """
    if label.shape == tuple(size):
        return label

    def share(index: int) -> torch.Tensor:
        return resize(torch.from_numpy(label == index)[None, None].float(), size, slice_axis)[0, 0]

    largest = torch.zeros(tuple(size))
    found = torch.zeros(tuple(size), dtype=torch.uint8)
    for index in np.unique(label[label > 0]).tolist():
        part = share(index)
        more = part > largest
        largest[more], found[more] = part[more], index
    background = share(0) > 0.5 + 1e-5  # sums of interpolation weights miss a half by a little
    return torch.where(background, torch.zeros_like(found), found).numpy()


def _given_spacing(given: Sequence[float] | str | None, dims: int) -> tuple[float, ...] | str | None:
    if given is None or given == "auto":
        return given
    if isinstance(given, str) or len(given) != dims:
        raise InputError(f"task: spacing is 'auto' or {dims} numbers (mm) for a {dims}D task, got {given!r}")
    return tuple(float(value) for value in given)


def _tuple(values: Sequence[int] | None, dims: int, name: str) -> tuple[int, ...] | None:
    if values is None:
        return None
    if len(values) != dims:
        raise InputError(f"task: {name} has {len(values)} numbers, expected {dims} for a {dims}D task")
    return tuple(int(value) for value in values)
