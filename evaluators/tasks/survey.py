"""What the label files hold, read once when a task is opened: stored values, sizes, how they lie."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
        size: of its spatial axes, turned as the tool turns them.
        spacing: along them, mm; 1 where the file does not know it.
        lies: whether the file says how it lies in space.
        stacked: whether its first axis counts pages.
        partial: whether it may be a part of what its image covers.
        names: of the segments that the file names, by value.
    """

    values: ValueCounts
    size: tuple[int, ...]
    spacing: tuple[float, ...]
    lies: bool
    stacked: bool
    partial: bool
    names: Mapping[int, str]

    @property
    def volume(self) -> bool:
        """Whether it is longer than one voxel along each of three axes."""
        return len(self.size) == 3 and 1 not in self.size


def survey(files: Sequence[Path], array: str, progress: Progress) -> dict[Path, LabelRecord]:
    """Read every label once.

    Args:
        files: labels.
        array: name of the array in an .npz file.
        progress: called after each file.

    Raises:
        InputError: all files that cannot be read, together.
    """
    records: dict[Path, LabelRecord] = {}
    faults: list[str] = []
    with ThreadPoolExecutor(THREADS) as pool:
        for done, (file, found) in enumerate(zip(files, pool.map(lambda f: _look(f, array), files), strict=True), 1):
            if isinstance(found, InputError):
                faults += found.faults
            else:
                records[file] = found
            progress(done, len(files))
    raise_faults(faults)
    return records


def _look(file: Path, array: str) -> LabelRecord | InputError:
    try:
        stored = read(file, "label", array)
    except InputError as fault:
        return fault
    if (stored.array != stored.array[:1]).any():
        return InputError(f"{file}: expected a label with one value per voxel, got {len(stored.array)} channels")
    return LabelRecord(
        ValueCounts.of(stored.array[0]),
        tuple(map(int, stored.placement.of_axes(stored.size))),
        stored.placement.of_axes(stored.spacing),
        lies=stored.affine is not None,
        stacked=stored.x_first is False,
        partial=stored.partial,
        names=stored.names,
    )
