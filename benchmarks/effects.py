"""What recorded tables show: how large effects of attention are beside noise, and which hold across tasks.

    python benchmarks/effects.py benchmarks/table/kvasir_seg.csv benchmarks/table/busi_small.csv [--top 10]
        [--out effects.json]

A least-squares fit of each table: Dice = seed + sum of one effect for each mechanism in each place, over all trainings,
so that a mechanism's effect in a place is seen in every network that has it. What the fit leaves is noise (known from
networks with several seeds) and interactions (the rest). Effects come with their standard errors; the spread of true
effects is that of the estimates less what the errors explain. P values are of two-sided z tests, corrected by Holm.
Trainings that reach less than half of the plain network's Dice did not train: they are counted and left out.
"""

from __future__ import annotations

import argparse
import itertools
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from result import finish
from rich.console import Console
from rich.markdown import Markdown
from scipy.stats import chi2, norm, spearmanr

from nas.benchmark.replay import Recorded, recorded
from nas.benchmark.table import Row
from nas.evidence.comparison import holm
from search_spaces import Architecture

Effect = tuple[str, str]  # slot, mechanism
TRAINED = 0.5  # of the plain network's Dice, from which on a training counts as one


@dataclass(frozen=True)
class Fit:
    """One table.

    Attributes:
        name: of the task.
        plain: mean Dice of the network without attention.
        trainings, networks: how many.
        noise: standard deviation between seeds of one network, after what a seed does to all networks.
        noise_interval: of it, 95 %.
        seeds: deviation of what a seed does to all networks.
        interaction: deviation of what two mechanisms do together beyond the sum.
        means, errors: of each effect.
        lost: how many trainings did not train.
        untrained: what their networks held.
    """

    name: str
    plain: float
    trainings: int
    networks: int
    noise: float
    noise_interval: tuple[float, float]
    seeds: float
    interaction: float
    means: dict[Effect, float]
    errors: dict[Effect, float]
    lost: int
    untrained: Counter[Effect]

    @property
    def spread(self) -> float:
        """Standard deviation of the true effects."""
        means, errors = np.array(list(self.means.values())), np.array(list(self.errors.values()))
        return math.sqrt(max(float(means.var(ddof=1) - (errors**2).mean()), 0.0))

    def sure(self, level: float = 0.05) -> dict[Effect, float]:
        """Effects that are not 0 by Holm's correction over all of the table."""
        corrected = holm([2 * norm.sf(abs(mean) / self.errors[effect]) for effect, mean in self.means.items()])
        return {effect: mean for (effect, mean), p in zip(self.means.items(), corrected, strict=True) if p <= level}


def effects_of(architecture: Architecture) -> list[Effect]:
    return [(slot, item.mechanism) for slot, series in architecture.attention for item in series]


def fit(table: Recorded) -> Fit:
    """Effects and noise of one table."""
    every = [(one, row) for one, each in table.rows.items() for row in each if row.dice is not None]
    plain = float(np.mean([row.dice for one, row in every if one.is_plain]))
    rows = [(one, row) for one, row in every if (row.dice or 0.0) >= TRAINED * plain]
    lost = [one for one, row in every if (row.dice or 0.0) < TRAINED * plain]
    scores = np.array([row.dice for _, row in rows])
    seeds = sorted({row.seed for _, row in rows})
    effects = sorted({effect for one, _ in rows for effect in effects_of(one)})
    column = {effect: len(seeds) + place for place, effect in enumerate(effects)}
    design = np.zeros((len(rows), len(seeds) + len(effects)))
    for line, (one, row) in enumerate(rows):
        design[line, seeds.index(row.seed)] = 1
        for effect in effects_of(one):
            design[line, column[effect]] = 1

    noise, degrees, shift = _noise(rows, seeds)
    low, high = (noise * math.sqrt(degrees / chi2.ppf(share, degrees)) for share in (0.975, 0.025))
    solution, *_ = np.linalg.lstsq(design, scores, rcond=None)
    left = scores - design @ solution
    # Of one network the trainings share what its mechanisms do together: errors are clustered by network.
    groups = {one: [line for line, (other, _) in enumerate(rows) if other == one] for one in table.rows}
    bread = np.linalg.pinv(design.T @ design)
    sums = np.array([design[lines].T @ left[lines] for lines in groups.values() if lines])
    scale = len(groups) / max(len(groups) - design.shape[1], 1)
    covariance = scale * bread @ (sums.T @ sums) @ bread
    left_variance = float(left @ left) / max(len(rows) - design.shape[1], 1)
    return Fit(
        table.name,
        plain,
        len(every),
        len(groups),
        noise,
        (low, high),
        shift,
        math.sqrt(max(left_variance - noise**2, 0.0)),
        {effect: float(solution[place]) for effect, place in column.items()},
        {effect: math.sqrt(covariance[place, place]) for effect, place in column.items()},
        len(lost),
        Counter(effect for one in lost for effect in effects_of(one)),
    )


def _noise(rows: Sequence[tuple[Architecture, Row]], seeds: Sequence[int]) -> tuple[float, int, float]:
    """Deviation of one training, its degrees of freedom, and the deviation of what seeds do to all networks."""
    scores: dict[Architecture, dict[int, float]] = {}
    for one, row in rows:
        scores.setdefault(one, {})[row.seed] = row.dice or 0.0
    table = np.array([[each[seed] for seed in seeds] for each in scores.values() if len(each) == len(seeds)])
    within = table - table.mean(1, keepdims=True)
    shifts = within.mean(0)
    degrees = (len(table) - 1) * (len(seeds) - 1)
    return math.sqrt(((within - shifts) ** 2).sum() / degrees), degrees, float(shifts.std(ddof=1))


def report(fits: Sequence[Fit], top: int) -> str:
    """The page in Markdown."""
    lines = [
        "| task | trainings | networks | plain Dice | noise of one training (95 %) | seed | spread of effects | "
        "of interactions | effects surely above / below 0 | did not train |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for one in fits:
        sure = one.sure().values()
        lines.append(
            f"| {one.name} | {one.trainings} | {one.networks} | {one.plain:.3f} | "
            f"{one.noise:.4f} ({one.noise_interval[0]:.4f} to {one.noise_interval[1]:.4f}) | {one.seeds:.4f} | "
            f"{one.spread:.4f} | {one.interaction:.4f} | "
            f"{sum(mean > 0 for mean in sure)} / {sum(mean < 0 for mean in sure)} of {len(one.means)} | {one.lost} |"
        )
    for first, second in itertools.combinations(fits, 2):
        lines += ["", across(first, second)]
    for one in fits:
        ranked = sorted(one.means, key=one.means.__getitem__, reverse=True)
        lines += ["", f"Largest and smallest effects on {one.name}, in points of Dice (standard error):", ""]
        best, worst = (
            ", ".join(
                f"{slot} {name} {100 * one.means[slot, name]:+.1f} ({100 * one.errors[slot, name]:.1f})"
                for slot, name in some
            )
            for some in (ranked[:top], ranked[: -top - 1 : -1])
        )
        lines += [f"* {best}", f"* {worst}"]
        held = ", ".join(f"{slot} {name} {count}" for (slot, name), count in one.untrained.most_common(top))
        lines += [f"* held by networks that did not train: {held}"] if held else []
    lines += ["", "Mean effect of each mechanism over places, and of each place over mechanisms:", ""]
    lines += [*_means(fits, 1, "mechanism"), "", *_means(fits, 0, "place")]
    return "\n".join(lines)


def across(first: Fit, second: Fit) -> str:
    """How far effects hold across two tasks."""
    both = sorted(set(first.means) & set(second.means))
    one, two = (np.array([each.means[effect] for effect in both]) for each in (first, second))
    seen = float(np.corrcoef(one, two)[0, 1])
    attenuation = math.prod(each.spread / float(np.std(list(each.means.values()), ddof=1)) for each in (first, second))
    held = [effect for effect in first.sure() if effect in second.sure()]
    agree = [effect for effect in held if first.means[effect] * second.means[effect] > 0]
    true = f"{seen / attenuation:.2f} of the true ones" if attenuation else "none to be told of the true ones"
    return (
        f"{first.name} and {second.name}: correlation of the {len(both)} effects {seen:.2f} as estimated "
        f"(rank correlation {spearmanr(one, two).statistic:.2f}), {true}; {len(held)} are sure on both, "
        f"{len(agree)} of the same sign{': ' if agree else ''}{', '.join(' '.join(effect) for effect in agree)}."
    )


def _means(fits: Sequence[Fit], part: int, title: str) -> list[str]:
    names = sorted({effect[part] for one in fits for effect in one.means})
    lines = [f"| {title} | " + " | ".join(one.name for one in fits) + " |", "|---" * (1 + len(fits)) + "|"]
    for name in names:
        means = [np.mean([mean for effect, mean in one.means.items() if effect[part] == name]) for one in fits]
        lines.append(f"| {name} | " + " | ".join(f"{100 * mean:+.2f}" for mean in means) + " |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="+", type=Path)
    parser.add_argument("--top", type=int, default=6)
    parser.add_argument("--plain", action="store_true", help="print the Markdown as it is")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    fits = [fit(recorded(path, level=False)) for path in options.tables]
    page = report(fits, options.top)
    print(page) if options.plain else Console().print(Markdown(page))
    finish(
        {
            "benchmark": "effects",
            "tables": {
                one.name: {"noise": round(one.noise, 5), "spread": round(one.spread, 5), "sure": len(one.sure())}
                for one in fits
            },
        },
        options.out,
    )


if __name__ == "__main__":
    main()
