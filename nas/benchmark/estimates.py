"""How well estimates of full training rank networks, from what both scored: figures, and the page that shows them."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evaluators.files import write_text
from nas.benchmark.table import Row
from nas.config.measured import Figure
from nas.evidence.ranking import ceiling, kendall, kendall_interval
from search_spaces.errors import InputError

FULL = "full"  # the estimate that is none: full training
RUNG = "rung"  # the score of a training on its way
BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"


@dataclass(frozen=True)
class Scored:
    """One network scored once.

    Attributes:
        task: its name.
        estimate: name of an evaluator or of a zero-cost score, or ``FULL``.
        settings: of the estimate.
        steps: of the network.
        seed: of weights, batches and augmentations.
        network: key of the architecture.
        params: exact.
        score: Dice, or what the zero-cost score gives; None where it failed.
        seconds: that it took, without what is made once for many networks.
        setup: seconds that this took, where it was made for this network; else 0.
        setup_of: what it is made for, equal for networks that share it.
        error: why it failed.
        config: names task and training, equal where scores may be compared.
    """

    task: str
    estimate: str
    settings: Mapping[str, Any]
    steps: int
    seed: int
    network: str
    params: int
    score: float | None
    seconds: float
    setup: float = 0.0
    setup_of: str = ""
    error: str = ""
    config: str = ""

    @property
    def kind(self) -> tuple[str, str, int]:
        """Equal for the same estimate of other networks."""
        return self.estimate, json.dumps(self.settings, sort_keys=True), self.steps


def figures_of(scored: Sequence[Scored]) -> list[Figure]:
    """A figure for each estimate of one task, in the order in which they come.

    The truth is the mean Dice of a network over those seeds that all networks were fully trained with; a network that
    lacks one, or failed with one, is left out, and from a figure also one that the estimate failed on. Tau is 0 where
    the estimate scores all networks alike.
    """
    full: dict[str, dict[int, Scored]] = {}
    kinds: dict[tuple[str, str, int], dict[str, Scored]] = {}
    for one in scored:
        if one.estimate == FULL:
            full.setdefault(one.network, {})[one.seed] = one
        else:
            kinds.setdefault(one.kind, {})[one.network] = one
    seeds = sorted({seed for each in full.values() for seed in each})
    truth: dict[str, list[float]] = {}
    for network, each in full.items():
        values = [one.score for _, one in sorted(each.items()) if one.score is not None]
        if len(values) == len(seeds):
            truth[network] = values
    found = []
    for entries in kinds.values():
        known = {name: one.score for name, one in entries.items() if name in truth and one.score is not None}
        first, second = list(known.values()), [statistics.mean(truth[name]) for name in known]
        if len(set(second)) < 2:
            continue  # there is nothing to rank
        tau, interval = kendall(first, second) or 0.0, kendall_interval(first, second)
        one = next(iter(entries.values()))
        whole = [training for name in known for training in full[name].values()]
        found.append(
            Figure(
                estimate=one.estimate,
                settings=dict(one.settings),
                task=one.task,
                steps=one.steps,
                full_steps=whole[0].steps,
                networks=len(known),
                seeds=len(seeds),
                tau=round(tau, 4),
                low=interval and round(interval[0], 4),
                high=interval and round(interval[1], 4),
                ceiling=_rounded(ceiling(np.array([truth[name] for name in known]))),
                speedup=round(statistics.mean(each.seconds for each in whole) / _seconds(list(entries.values())), 2),
            )
        )
    return found


def _seconds(entries: Sequence[Scored]) -> float:
    """Mean of a network, with its part of what is made once for each host and used by all."""
    setups: dict[str, list[float]] = {}
    for one in entries:
        if one.setup:
            setups.setdefault(one.setup_of, []).append(one.setup)
    once = sum(statistics.mean(each) for each in setups.values())
    return max(statistics.mean(one.seconds for one in entries) + once / len(entries), 1e-6)


def figures_of_table(rows: Sequence[Row], task: str) -> list[tuple[Figure, float | None]]:
    """How a recorded table's trainings on their way rank networks as whole trainings with other seeds do.

    A figure for each rung, over the networks with several seeds; and beside it tau with the end of the same training
    over all networks of the first seed, which is what halving sees.
    """
    steps = max((row.steps for row in rows), default=0)
    whole = [row for row in rows if row.steps == steps and row.dice is not None]
    first = min((row.seed for row in whole), default=0)
    begun = [row for row in whole if row.seed == first]
    others: dict[str, list[float]] = {}
    for row in sorted(whole, key=lambda row: row.seed):
        if row.seed != first and row.dice is not None:
            others.setdefault(row.key, []).append(row.dice)
    most = max(map(len, others.values()), default=0)
    repeated = [row for row in begun if len(others.get(row.key, ())) == most]
    seeds = np.array([[row.dice, *others[row.key]] for row in repeated if row.key in others], dtype=float)
    found = []
    for rung in sorted({point for row in whole for point, _ in row.curve}):
        pairs = [
            (dict(row.curve)[rung], statistics.mean(others[row.key])) for row in repeated if _has(row, rung, others)
        ]
        same = [(dict(row.curve)[rung], row.dice or 0.0) for row in begun if rung in dict(row.curve)]
        early, late = [list(values) for values in zip(*pairs, strict=True)] if pairs else ([], [])
        tau = kendall(early, late) if len(pairs) > 1 else None
        if tau is None:
            continue
        interval = kendall_interval(early, late)
        figure = Figure(
            estimate=RUNG,
            settings={},
            task=task,
            steps=rung,
            full_steps=steps,
            networks=len(pairs),
            seeds=most,
            tau=round(tau, 4),
            low=interval and round(interval[0], 4),
            high=interval and round(interval[1], 4),
            ceiling=_rounded(ceiling(seeds)),
            speedup=round(steps / rung, 2),
        )
        found.append((figure, kendall(*map(list, zip(*same, strict=True)))))
    return found


def _has(row: Row, rung: int, others: Mapping[str, Sequence[float]]) -> bool:
    return row.key in others and rung in dict(row.curve)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def figures_table(figures: Sequence[Figure]) -> str:
    """All figures as a table in Markdown, task by task, the fastest first."""
    if not figures:
        return "Nothing is measured yet."
    lines = [
        "| task | estimate | steps | networks | tau (95 %) | ceiling | times faster |",
        "|---|---|---|---|---|---|---|",
    ]
    for one in sorted(figures, key=lambda figure: (figure.task, -figure.speedup)):
        interval = "" if one.low is None or one.high is None else f" ({one.low:.2f} to {one.high:.2f})"
        most = "-" if one.ceiling is None else f"{one.ceiling:.2f}"
        steps = f"{one.steps} of {one.full_steps}" if one.steps else "none"
        lines.append(
            f"| {one.task} | {one.title} | {steps} | {one.networks} | {one.tau:.2f}{interval} | {most} | "
            f"{one.speedup:.3g} |"
        )
    return "\n".join(lines)


def write_page(path: Path, figures: Sequence[Figure]) -> None:
    """Replace the table of a page, which lies between two markers. Raises ``InputError`` where there are none."""
    text = path.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise InputError(f"page '{path}': expected the lines '{BEGIN}' and '{END}'")
    write_text(path, f"{before}{BEGIN}\n\n{figures_table(figures)}\n\n{END}{after}")
