"""A task whose cases lie in files: what every file format does after it has listed its cases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from evaluators.images import file_stem, read
from evaluators.labelling import Labelling
from evaluators.tasks.case_reader import CaseReader, count_channels
from evaluators.tasks.faults import raise_faults
from evaluators.tasks.inferred_classes import infer_classes
from evaluators.tasks.labels import ClassRules, parse_classes
from evaluators.tasks.split import check_fractions, check_groups, complete_split
from evaluators.tasks.task import SPLITS, Case, Task
from evaluators.tasks.task_format import Request
from search_spaces.errors import InputError


def file_task(
    name: str,
    cases: Sequence[Case],
    request: Request,
    *,
    classes: ClassRules | None = None,
    channels: int | None = None,
    group_hint: str = "",
) -> Task:
    """Check the listed cases, complete their split and find out what nobody has said.

    Args:
        name: of the task.
        cases: with the split where the data set gives one, else all ``train``.
        request: what the user asked for; its ``classes`` win over those of the data set.
        classes: the data set's own classes; without any, they are inferred from the training labels.
        channels: the data set's own channel count, checked against the first training case.
        group_hint: ends the message about a group that crosses the split.

    Raises:
        InputError: missing files and crossing groups, all together, and whatever cannot be found out.
    """
    if not cases:
        raise InputError(f"task '{name}': no cases found")
    files = [file for case in cases for file in (*case.images, case.label) if file is not None]
    raise_faults([f"{file}: no such file" for file in dict.fromkeys(files) if not file.exists()])
    check_groups(cases, group_hint)
    cases = complete_split(cases, check_fractions(request.split), request.seed)
    cases = sorted(cases, key=lambda case: (SPLITS.index(case.split), case.name))
    training = [case for case in cases if case.split == "train"]
    first = training[0]
    assert first.label is not None
    dims = request.dims or _dims(read(first.label, "label").size)
    found = count_channels(first.images, dims)
    if channels is not None and channels != found:
        raise InputError(
            f"task '{name}': {channels} channels are announced, but {first.images[0]} and its like hold {found}"
        )
    rules = classes if request.classes is None else request.classes
    if rules is None:
        rules = infer_classes((case.label, read(case.label, "label").array) for case in training if case.label)
    labels = parse_classes(rules)
    labelling = Labelling.exclusive(labels.classes)
    return Task(name, dims, labelling, found, tuple(cases), CaseReader(dims, found, labels))


def unique_names(files: Sequence[Path], root: Path) -> list[str]:
    """A short name per file: the stem where all stems differ, else the path below ``root``."""
    for names in (
        [file_stem(file) for file in files],
        [_below(file.with_name(file_stem(file)), root) for file in files],
    ):
        if len(set(names)) == len(names):
            return names
    return [_below(file, root) for file in files]


def repeated(files: Sequence[Path]) -> list[Path]:
    """The files that are listed more than once."""
    return [file for file, count in Counter(files).items() if count > 1]


def _dims(size: Sequence[int]) -> int:
    return 3 if len(size) == 3 and 1 not in size else 2


def _below(file: Path, root: Path) -> str:
    return file.relative_to(root).as_posix() if file.is_relative_to(root) else file.as_posix()
