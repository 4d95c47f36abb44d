"""The recorded tables that lie in ``benchmarks/table``: what their page says of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from nas.benchmark.recording import order
from nas.benchmark.table import read_table
from search_spaces.space.space_file import load_space

TABLES = Path(__file__).parents[3] / "benchmarks" / "table"
NAMES = ("busi_small", "kvasir_seg")


@pytest.fixture(scope="module")
def keys() -> list[str]:
    """Of what a table of 600 holds, in the order in which it is recorded."""
    return [one.key for one in order(load_space(str(TABLES / "space.yaml"), 2), 600)]


@pytest.mark.parametrize("name", NAMES)
def test_six_hundred_networks_are_trained_and_a_third_of_them_with_three_seeds(name: str, keys: list[str]) -> None:
    seeds: dict[str, set[int]] = {}
    for row in read_table(TABLES / f"{name}.csv"):
        seeds.setdefault(row.key, set()).add(row.seed)
    assert seeds == {key: {0, 1, 2} if place < 200 else {0} for place, key in enumerate(keys)}


@pytest.mark.parametrize("name", NAMES)
def test_each_training_has_its_curve_its_cases_its_cost_and_its_time(name: str) -> None:
    path = TABLES / f"{name}.csv"
    rows = read_table(path)
    assert {(row.steps, tuple(steps for steps, _ in row.curve)) for row in rows} == {(200, (50, 100))}
    assert len({tuple(row.cases) for row in rows}) == 1
    assert len(rows[0].cases) >= 20
    assert all(row.dice is not None and 0 <= row.dice <= 1 for row in rows)
    assert all(20_000 < row.params < 60_000 < row.macs and row.seconds > 0 for row in rows)
    assert path.stat().st_size < 3e6
