"""The part of a suite's page that holds the tool's networks beside the references, at equal parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from nas.evidence.point import FrontPoint
from nas.markdown import table
from nas.quantities import format_count
from nas.suite.across import Winner
from nas.suite.beside import Against, Beside
from nas.suite.numbers import dice, difference, p_value
from search_spaces.hosts import HOSTS

Chosen = Callable[[Beside], Against | None]  # one of the two comparisons
MEANING = (
    "At each reference's number of parameters stands the tool's own network: of its finalists with no more, the one "
    "that the search held for the best, by validation cases alone, so that no test case had a say in which it is. All "
    "were trained by one recipe, with seeds that they share, and scored on the same cases. A difference is the tool's "
    "network less the other; its 95 % interval holds the cases and what trainings differ by, learnt from all networks "
    "of the task. *Worse* is said where the interval lies below 0, *better* where it lies above and p (Wilcoxon over "
    "cases, Holm over the references of the task) is below 0.05. Else *no difference* is *shown*, which is not "
    "equality: beside it stands the smallest one that would have been found in four of five such studies."
)


def beside_parts(found: Sequence[Beside], won: Sequence[Winner]) -> list[str]:
    """Heading, what holds over the tasks, and a table for each task; nothing where no reference was trained.

    Args:
        found: see ``nas.suite.beside.beside``.
        won: the tasks.
    """
    if not found:
        return []
    tasks = [one.task for one in won]
    parts = ["## Beside the references", MEANING]
    parts += _over_tasks(found, tasks, lambda one: one.over_reference, "reference", "the reference")
    if any(one.over_unet for one in found):
        parts.append("The same against a plain U-Net of as many parameters as the reference, in its place:")
        parts += _over_tasks(found, tasks, lambda one: one.over_unet, "beside", "the plain U-Net of its size")
    parts += _not_trained(found, won)
    for task in tasks:
        of_task = [one for one in found if one.task == task]
        if of_task:
            rows = [row for one in of_task for row in _rows(one)]
            names = ["at", "parameters", "Dice", "the tool's less this", "p", "the tool's is", "network"]
            parts += [f"### Beside the references: {task}", table(names, rows)]
    return parts


def falls_short(of_reference: Sequence[Beside], chosen: Chosen) -> str:
    """Why it does not hold that a network is worse on no task and better on one; empty where it does.

    Args:
        of_reference: one reference, on each of its tasks.
        chosen: which comparison.
    """
    verdicts = {one.task: against.verdict for one in of_reference if (against := chosen(one)) is not None}
    none = [one.task for one in of_reference if one.own is None]
    worse = [task for task, verdict in verdicts.items() if verdict == "worse"]
    reasons = [f"worse on {' and '.join(worse)}"] if worse else []
    reasons += [f"no network as light on {' and '.join(none)}"] if none else []
    reasons += [] if "better" in verdicts.values() else ["better on none"]
    return ", ".join(reasons)


def _over_tasks(found: Sequence[Beside], tasks: Sequence[str], chosen: Chosen, first: str, other: str) -> list[str]:
    names = list(dict.fromkeys(one.name for one in sorted(found, key=lambda one: one.reference.cost.params)))
    rows, short = [], {}
    for name in names:
        of_reference = {one.task: one for one in found if one.name == name}
        reason = falls_short(list(of_reference.values()), chosen)
        if reason:
            short[name] = reason
        sizes = dict.fromkeys(format_count(one.reference.cost.params) for one in of_reference.values())
        cells = [_cell(of_reference[task], chosen) if task in of_reference else "not trained" for task in tasks]
        rows.append([name, " / ".join(sizes), *cells, f"no: {reason}" if reason else "yes"])
    held = len(names) - len(short)
    told = (
        f"Wanted is, beside each reference, a network of the tool that is worse than {other} on no task and better on "
        f"at least one. It holds for {held} of {len(names)}"
    )
    told += "; not for " + "; ".join(f"{name} ({reason})" for name, reason in short.items()) if short else ""
    return [table([first, "parameters", *tasks, "wanted"], rows), f"{told}."]


def _cell(one: Beside, chosen: Chosen) -> str:
    against = chosen(one)
    if against is None:
        return "no network as light" if one.own is None else "not trained"
    return f"{difference(against.gain, against.low, against.high)}: {against.verdict}"


def _not_trained(found: Sequence[Beside], won: Sequence[Winner]) -> list[str]:
    """A line for each reference that stands beside some tasks only."""
    architectures = {one.name: one.reference.architecture for one in found}
    lines = []
    for name, architecture in architectures.items():
        there = {one.task for one in found if one.name == name}
        for winner in won:
            if winner.task in there:
                continue
            dims = HOSTS[architecture.host].dims
            exists = winner.run.preprocessing.dims in dims
            why = "" if exists else f": it exists in {' and '.join(map(str, dims))}D only"
            lines.append(f"{name} was not trained on {winner.task}{why}.")
    return [" ".join(lines)] if lines else []


def _rows(one: Beside) -> list[list[str]]:
    own = one.own
    at = f"{one.name}, {format_count(one.reference.cost.params)}"
    rows = []
    if own is not None:
        rows = [_row(at, own, None, f"**the tool's**{', on its front' if own.on_front else ''}: {own.architecture}")]
    beside = [(one.reference, one.over_reference, one.name)]
    if one.over_unet is not None:
        unet = one.over_unet.other
        beside.append((unet, one.over_unet, f"plain U-Net: {unet.architecture}"))
    return rows + [_row("" if rows else at, point, against, name) for point, against, name in beside]


def _row(at: str, point: FrontPoint, against: Against | None, name: str) -> list[str]:
    failed = f", {point.failed} of {point.seeds} seeds failed" if point.failed else ""
    cells = ["", "", ""]
    if against is not None:
        seen = f", {against.detectable:.3f} would be" if against.detectable is not None else ""
        verdict = against.verdict + (seen if against.verdict == "no difference shown" else "")
        cells = [difference(against.gain, against.low, against.high), p_value(against.p), verdict]
    return [at, format_count(point.cost.params), f"{dice(point)}{failed}", *cells, name]
