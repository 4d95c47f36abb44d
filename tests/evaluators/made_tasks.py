"""Small tasks made in memory: a bright disc or ball in noise, no files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from evaluators.labelling import Labelling
from evaluators.preprocessing import PreparedCase
from evaluators.tasks import Case, Sample, Task
from search_spaces.errors import InputError

Size = tuple[int, ...]


def make_sample(image: np.ndarray, label: np.ndarray | None, spacing: Sequence[float] | None = None) -> Sample:
    return Sample(image.astype(np.float32), label, tuple(spacing or (1.0,) * (image.ndim - 1)))


def make_task(
    splits: Mapping[str, Sequence[Sample | InputError]], dims: int = 2, classes: Sequence[str] = ("disc",)
) -> Task:
    """A task whose cases ``train0``, ``train1``, ... are read from memory; an error is raised when it is read."""
    stored = {f"{split}{index}": sample for split, samples in splits.items() for index, sample in enumerate(samples)}
    cases = tuple(Case(f"{split}{i}", split) for split, samples in splits.items() for i in range(len(samples)))
    channels = next((s.image.shape[0] for s in stored.values() if isinstance(s, Sample)), 1)

    def read(case: Case) -> Sample:
        sample = stored[case.name]
        if isinstance(sample, InputError):
            raise sample
        return sample

    return Task("made", dims, Labelling.exclusive(classes), channels, cases, read)


def disc_sample(rng: np.random.Generator, size: Size, noise: float = 0.5) -> Sample:
    """A disc or ball somewhere; an axis of one voxel does not count for its shape."""
    grid = np.meshgrid(*[np.arange(length) for length in size], indexing="ij")
    radius = 0.22 * max(size)
    centre = [rng.uniform(0.3, 0.7) * length for length in size]
    axes = [axis for axis, length in enumerate(size) if length > 1]
    label = (sum((grid[axis] - centre[axis]) ** 2 for axis in axes) < radius**2).astype(np.uint8)
    return make_sample(100 + 50 * (2 * label + rng.normal(0, noise, size))[None], label)


def disc_task(sizes: Sequence[Size], train: int = 6, val: int = 3, test: int = 2, seed: int = 0) -> Task:
    """Discs in images of the given sizes, taken in turn."""
    rng = np.random.default_rng(seed)
    counts = {"train": train, "val": val, "test": test}
    splits = {
        split: [disc_sample(rng, sizes[index % len(sizes)]) for index in range(count)]
        for split, count in counts.items()
    }
    return make_task(splits, dims=len(sizes[0]))


def prepared_case(name: str, image: np.ndarray, label: np.ndarray) -> PreparedCase:
    """A case as preparation gives it, without its normalisation; read-only, as what workers share."""
    points = np.argwhere(label > 0).astype(np.int32)
    case = PreparedCase(name, image.astype(np.float32), label, label, (1.0,) * label.ndim, points)
    return read_only(case)


def read_only(case: PreparedCase) -> PreparedCase:
    for array in (case.image, case.label, case.reference, case.foreground):
        array.flags.writeable = False
    return case
