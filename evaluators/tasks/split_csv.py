"""A table of cases: ``split.csv`` with the columns ``image,label,split`` and, where it matters, ``group``.

Paths are relative to the folder of the table; ``split`` is ``train``, ``val`` or ``test``. A part without
rows is made from the training rows.
"""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

from evaluators.tasks.faults import raise_faults
from evaluators.tasks.file_task import file_task, unique_names
from evaluators.tasks.split import are_strata
from evaluators.tasks.task import SPLITS, Case, Task
from evaluators.tasks.task_format import Request, task_format
from search_spaces.errors import InputError, unknown_name

TABLE = "split.csv"
COLUMNS = ("image", "label", "split")


def _table(path: Path) -> Path:
    return path / TABLE if path.is_dir() else path


def _recognises(path: Path) -> bool:
    table = _table(path)
    return table.suffix.lower() == ".csv" and table.is_file()


@task_format("split_csv", looks_for="split.csv, or another .csv file", recognises=_recognises, precedence=1)
def open_split_csv(path: Path, request: Request, *, groups: bool = True) -> Task:
    """Open the table ``path``, or ``split.csv`` in the folder ``path``.

    Args:
        path: the table or its folder.
        request: see ``open_task``.
        groups: whether the column ``group`` names what must not cross a split; ``False`` where it says
            something else. A column whose every group is in every part is taken as a stratum (benign and
            malignant, say) without asking: no split by patient looks like that.
    """
    table = _table(path)
    cases = _read_cases(table, groups)
    if are_strata(cases):
        cases = [replace(case, group="") for case in cases]
    hint = f" (column 'group' of {table}; where it is no patient but, say, a stratum, set groups: false)"
    return file_task(table.resolve().parent.name, cases, request, group_hint=hint)


def _read_cases(table: Path, groups: bool) -> list[Case]:
    rows = _read_rows(table)
    faults: list[str] = []
    lines: dict[Path, int] = {}
    for number, row in rows:
        faults += [f"{table}: line {number} has no {column}" for column in COLUMNS if not row[column]]
        if row["split"] and row["split"] not in SPLITS:
            faults.append(f"{table}: line {number}: {unknown_name('split', row['split'], SPLITS)}")
        image = table.parent / row["image"]
        if row["image"] and lines.setdefault(image, number) != number:
            faults.append(f"{table}: line {number} repeats the image of line {lines[image]}: {row['image']}")
    raise_faults(faults)
    names = unique_names([table.parent / row["image"] for _, row in rows], table.parent)
    return [
        Case(
            name,
            row["split"],
            (table.parent / row["image"],),
            table.parent / row["label"],
            row.get("group", "") if groups else "",
        )
        for name, (_, row) in zip(names, rows, strict=True)
    ]


def _read_rows(table: Path) -> list[tuple[int, dict[str, str]]]:
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
