"""Tables on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from nas.benchmark.table import read_table, row_of, write_table
from search_spaces.errors import InputError
from tests.nas.trials import scored, trial


def test_a_table_is_read_back_as_it_was_written(tmp_path: Path):
    trials = [
        scored(0, {"a": {"x": 0.5, "y": 0.7}, "b": {"x": None, "y": 0.9}}, curve=((25, 0.4), (100, 0.75)), params=2000),
        trial(1, None, 1000, steps=100, cases={}),
        scored(2, {"a": {"x": 0.25, "y": 0.75}, "b": {"x": None, "y": None}}, seed=3),
    ]
    rows = [row_of(one) for one in trials]
    path = tmp_path / "table.csv"
    write_table(path, rows)
    found = read_table(path)
    assert [(row.params, row.key, row.seed) for row in found] == sorted((r.params, r.key, r.seed) for r in rows)
    first = next(row for row in found if row.key == trials[0].architecture.key)
    assert first.cases == {"a": 0.6, "b": 0.9}
    assert first.curve == ((25, 0.4),)
    assert (first.steps, first.seconds, first.macs) == (100, 1.5, trials[0].cost.macs)
    assert first.architecture == str(trials[0].architecture)
    failed = next(row for row in found if row.params == 1000 and row.dice is None)
    assert failed.cases == {"a": None, "b": None}
    write_table(tmp_path / "again.csv", found)
    assert (tmp_path / "again.csv").read_text() == path.read_text()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a,b\n1,2\n", "expected the columns architecture, key"),
        ("architecture,key,seed,params,macs,seconds,steps,dice\nx,k,zero,1,1,1,1,0.5\n", "line 2: invalid literal"),
        ("architecture,key,seed,params,macs,seconds,steps,dice\nx,k,0\n", "line 2"),
    ],
)
def test_what_is_no_table_is_an_error_that_names_file_and_line(tmp_path: Path, text: str, fault: str):
    path = tmp_path / "table.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=fault):
        read_table(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_table(tmp_path / "none.csv")
