"""Figures from scores: what is the truth, what counts as time, and what a table and a page show."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import kendalltau

from nas.benchmark.estimates import (
    BEGIN,
    END,
    FULL,
    Scored,
    figures_of,
    figures_of_table,
    figures_table,
    write_page,
)
from nas.benchmark.table import Row
from search_spaces.errors import InputError

NETWORKS = 8
RNG = np.random.default_rng(0)
WORTH = RNG.normal(0.7, 0.1, NETWORKS)
SEEDS = WORTH + RNG.normal(0, 0.02, (3, NETWORKS))


def full(network: int, seed: int, score: float | None = 0.5) -> Scored:
    return Scored("liver", FULL, {}, 100, seed, f"n{network}", 1000, score, seconds=10.0)


def trainings() -> list[Scored]:
    return [full(network, seed, SEEDS[seed, network]) for network in range(NETWORKS) for seed in range(3)]


def estimated(score: float | None, network: int, **changes: object) -> Scored:
    given = {"seconds": 2.0, **changes}
    return Scored("liver", "grafted", {"gate": "learnt"}, 25, 9, f"n{network}", 1000, score, **given)  # type: ignore[arg-type]


def test_the_truth_is_the_mean_of_the_full_trainings():
    early = WORTH + np.random.default_rng(1).normal(0, 0.1, NETWORKS)
    (figure,) = figures_of([*trainings(), *(estimated(early[network], network) for network in range(NETWORKS))])
    assert figure.tau == pytest.approx(kendalltau(early, SEEDS.mean(0)).statistic, abs=1e-4)
    assert figure.low is not None
    assert figure.high is not None
    assert figure.low <= figure.tau <= figure.high
    assert (figure.networks, figure.seeds, figure.steps, figure.full_steps) == (NETWORKS, 3, 25, 100)
    assert figure.ceiling is not None
    assert 0.5 < figure.ceiling <= 1


def test_time_holds_each_networks_part_of_what_is_made_once_for_each_host_whoever_made_it():
    setups = {0: ("a", 30.0), 1: ("a", 50.0), 2: ("b", 16.0)}
    entries = []
    for network in range(NETWORKS):
        of, setup = setups.get(network, ("a", 0.0))
        entries.append(estimated(WORTH[network], network, setup=setup, setup_of=of))
    (figure,) = figures_of([*trainings(), *entries])
    assert figure.speedup == pytest.approx(10 / (2 + (40 + 16) / NETWORKS), abs=0.01)


def test_what_failed_in_full_training_or_by_the_estimate_is_left_out():
    scored = [one for one in trainings() if one.network not in ("n0", "n1")]
    scored += [full(0, 0, None), full(0, 1), full(0, 2), full(1, 0)]
    scored += [estimated(None if network == 2 else WORTH[network], network) for network in range(NETWORKS)]
    (figure,) = figures_of(scored)
    assert figure.networks == NETWORKS - 3


def test_an_estimate_that_orders_nothing_has_a_tau_of_zero_without_interval():
    (figure,) = figures_of([*trainings(), *(estimated(0.5, network) for network in range(NETWORKS))])
    assert (figure.tau, figure.low, figure.high) == (0, None, None)


def test_where_there_is_nothing_to_rank_there_is_no_figure():
    assert figures_of([]) == []
    assert figures_of([*trainings(), estimated(0.5, 0)]) == []
    assert figures_of([*(full(network, 0) for network in range(3)), *(estimated(WORTH[n], n) for n in range(3))]) == []


def row(network: int, seed: int, dice: float | None, early: float) -> Row:
    return Row("", f"n{network}", seed, 1000, 1, 5.0, 100, dice, ((50, early),), {})


def test_a_rung_of_a_table_is_held_against_other_seeds_and_against_its_own_end():
    early = WORTH + np.random.default_rng(2).normal(0, 0.1, NETWORKS)
    rows = [
        row(network, seed, SEEDS[seed, network], early[network])
        for network in range(NETWORKS)
        for seed in range(3)
        if seed == 0 or network < 5  # as recorded: some networks have several seeds
    ]
    ((figure, same),) = figures_of_table([*rows, row(0, 3, None, 0.1)], "liver (table)")
    assert figure.tau == pytest.approx(kendalltau(early[:5], SEEDS[1:, :5].mean(0)).statistic, abs=1e-4)
    assert same == pytest.approx(kendalltau(early, SEEDS[0]).statistic)
    assert (figure.estimate, figure.steps, figure.networks, figure.seeds, figure.speedup) == ("rung", 50, 5, 2, 2.0)


def test_a_table_of_one_seed_has_no_figures():
    assert figures_of_table([row(network, 0, WORTH[network], 0.5) for network in range(NETWORKS)], "x") == []


def test_a_page_keeps_all_but_what_lies_between_the_markers(tmp_path: Path):
    (figure,) = figures_of([*trainings(), *(estimated(WORTH[network], network) for network in range(NETWORKS))])
    page = tmp_path / "page.md"
    page.write_text(f"# Title\n\n{BEGIN}\nold\n{END}\n\nEnd.\n")
    write_page(page, [figure])
    assert page.read_text() == f"# Title\n\n{BEGIN}\n\n{figures_table([figure])}\n\n{END}\n\nEnd.\n"
    assert "| liver | grafted (gate: learnt) | 25 of 100 | 8 | " in page.read_text()
    write_page(page, [])
    assert "Nothing is measured yet." in page.read_text()


def test_a_page_without_markers_is_named(tmp_path: Path):
    page = tmp_path / "page.md"
    page.write_text("no table here\n")
    with pytest.raises(InputError, match=r"page '.*page\.md': expected the lines"):
        write_page(page, [])


def test_in_whatever_order_trainings_end_the_figures_are_the_same():
    scored = [*trainings(), *(estimated(WORTH[network], network) for network in range(NETWORKS))]
    mixed = [scored[place] for place in np.random.default_rng(3).permutation(len(scored))]
    (one,), (other,) = figures_of(scored), figures_of(mixed)
    assert (one.tau, one.ceiling, one.speedup) == (other.tau, other.ceiling, other.speedup)
