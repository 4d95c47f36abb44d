"""What predictions took, written to a run and read again."""

from __future__ import annotations

from pathlib import Path

import pytest

from nas.records.inference_cost import FILE, InferenceCost, read_inference_costs, write_inference_costs
from search_spaces.errors import InputError

LIGHT = InferenceCost((64, 64), (), "a processor", 1, 4.5, 2**20)
BOTH = InferenceCost((32, 32, 32), (0, 1, 2), "a processor", 1, 450.0, None, "a GPU", 3.2, 2**24)


def test_costs_come_back_as_they_were(tmp_path: Path) -> None:
    write_inference_costs(tmp_path, {"one": LIGHT, "other": BOTH})
    assert read_inference_costs(tmp_path) == {"one": LIGHT, "other": BOTH}


def test_where_nothing_was_measured_there_are_none(tmp_path: Path) -> None:
    assert read_inference_costs(tmp_path) == {}


@pytest.mark.parametrize("content", ["no JSON", "[]", '{"one": {"size": [64, 64]}}'])
def test_a_damaged_file_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE).write_text(content)
    with pytest.raises(InputError, match=r"inference\.json' cannot be read: "):
        read_inference_costs(tmp_path)
