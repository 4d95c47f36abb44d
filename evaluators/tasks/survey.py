"""What the label files hold, read once when a task is opened: stored values, sizes, how they lie."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from evaluators.images import read
from evaluators.tasks.faults import raise_faults
from evaluators.tasks.value_counts import ValueCounts
from search_spaces.errors import InputError

THREADS = 2  # reading waits for the disk and unpacks; more threads than that gain little

Progress = Callable[[int, int], None]  # (done, in all)


@dataclass(frozen=True, eq=False)
class LabelRecord:
    """One label file.

    Attributes:
        values: its stored values.
        size: of its spatial axes, turned as the images are; of the image where it is a single slice that may be a part.
        spacing: along them, mm; 1 where the file does not know it.
        ordered: whether its format tells x from z, as that of arrays alone does not.
        names: of the segments that the file names, by value.
    """

    values: ValueCounts
    size: tuple[int, ...]
    spacing: tuple[float, ...]
    ordered: bool
    names: Mapping[int, str]

    @property
    def volume(self) -> bool:
        """Whether it is longer than one voxel along each of three axes."""
        return len(self.size) == 3 and 1 not in self.size


def survey(
    files: Mapping[Path, Path], arrays: tuple[str, str], orientation: str | None, progress: Progress
) -> dict[Path, LabelRecord]:
    """Read every label once.

    Args:
        files: labels, each with its image.
        arrays: names of the image's and the label's array in an .npz file.
        orientation: to which images are turned; None: each to that of its kind.
        progress: called after each file.

    Raises:
        InputError: all files that cannot be read, together.
    """
    records: dict[Path, LabelRecord] = {}
    faults: list[str] = []
    with ThreadPoolExecutor(THREADS) as pool:
        looked = pool.map(lambda file: _look(file, files[file], arrays, orientation), files)
        for done, (file, found) in enumerate(zip(files, looked, strict=True), 1):
            if isinstance(found, InputError):
                faults += found.faults
            else:
                records[file] = found
            progress(done, len(files))
    raise_faults(faults)
    return records


def _look(file: Path, image: Path, arrays: tuple[str, str], orientation: str | None) -> LabelRecord | InputError:
    try:
        stored = read(file, "label", arrays[1])
        part = stored.partial and (len(stored.size) < 3 or 1 in stored.size)
        grid = read(image, "image", arrays[0]) if part else stored
    except InputError as fault:
        return fault
    if len(stored.array) > 1 and (stored.array != stored.array[:1]).any():
        return InputError(f"{file}: expected a label with one value per voxel, got {len(stored.array)} channels")
    placement = grid.placed(orientation)
    return LabelRecord(
        ValueCounts.of(stored.array[0]),
        tuple(map(int, placement.of_axes(grid.size))),
        placement.of_axes(grid.spacing),
        ordered=stored.x_first is not None,
        names=stored.names,
    )
