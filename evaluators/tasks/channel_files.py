"""Files that hold one channel of a case each, named as nnU-Net names them: ``CASE_0000.ext``, ``CASE_0001.ext``."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from evaluators.images import file_stem
from evaluators.tasks.faults import raise_faults

_NUMBERED = re.compile(r"(.+)_(\d{4})")


def numbered(files: Iterable[Path]) -> dict[str, dict[int, Path]]:
    """Files whose name ends in four digits, by what comes before and by that number; others are left out."""
    found: dict[str, dict[int, Path]] = defaultdict(dict)
    for file in files:
        if match := _NUMBERED.fullmatch(file_stem(file)):
            found[match[1]].setdefault(int(match[2]), file)
    return dict(found)


def channels_of_cases(
    files: Sequence[Path], channels: int, channels_in: Callable[[Path], int]
) -> dict[str, tuple[Path, ...]]:
    """Case name to its files, in the order of ``files``.

    Numbered files are the channels of one case only where they are exactly 0000 to ``channels`` - 1 and hold one
    channel each; ``frame_0001.png``, ``frame_0002.png``, ... and colour pictures are cases of their own, named after
    their file. Where every file is a ``CASE_0000``, they are the only files of their cases.

    Args:
        files: images.
        channels: that a case has.
        channels_in: how many a file has; asked of the first file of what may be a case.

    Raises:
        InputError: two cases of one name.
    """
    joined = {
        name: tuple(parts[number] for number in range(channels))
        for name, parts in (numbered(files) if channels > 1 else {}).items()
        if sorted(parts) == list(range(channels)) and channels_in(parts[0]) == 1
    }
    if all(match and int(match[2]) == 0 for match in (_NUMBERED.fullmatch(file_stem(file)) for file in files)):
        joined = {name: (parts[0],) for name, parts in numbered(files).items()}
    cases: dict[str, tuple[Path, ...]] = {}
    faults = []
    for file in files:
        match = _NUMBERED.fullmatch(file_stem(file))
        name = match[1] if match and match[1] in joined else file_stem(file)
        of_case = joined[name] if file in joined.get(name, ()) else (file,)
        if cases.setdefault(name, of_case) != of_case:
            faults.append(f"two images are called '{name}': {cases[name][0]} and {file}; their results would collide")
    raise_faults(faults)
    return cases
