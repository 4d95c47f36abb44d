"""Recording a table with real searches."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from nas.benchmark.recording import order, record
from nas.benchmark.table import read_table
from search_spaces.errors import InputError
from search_spaces.space.space_file import load_space
from tests.nas.small_task import small_config

SPACE = {
    "host": "unet",
    "options": {"depth": 2, "width": 4},
    "slots": ["bottleneck", "skip.*"],
    "mechanisms": {"se": {"reduction": 2}, "eca": {"kernel": 3}},
    "max_filled": 2,
}


def test_the_order_begins_with_the_plain_network_and_holds_all_with_one_mechanism():
    space = load_space(SPACE, 2)
    chosen = order(space, 12)
    assert chosen[0].is_plain
    assert len(set(chosen)) == 12
    assert sum(len(one.attention) == 1 for one in chosen) == 6
    assert order(space, 12) == chosen
    assert len(order(space, 1000)) == space.size()
    with pytest.raises(InputError, match="at most 100000 architectures"):
        order(load_space("unet", 2), 12)


@pytest.mark.slow
def test_a_table_is_recorded_with_several_seeds_and_gone_on_with(small_task: Path, cluster, tmp_path: Path):
    config = small_config(small_task, space=SPACE, training={"steps": 4, "batch": 2}, resources={"workers": 2})
    path, out = tmp_path / "small.yaml", tmp_path / "small.csv"
    path.write_text(yaml.safe_dump(config))
    rows = record(path, out, architectures=4, seeds=2, runs=tmp_path / "runs")
    assert sorted(row.seed for row in rows) == [0, 0, 0, 0, 1, 1]
    found = read_table(out)
    assert {row.key for row in found if row.seed == 1} <= {row.key for row in found if row.seed == 0}
    assert all([steps for steps, _ in row.curve] == [1, 2] and row.dice is not None for row in found)
    before = (tmp_path / "runs" / "small-seed0" / "journal.jsonl").read_text()
    text = out.read_text()
    out.unlink()
    assert record(path, out, architectures=4, seeds=2, runs=tmp_path / "runs") == rows
    assert out.read_text() == text
    assert (tmp_path / "runs" / "small-seed0" / "journal.jsonl").read_text() == before
