"""What cases are called: short names that tell their files apart."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from os.path import commonprefix
from pathlib import Path

from evaluators.images import file_stem
from evaluators.tasks.task import Case

SEPARATORS = "_-. "


def unique_names(cases: Sequence[Sequence[Path]], root: Path) -> list[str]:
    """A short name for the files of each case: the stem where all stems differ, else the path below ``root``.

    Of several files, what their stems begin with: ``p1`` of ``p1_t1.nii.gz`` and ``p1_flair.nii.gz``.
    """
    for names in (
        [_stem(files) for files in cases],
        [below(files[0].parent / _stem(files), root) for files in cases],
        [below(files[0].parent / bare_name(files[0]), root) for files in cases],
    ):
        if len(set(names)) == len(names):
            return names
    return [below(files[0], root) for files in cases]


def repeated(files: Sequence[Path]) -> list[Path]:
    """The files that are listed more than once."""
    return [file for file, count in Counter(files).items() if count > 1]


def shared_images(cases: Sequence[Case]) -> list[str]:
    """A line for each image that a case shares with one before, by whatever path or link it is reached."""
    met: dict[Path, tuple[Path, Case]] = {}
    faults = []
    for case in cases:
        for file in dict.fromkeys(case.images):
            other, owner = met.setdefault(file.resolve(), (file, case))
            if owner is not case:
                faults.append(
                    f"{file} ({case.split}) and {other} ({owner.split}) are one image; expected it in one case"
                )
    return faults


def shared_labels(cases: Sequence[Case]) -> list[str]:
    """A note where cases of no group have one label file: a slip, or one subject taken in several ways."""
    owners: dict[Path, list[Case]] = defaultdict(list)
    for case in cases:
        if case.label is not None:
            owners[case.label.resolve()].append(case)
    shared = [found for found in owners.values() if len({case.group or case.name for case in found}) > 1]
    if not shared:
        return []
    first, second = sorted(case.name for case in shared[0])[:2]
    more = f", and {len(shared) - 1} more labels are those of several" if shared[1:] else ""
    return [
        f"cases {first} and {second} have the same label file, {shared[0][0].label}{more}: where they show one "
        "subject, a column 'group' or group_pattern keeps them in one part"
    ]


def below(file: Path, root: Path) -> str:
    """The path of ``file`` from ``root``."""
    return file.relative_to(root).as_posix() if file.is_relative_to(root) else file.as_posix()


def bare_name(file: Path) -> str:
    """The name of a file without its suffix, or of a folder."""
    return file.name if file.is_dir() else file_stem(file)


def _stem(files: Sequence[Path]) -> str:
    """What the stems of ``files`` begin with, in whole words."""
    stems = [bare_name(file) for file in files]
    shared = commonprefix(stems)  # noqa: RUF071 - of characters, these are no paths
    if not all(stem[len(shared) :][:1] in ("", *SEPARATORS) for stem in stems):
        shared = shared[: 1 + max(shared.rfind(separator) for separator in SEPARATORS)]
    return shared.rstrip(SEPARATORS) or stems[0]
