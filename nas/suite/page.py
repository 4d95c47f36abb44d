"""The results of a suite as a page in Markdown, written from its runs alone: fronts, controls, tests, effects."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence

from nas.evidence.point import FrontPoint
from nas.quantities import format_count, format_duration
from nas.suite.across import Across, Winner
from nas.surrogate.effects import Effect

SURE = 0.05  # p value from which on a gain is called shown
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
        *(part for one in won for part in _of_task(one)),
    ]
    shown = [one for one in held if one.holds != "open"][:MOST]
    if len(tasks) > 1:
        parts.append("## Across the tasks")
        parts.append(
            _table(
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
                f"{point.dice:.3f}" + ("" if point.low is None else f" ({point.low:.3f} to {point.high:.3f})"),
                str(point.seeds),
                _gain(point.gain, point.gain_low, point.gain_high),
                _p(compared.p if compared else None),
                _gain(controlled.gain, controlled.gain_low, controlled.gain_high) if controlled else "",
                _p(controlled.comparison.p if controlled else None),
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
    return [f"## {one.task}", searched, _table(names, rows), verdict(one)]


def verdict(one: Winner) -> str:
    """Whether attention was shown to help on a task, in a sentence."""
    front = one.front
    better = [
        (point, found)
        for point in front.compared
        if (found := front.controlled.get(point.architecture)) is not None
        if found.gain_low is not None and found.gain_low > 0
        if found.comparison.p is not None and found.comparison.p < SURE
    ]
    if better:
        point, found = max(better, key=lambda pair: pair[1].gain or 0.0)
        return (
            f"Attention helps: {point.architecture} is {_gain(found.gain, found.gain_low, found.gain_high)} better "
            f"than the plain network of equal size, p {_p(found.comparison.p)}."
        )
    if not front.controlled:
        return (
            "No network with attention stood beside a plain one of equal size, so that nothing is shown of attention."
        )
    could = [found.comparison.detectable for found in front.controlled.values() if found.comparison.detectable]
    seen = (
        f" A gain of {statistics.median(could):.3f} would have been seen in four of five such studies." if could else ""
    )
    return f"No network with attention was shown to be better than a plain one of equal size.{seen}"


def _table(names: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [names, ["---"] * len(names), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _name(point: FrontPoint) -> str:
    mark = "the plain network: " if point.is_plain else "control: " if point.is_control else ""
    mark = f"reference {point.reference}: " if point.reference else mark
    return f"{mark}{'**' if point.on_front else ''}{point.architecture}{'**' if point.on_front else ''}"


def _gain(gain: float | None, low: float | None, high: float | None) -> str:
    if gain is None:
        return ""
    return f"{gain:+.3f}" + ("" if low is None else f" ({low:+.3f} to {high:+.3f})")


def _p(p: float | None) -> str:
    return "" if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"


def _chance(chance: float | None) -> str:
    return "" if chance is None else f"{chance:.2f}"


def _effect(effect: Effect | None) -> str:
    return "" if effect is None else _gain(effect.mean, effect.low, effect.high)
