"""Generated cases that need no files: an organ and a vessel in low contrast, 2D or 3D.

    image = bias * blur(background + contrasts of organ, vessel and distractors) + noise

The organ is a large ellipsoid warped by smooth noise, the vessel a thin curved tube from border to border that
may cross it. Small blobs as bright as the organ and short rods as bright as the vessel belong to neither, so
shape and surroundings have to be seen, not only brightness.

Every case follows from the seed, its split and its number alone (PCG64), whatever the other counts are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from evaluators.labelling import Labelling
from evaluators.tasks.faults import raise_faults
from evaluators.tasks.task import SPLITS, Case, Sample, Task
from evaluators.tasks.task_format import Request, task_format
from search_spaces.errors import InputError, unknown_name

NAMES = {"phantom": None, "phantom2d": 2, "phantom3d": 3}
CLASSES = ("organ", "vessel")
SIZES = {2: (64, 64), 3: (32, 32, 32)}
COUNTS = {2: {"train": 64, "val": 32, "test": 32}, 3: {"train": 32, "val": 12, "test": 12}}
RADII = {2: (1.0, 1.8), 3: (1.8, 2.5)}  # of the vessel, in voxels: blur dims a thin tube more in 3D
SMALLEST = 16  # voxels along an axis; the shapes below need some room


@dataclass(frozen=True)
class PhantomReader:
    """Generates the case of a split and a number, which its name ends in."""

    size: tuple[int, ...]
    difficulty: float
    seed: int

    def __call__(self, case: Case) -> Sample:
        number = int(case.name.rpartition("_")[2])
        sequence = np.random.SeedSequence([self.seed, SPLITS.index(case.split), number])
        rng = np.random.Generator(np.random.PCG64(sequence))
        image, label = draw_phantom(rng, self.size, self.difficulty)
        return Sample(image, label, (1.0,) * len(self.size))


@task_format(
    "phantom",
    looks_for="the name phantom2d or phantom3d",
    recognises=lambda path, request: str(path) in NAMES,
    precedence=0,
)
def open_phantom(
    path: Path,
    request: Request,
    *,
    size: int | Sequence[int] | None = None,
    counts: Mapping[str, int] | None = None,
    difficulty: float = 1.0,
) -> Task:
    """Open the generated task of a name in ``NAMES``.

    Args:
        path: the name; plain ``phantom`` has ``request.dims`` dimensions, 2 by default.
        request: see ``open_task``; it has its own classes and takes ``counts`` in place of split fractions.
        size: voxels along every axis, or along each.
        counts: cases of ``train``, ``val`` and ``test``; defaults for those not given.
        difficulty: scales the noise and the background texture; 0 has neither, 1 is meant for searches.
    """
    named = NAMES.get(str(path), request.dims)
    dims = named or request.dims or 2
    faults = []
    if str(path) not in NAMES:
        faults.append(f"task '{path}': unknown; expected one of {', '.join(NAMES)}")
    if request.dims not in (None, dims):
        faults.append(f"dims: {path} has {dims}, got {request.dims}")
    if request.classes is not None:
        faults.append(f"classes: {path} has its own ({', '.join(CLASSES)})")
    if request.split is not None:
        faults.append(f"split: {path} takes counts of cases, not fractions")
    if not _whole(request.seed):
        faults.append(f"seed: expected a whole number from 0, got {request.seed!r}")
    if isinstance(difficulty, bool) or not isinstance(difficulty, (int, float)) or not 0 <= difficulty <= 10:
        faults.append(f"difficulty: expected a number from 0 to 10, got {difficulty!r}")
    for part, count in (counts or {}).items():
        if part not in SPLITS:
            faults.append(unknown_name("part of counts", part, SPLITS))
        elif not _whole(count) or count == 0:
            faults.append(f"counts.{part}: expected a whole number from 1, got {count!r}")
    raise_faults(faults)
    reader = PhantomReader(_sizes(size, dims), float(difficulty), request.seed)
    numbers = {**COUNTS[dims], **(counts or {})}
    cases = tuple(Case(f"{part}_{number:03d}", part) for part in SPLITS for number in range(numbers[part]))
    return Task(f"phantom{dims}d", dims, Labelling.exclusive(CLASSES), 1, cases, reader)


def _sizes(size: int | Sequence[int] | None, dims: int) -> tuple[int, ...]:
    sizes = SIZES[dims] if size is None else (size,) * dims if isinstance(size, int) else tuple(size)
    if len(sizes) != dims or not all(_whole(length) and length >= SMALLEST for length in sizes):
        raise InputError(f"size: expected {dims} whole numbers from {SMALLEST} (or one for all axes), got {size!r}")
    return sizes


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def draw_phantom(rng: np.random.Generator, size: tuple[int, ...], difficulty: float) -> tuple[np.ndarray, np.ndarray]:
    """One image, float32 ``(1, *size)``, and its label, uint8 ``(*size)``: 1 organ, 2 vessel."""
    from scipy.ndimage import gaussian_filter

    shortest = min(size)
    grid = np.stack(np.meshgrid(*[np.arange(length, dtype=np.float64) for length in size], indexing="ij"))
    middle = np.array(size) / 2

    radii = rng.uniform(0.17, 0.3, len(size)) * shortest
    organ = _blob(rng, grid, middle + rng.uniform(-0.16, 0.16, len(size)) * size, radii, warp=0.3)
    thinnest, thickest = RADII[len(size)]
    vessel = _tube(rng, grid, *_across(rng, size), radius=rng.uniform(thinnest, thickest))

    image = 0.14 * difficulty * _smooth_noise(rng, size, shortest / 8)
    image[organ] += rng.uniform(0.6, 0.9)
    for _ in range(rng.integers(2, 5)):
        place = rng.uniform(0.1, 0.9, len(size)) * size
        image[_blob(rng, grid, place, rng.uniform(0.06, 0.11, len(size)) * shortest, warp=0.2)] += rng.uniform(0.4, 0.8)
    bright = rng.uniform(1.1, 1.5)
    for _ in range(rng.integers(1, 4)):
        start = rng.uniform(0.1, 0.9, len(size)) * size
        end = start + _direction(rng, len(size)) * rng.uniform(0.12, 0.2) * shortest
        image[_tube(rng, grid, start, end, radius=rng.uniform(thinnest, thickest))] += bright
    image[vessel] += bright

    bias = np.exp(0.2 * _smooth_noise(rng, size, shortest / 3))
    noise = 0.3 * difficulty * rng.standard_normal(size)
    image = bias * (1.5 + gaussian_filter(image, 0.7)) + gaussian_filter(noise, 0.4)
    label = np.where(vessel, 2, np.where(organ, 1, 0)).astype(np.uint8)
    # 1/1024 steps: the last bits of a filter differ between machines
    return (100 * np.round(image * 1024) / 1024).astype(np.float32)[None], label


def _smooth_noise(rng: np.random.Generator, size: tuple[int, ...], sigma: float) -> np.ndarray:
    """Noise of mean 0 and standard deviation 1 that is smooth over ``sigma`` voxels."""
    from scipy.ndimage import gaussian_filter

    noise = gaussian_filter(rng.standard_normal(size), sigma, mode="wrap", truncate=2.5)
    return (noise - noise.mean()) / noise.std()


def _direction(rng: np.random.Generator, dims: int) -> np.ndarray:
    vector = rng.standard_normal(dims)
    return vector / np.linalg.norm(vector)


def _blob(rng: np.random.Generator, grid: np.ndarray, centre: np.ndarray, radii: np.ndarray, warp: float) -> np.ndarray:
    """The inside of a rotated ellipsoid whose surface is moved by smooth noise, in parts ``warp`` of its radius."""
    size = grid.shape[1:]
    offsets = grid - centre.reshape(-1, *[1] * len(size))
    for first, second in combinations(range(len(size)), 2):
        angle = rng.uniform(0, np.pi)
        a, b = offsets[first], offsets[second]
        offsets[first], offsets[second] = np.cos(angle) * a + np.sin(angle) * b, np.cos(angle) * b - np.sin(angle) * a
    distance = np.sqrt(sum((offset / radius) ** 2 for offset, radius in zip(offsets, radii, strict=True)))
    # clipped, so that no blob is swallowed or bursts
    return distance + warp * np.clip(_smooth_noise(rng, size, float(radii.mean()) * 0.7), -1.5, 1.5) < 1


def _across(rng: np.random.Generator, size: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Two points on opposite borders, away from their corners."""
    ends = rng.uniform(0.2, 0.8, (2, len(size))) * size
    axis = int(rng.integers(len(size)))
    ends[:, axis] = (-1, size[axis])
    return ends[0], ends[1]


def _tube(rng: np.random.Generator, grid: np.ndarray, start: np.ndarray, end: np.ndarray, radius: float) -> np.ndarray:
    """The voxels within ``radius`` of a curve from ``start`` to ``end``, a parabola bent to a random side."""
    length = np.linalg.norm(end - start)
    bend = _direction(rng, len(start)) * rng.uniform(0.15, 0.4) * length
    t = np.linspace(0, 1, int(1.5 * length) + 2)[:, None]  # less than a voxel apart, bent as it is
    curve = start + t * (end - start) + 4 * t * (1 - t) * bend
    points = grid.reshape(len(start), -1)
    # |p - c|^2 = |p|^2 - 2 p.c + |c|^2, the minimum over the curve for every voxel
    nearest = ((curve**2).sum(1)[:, None] - 2 * curve @ points).min(0) + (points**2).sum(0)
    return (nearest < radius**2).reshape(grid.shape[1:])
