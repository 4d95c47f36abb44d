"""The results of a suite as a page in Markdown, written from its runs alone: references, fronts, controls, tests,
effects."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from nas.evidence.point import FrontPoint
from nas.markdown import table
from nas.quantities import format_count, format_duration
from nas.suite.across import Across, Winner
from nas.suite.beside import SURE, beside
from nas.suite.beside_page import beside_parts
from nas.suite.numbers import dice, difference, p_value
from nas.surrogate.effects import Effect

MOST = 12  # effects of a table


def page(title: str, command: str, won: Sequence[Winner], held: Sequence[Across]) -> str:
    """The page.

    Args:
        title: its heading.
        command: that made the runs.
        won: see ``winners``.
        held: see ``across``.
    """
    tasks = [one.task for one in won]
    parts = [
        f"# {title}",
        f"Written by the tool: `{command}`. Dice is the mean over classes, cases and seeds; intervals are of 95 %; a "
        "gain is paired by case and seed; p is Wilcoxon's test over cases, by Holm's correction. *Over equal size* is "
        "the gain over a plain network of as many parameters.",
        *beside_parts(beside(won), won),
        *(part for one in won for part in _of_task(one)),
    ]
    shown = [one for one in held if one.holds != "open"][:MOST]
    if len(tasks) > 1:
        parts.append("## Across the tasks")
        parts.append(
            table(
                ["mechanism", "place", *tasks, "holds"],
                (
                    [one.mechanism, one.place, *(_effect(one.effects.get(task)) for task in tasks), one.holds]
                    for one in shown
                ),
            )
            if shown
            else "Of no mechanism at any place can it be said what it does: too few trials."
        )
    return "\n\n".join(parts) + "\n"


def _of_task(one: Winner) -> list[str]:
    front, run = one.front, one.run
    finals = run.final_front is not None
    summary, config = run.summary, run.config
    searched = (
        f"Run `{run.name}`, seed {config['seed']}: {summary.get('trials', 0)} trials of {config['training']['steps']} "
        f"steps in {format_duration(summary.get('seconds', 0.0))}; "
        + (
            f"finals of {front.steps} steps, Dice on {run.final_cases}."
            if finals
            else "no finals, Dice on validation cases."
        )
    )
    shown = front.compared if finals else [*front.points, *([front.plain] if front.plain else [])]
    points = sorted({*shown, *front.references}, key=lambda point: (point.cost.params, point.dice))
    rows = []
    for point in points:
        compared, controlled = front.comparisons.get(point.architecture), front.controlled.get(point.architecture)
        rows.append(
            [
                format_count(point.cost.params),
                dice(point),
                str(point.seeds),
                difference(point.gain, point.gain_low, point.gain_high),
                p_value(compared.p if compared else None),
                difference(controlled.gain, controlled.gain_low, controlled.gain_high) if controlled else "",
                p_value(controlled.comparison.p if controlled else None),
                _chance(front.chances.get(point.architecture)),
                _name(point),
            ]
        )
    names = [
        "parameters",
        "Dice",
        "seeds",
        "over the plain network",
        "p",
        "over equal size",
        "p",
        "on front",
        "network",
    ]
    return [f"## {one.task}", searched, table(names, rows), verdict(one)]


def verdict(one: Winner) -> str:
    """Whether attention was shown to help on a task, in a sentence."""
    front = one.front
    controlled = [
        (point, found) for point in front.compared if (found := front.controlled.get(point.architecture)) is not None
    ]
    better = [
        (point, found)
        for point, found in controlled
        if found.gain_low is not None and found.gain_low > 0
        if found.comparison.p is not None and found.comparison.p < SURE
    ]
    if better:
        point, found = max(better, key=lambda pair: pair[1].gain or 0.0)
        gain = difference(found.gain, found.gain_low, found.gain_high)
        return (
            f"Attention helps: {point.architecture} is {gain} better than the plain network of equal size, p "
            f"{p_value(found.comparison.p)}."
        )
    if not controlled:
        return (
            "No network with attention stood beside a plain one of equal size, so that nothing is shown of attention."
        )
    could = [found.comparison.detectable for _, found in controlled if found.comparison.detectable]
    seen = (
        f" A gain of {statistics.median(could):.3f} would have been seen in four of five such studies." if could else ""
    )
    return f"No network with attention was shown to be better than a plain one of equal size.{seen}"


def _name(point: FrontPoint) -> str:
    mark = "the plain network: " if point.is_plain else "control: " if point.is_control else ""
    mark = f"reference {point.reference}: " if point.reference else mark
    return f"{mark}{'**' if point.on_front else ''}{point.architecture}{'**' if point.on_front else ''}"


def _chance(chance: float | None) -> str:
    return "" if chance is None else f"{chance:.2f}"


def _effect(effect: Effect | None) -> str:
    return "" if effect is None else difference(effect.mean, effect.low, effect.high)
