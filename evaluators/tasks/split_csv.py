"""A table of cases: ``split.csv`` with the columns ``image,label,split`` and, where it matters, ``group``.

Paths are relative to the folder of the table; ``split`` is ``train``, ``val`` or ``test``. A part without
rows is made from the training rows. ``image`` may hold several files, one for each channel, as in
``a_t1.nii.gz;a_t2.nii.gz``, or a folder of DICOM files; ``a.npz:ct`` is the array ``ct`` of an .npz file, for a whole
column.
"""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from pathlib import Path

from evaluators.files import file_called
from evaluators.tasks.case_names import unique_names
from evaluators.tasks.faults import raise_faults
from evaluators.tasks.file_task import file_task
from evaluators.tasks.request import ROLES
from evaluators.tasks.split import are_strata
from evaluators.tasks.task import SPLITS, Case, Task
from evaluators.tasks.task_format import Request, task_format
from search_spaces.errors import InputError, unknown_name

TABLE = "split.csv"
COLUMNS = ("image", "label", "split")

_ARRAY = re.compile(r"\.npz:([^;:/\\]+)$", re.IGNORECASE)
Rows = list[tuple[int, dict[str, str]]]  # line number and cells


def _table(path: Path) -> Path:
    return file_called(path, TABLE) if path.is_dir() else path


def _recognises(path: Path, request: Request) -> bool:
    table = _table(path)
    return table.suffix.lower() == ".csv" and table.is_file()


@task_format("split_csv", looks_for="split.csv, or another .csv file", recognises=_recognises, precedence=1)
def open_split_csv(path: Path, request: Request) -> Task:
    """Open the table ``path``, or ``split.csv`` in the folder ``path``.

    A column ``group`` names what must not cross a split, unless ``request.groups`` is false. One that names kinds of
    cases (benign and malignant, say), each in every part of a whole split, is not looked at, with a note.
    """
    table = _table(path)
    rows = _read_rows(table)
    _check_rows(rows, table)
    arrays = {role: _take_array(rows, role, table) for role in ROLES}
    cases = _cases(rows, table)
    notes = []
    if request.groups and request.group_pattern is None and are_strata(cases):
        first = next(case.group for case in cases if case.group)
        notes.append(
            f"column 'group' of {table}: every group, such as '{first}', is in every part; they are taken as kinds of "
            "cases, and not as subjects, which must not cross a split"
        )
        cases = [replace(case, group="") for case in cases]
    hint = f" (column 'group' of {table}; where it is no patient but, say, a stratum, set groups: false)"
    named = {role: array for role, array in arrays.items() if array}
    request = replace(request, arrays={**(request.arrays or {}), **named}) if named else request
    return file_task(table.parent, cases, request, group_hint=hint, notes=notes)


def _check_rows(rows: Rows, table: Path) -> None:
    faults: list[str] = []
    lines: dict[Path, int] = {}
    for number, row in rows:
        faults += [f"{table}: line {number} has no {column}" for column in COLUMNS if not row[column].strip("; ")]
        if row["split"] and row["split"] not in SPLITS:
            faults.append(f"{table}: line {number}: {unknown_name('split', row['split'], SPLITS)}")
        image = Path(row["image"])
        if row["image"] and lines.setdefault(image, number) != number:
            faults.append(f"{table}: line {number} repeats the image of line {lines[image]}: {image}")
    raise_faults(faults)


def _take_array(rows: Rows, role: str, table: Path) -> str:
    """Take the name of the array out of the cells of a column; empty where they name none."""
    names = {match[1] if (match := _ARRAY.search(row[role])) else "" for _, row in rows}
    if len(names) > 1:
        listed = ", ".join(sorted(names - {""}))
        raise InputError(f"{table}: column {role}: expected one array for all rows, as in 'a.npz:ct'; got {listed}")
    for _, row in rows:
        row[role] = _ARRAY.sub(".npz", row[role])
    return names.pop() if names else ""


def _cases(rows: Rows, table: Path) -> list[Case]:
    images = [[table.parent / name.strip() for name in row["image"].split(";") if name.strip()] for _, row in rows]
    return [
        Case(name, row["split"], tuple(files), table.parent / row["label"], row.get("group", ""))
        for name, files, (_, row) in zip(unique_names(images, table.parent), images, rows, strict=True)
    ]


def _read_rows(table: Path) -> Rows:
    """Line number and cells of every row, stripped of blanks."""
    try:
        with table.open(newline="", encoding="utf-8-sig") as lines:
            reader = csv.reader(lines, skipinitialspace=True)
            header = [name.strip() for name in next(reader, [])]
            cells = [(reader.line_num, [cell.strip() for cell in row]) for row in reader if any(map(str.strip, row))]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{table}: cannot be read as a table ({error})") from error
    missing = [column for column in COLUMNS if column not in header]
    if missing:
        raise InputError(
            f"{table}: missing column {', '.join(missing)}; expected image,label,split and perhaps group, "
            f"got {','.join(header)}"
        )
    raise_faults(
        [
            f"{table}: line {number}: expected {len(header)} cells, got {len(row)}"
            for number, row in cells
            if len(row) != len(header)
        ]
    )
    return [(number, dict(zip(header, row, strict=True))) for number, row in cells]
