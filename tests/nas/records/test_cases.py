"""The table of the cases of a run."""

from __future__ import annotations

import os

import pytest

from evaluators.fingerprint import CaseRecord, fingerprint
from evaluators.preprocessing import prepare
from evaluators.tasks import open_task
from nas.records.cases import check_same_cases, read_cases, write_cases
from search_spaces.errors import InputError
from tests.evaluators.tasks.files import write_pairs


def test_the_table_comes_back_and_tells_other_data(tmp_path):
    odd = [CaseRecord(name, "train", "", "01", "02") for name in ('a,"b"', "a\nb", "a\rb")]
    records = [*odd, CaseRecord("c", "val", "p1", "03", "04")]
    write_cases(tmp_path, records)
    assert read_cases(tmp_path) == records
    check_same_cases(tmp_path, records[::-1])
    with pytest.raises(InputError, match=r"has seen other data .*: 1 case gone \(c\)"):
        check_same_cases(tmp_path, records[:-1])


def test_names_that_are_no_utf_8_come_back(tmp_path):
    write_pairs(tmp_path / "set", "abcd")
    name = os.fsdecode(b"M\xfcller")
    for folder in ("images", "labels"):
        (tmp_path / "set" / folder / "a.png").rename(tmp_path / "set" / folder / f"{name}.png")
    records = prepare(open_task(tmp_path / "set")).records
    assert name in {record.name for record in records}
    write_cases(tmp_path, records)
    assert b"M\xfcller," in (tmp_path / "cases.csv").read_bytes()
    assert fingerprint(read_cases(tmp_path)) == fingerprint(records)
