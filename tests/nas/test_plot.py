"""The front in characters: its axes span more than noise, and no label stands twice."""

from __future__ import annotations

from nas.cli.plot import front_plot, fronts_plot
from nas.evidence.front import front_of
from tests.nas.trials import trial

TINY = front_of([trial(0, 0.8000, params=100_000), trial(1, 0.8002, params=101_000)])
WIDE = front_of([trial(0, 0.3, params=10_000), trial(1, 0.9, params=5_000_000)])


def labels(text: str) -> tuple[list[str], list[str]]:
    """Those of the vertical axis, and those under the horizontal one."""
    lines = text.splitlines()
    return [line[:6].strip() for line in lines if "│" in line[:9] and line[:6].strip()], lines[
        next(at for at, line in enumerate(lines) if "parameters" in line)
    ].split()[:-1]


def test_a_difference_within_the_noise_neither_fills_the_plot_nor_repeats_a_label() -> None:
    text = front_plot(TINY, "title").plain
    rows = [line for line in text.splitlines() if "│" in line[:9]]
    marked = [at for at, row in enumerate(rows) if set(row) & set("●+")]
    assert marked
    assert max(marked) - min(marked) <= 1
    assert len(rows) / 4 < min(marked) < max(marked) + 1 < len(rows) * 3 / 4
    for axis in labels(text):
        assert len(axis) == len(set(axis)) > 3


def test_every_point_has_a_place_and_the_ends_of_the_axes_are_beyond_them() -> None:
    text = fronts_plot({"one": WIDE, "other": TINY}, "title").plain
    plot = text.split("└")[0]
    assert (plot.count("A"), plot.count("B")) == (2, 1)
    dice, params = labels(text)
    assert float(dice[-1]) < 0.3 < 0.9 < float(dice[0])
    assert len(params) == len(set(params)) > 3
