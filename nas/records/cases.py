"""What the data of a run were: a table of its cases, with a digest of each image and label."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Sequence
from pathlib import Path

from evaluators.files import AS_ON_DISK, write_text
from evaluators.fingerprint import CaseRecord, differences
from evaluators.tasks.faults import raise_faults
from search_spaces.errors import InputError

TABLE = "cases.csv"
COLUMNS = tuple(column.name for column in dataclasses.fields(CaseRecord))


def write_cases(folder: Path, records: Sequence[CaseRecord]) -> None:
    """Write the table of a run."""
    lines = io.StringIO()
    table = csv.writer(lines)  # with the ends of lines that CSV has, else a name that holds half of one is torn
    table.writerow(COLUMNS)
    table.writerows(dataclasses.astuple(record) for record in records)
    write_text(folder / TABLE, lines.getvalue())


def read_cases(folder: Path) -> list[CaseRecord]:
    """The table of a run; raises ``InputError`` where there is none."""
    path = folder / TABLE
    try:
        with path.open(newline="", encoding="utf-8", errors=AS_ON_DISK) as lines:
            header, *rows = csv.reader(lines)
            if tuple(header) != COLUMNS or any(len(row) != len(COLUMNS) for row in rows):
                raise ValueError(f"expected the columns {', '.join(COLUMNS)}")
    except FileNotFoundError:
        raise InputError(f"'{path}' does not exist: what data the run has seen is not known") from None
    except (OSError, ValueError, csv.Error) as error:
        raise InputError(f"'{path}' cannot be read: {error}") from None
    return [CaseRecord(*row) for row in rows]


def check_same_cases(folder: Path, records: Sequence[CaseRecord]) -> None:
    """Raise ``InputError`` where the data are not those that a run has seen: scores on others do not compare."""
    found = differences(read_cases(folder), records)
    raise_faults([f"run '{folder.name}' has seen other data than lie there now: {line}" for line in found])
