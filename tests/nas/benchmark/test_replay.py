"""Searches replayed from a table."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from nas.benchmark.recording import order
from nas.benchmark.replay import Recorded, levelled, recorded, replay
from nas.benchmark.table import Row, write_table
from nas.cli.benchmark import benchmark
from nas.strategies import STRATEGIES
from nas.surrogate.recommendation import expected_front
from search_spaces.errors import InputError
from search_spaces.space.space_file import load_space

SPACE = {
    "host": "unet",
    "options": {"depth": 2, "width": [4, 8]},
    "slots": ["bottleneck", "skip.*"],
    "mechanisms": {"se": {"reduction": 2}, "eca": {"kernel": 3}},
    "max_filled": 1,
}
FAILED, CUT = 3, 5  # lines of the table that are


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    """A table of 14 networks in which ``se`` at the bottleneck helps; the second seed scores 0.01 more, or 0.014."""
    folder = tmp_path_factory.mktemp("table")
    (folder / "space.yaml").write_text(yaml.safe_dump(SPACE))
    rows = []
    for number, one in enumerate(order(load_space(SPACE, 2), 14)):
        cost = one.cost(3, 1, (32, 32))
        helped = "bottleneck: se" in str(one)
        dice = 0.5 + 0.05 * (cost.params > 5000) + 0.1 * helped
        for seed in range(1 + (number % 3 == 0)):
            shown = dice + seed * (0.01 + 0.004 * (number % 2)) if number != FAILED else None
            steps = 20 if number == CUT else 40
            curve = () if shown is None else ((10, shown - 0.2), (20, shown - 0.1))
            rows.append(Row(str(one), one.key, seed, cost.params, cost.macs, 4.0, steps, shown, curve, {}))
    write_table(folder / "small.csv", rows)
    return folder / "small.csv"


@pytest.fixture(scope="module")
def table(path: Path) -> Recorded:
    return recorded(path)


def searched(table: Recorded, strategy: str = "random", **settings: object):
    made = STRATEGIES[strategy](table.space, table.budget, 0)
    return replay(table, made, **{"trials": 100, "seed": 0, **settings})


@pytest.mark.parametrize("strategy", sorted(set(STRATEGIES) - {"optuna"}))
def test_every_recorded_network_is_tried_in_the_end_and_no_other(table, strategy):
    done, cluster = searched(table, strategy)
    assert {trial.architecture for trial in done} == set(table.rows)
    assert len(done) == len(table.rows) == 13  # not the one that was cut off
    assert [trial.status for trial in done].count("failed") == 1
    assert cluster.now == cluster.busy == 4.0 * 13
    assert table.gained(expected_front(done)) > 0.99  # the model of a search sees one seed of each


def test_the_seed_chooses_what_is_shown(table):
    first, second = ({trial.architecture: trial.dice for trial in searched(table, seed=seed)[0]} for seed in (0, 1))
    apart = {one: (second[one] or 0) - (first[one] or 0) for one in table.rows}
    for one, rows in table.rows.items():
        assert apart[one] == pytest.approx((rows[-1].dice or 0) - (rows[0].dice or 0))
    assert sorted(apart.values())[-2:] == pytest.approx([0, 0.004])  # of one; what all gain is taken off


def test_worth_is_shared_by_seeds_and_gain_counts_from_the_plain_networks(table):
    plain = [one for one in table.rows if one.is_plain]
    assert table.gained(plain) == pytest.approx(0)
    assert table.gained(table.rows) == pytest.approx(1)
    best = max(table.worth, key=table.worth.__getitem__)
    assert "bottleneck: se" in str(best)


def test_halving_stops_trials_at_rungs_that_were_recorded(table):
    whole, slow = searched(table)
    halved, quick = searched(table, rungs=(10, 20), reduction=3)
    assert sum(trial.steps for trial in halved) < sum(trial.steps for trial in whole)
    assert quick.busy < slow.busy
    assert {trial.steps for trial in halved} == {10, 20, 40}
    with pytest.raises(InputError, match="expected rungs among"):
        searched(table, rungs=(15,), reduction=3)


def test_workers_share_the_time(table):
    _, alone = searched(table)
    _, four = searched(table, workers=4)
    assert four.busy == alone.busy
    assert four.now < alone.now / 3


def test_a_table_of_volumes_is_read_too_and_attention_that_gains_nothing_is_worth_nothing(tmp_path):
    (tmp_path / "space.yaml").write_text(yaml.safe_dump(SPACE))
    rows = [
        Row(str(one), one.key, 0, params, 1, 4.0, 40, 0.8 if one.is_plain else 0.5, (), {})
        for params, one in enumerate(order(load_space(SPACE, 3), 14), start=1000)
    ]
    write_table(tmp_path / "volumes.csv", rows)
    table = recorded(tmp_path / "volumes.csv")
    assert {one.dims for one in table.rows} == {3}
    assert table.gained(table.rows) == 0.0


def test_a_table_needs_its_space_and_a_score(table, path, tmp_path):
    with pytest.raises(InputError, match="are not in space"):
        recorded(path, _written(tmp_path / "other.yaml", {**SPACE, "slots": ["bottleneck"]}))
    plain = next(one for one in table.rows if one.is_plain)
    write_table(tmp_path / "failed.csv", [Row(str(plain), plain.key, 0, 1, 1, 1.0, 40, None, (), {})])
    with pytest.raises(InputError, match="no training has a Dice"):
        recorded(tmp_path / "failed.csv", path.parent / "space.yaml")


def _written(path: Path, space: dict[str, object]) -> Path:
    path.write_text(yaml.safe_dump(space))
    return path


def test_command(path):
    line = ["replay", str(path), "--strategy", "random", "--seeds", "2", "--trials", "12"]
    shown = CliRunner().invoke(benchmark, line)
    assert shown.exit_code == 0, shown.output
    words = shown.output.split()
    assert [word for word in ("10", "12", "random", "48") if word in words] == ["10", "12", "random", "48"]
    wrong = CliRunner().invoke(benchmark, ["replay", str(path), "--strategy", "rnadom"])
    assert isinstance(wrong.exception, InputError)
    assert "did you mean 'random'" in str(wrong.exception)


def test_what_a_seed_does_to_all_networks_is_taken_off():
    def row(key: str, seed: int, dice: float | None) -> Row:
        curve = () if dice is None else ((50, dice - 0.1),)
        return Row("", key, seed, 1, 1, 1.0, 100, dice, curve, {})

    rows = [row("a", 0, 0.5), row("a", 1, 0.4), row("b", 0, 0.6), row("b", 1, 0.5), row("c", 0, 0.7), row("c", 1, 0.0)]
    found = levelled([*rows, row("d", 0, None), row("e", 1, 0.55)])
    assert [one.dice for one in found] == pytest.approx([0.5, 0.5, 0.6, 0.6, 0.7, 0.1, None, 0.65])
    assert found[1].curve == ((50, pytest.approx(0.4)),)
    assert levelled(rows[::2]) == rows[::2]
