"""The networks of a run, each with what it scored in the search and in the finals."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from nas.evidence.front import Front
from nas.evidence.point import FrontPoint
from nas.report.scores import Phase, Score, phase_of, score_of
from nas.report.vocabulary import Vocabulary
from nas.run import Run
from search_spaces.architecture.architecture import Architecture

ROOM = 1_000_000  # scores by case that a page has room for, five characters each


@dataclass(frozen=True)
class Network:
    """One architecture of a run.

    Attributes:
        key: its name in every process.
        head, attention: what it is, as numbers of the ``Vocabulary``.
        params, macs: its exact cost.
        plain, control: see ``FrontPoint``.
        reference: its name, of one that was trained for comparison.
        search, final: its scores in either phase.
        export: the command that writes its trained model.
    """

    key: str
    head: int
    attention: list[list[int]]
    params: int
    macs: int
    plain: bool
    control: bool
    reference: str | None
    search: Score | None
    final: Score | None
    export: str | None


def networks_of(
    run: Run, found: Front, final: Front | None, vocabulary: Vocabulary, command: Sequence[str]
) -> tuple[list[Network], dict[str, Phase]]:
    """All networks with a score by rising parameters, and the phases of the run by name.

    Args:
        run: the run.
        found, final: its fronts.
        vocabulary: of its networks.
        command: how the user names the run to ``nas export``.
    """
    phases = {"search": phase_of(found, "validation cases")}
    if final is not None:
        phases["final"] = phase_of(final, run.final_cases)
    points: dict[Architecture, dict[str, FrontPoint]] = {}
    for name, front in (("final", final), ("search", found)):
        for point in front.everything if front else []:
            points.setdefault(point.architecture, {})[name] = point
    shown = _with_cases(found, phases["search"])
    commands = _exports(run, final or found, command)

    def network(architecture: Architecture, by_phase: dict[str, FrontPoint]) -> Network:
        one = by_phase.get("final") or by_phase["search"]
        searched, retrained = by_phase.get("search"), by_phase.get("final")
        return Network(
            architecture.key,
            vocabulary.head(architecture),
            vocabulary.attention(architecture),
            one.cost.params,
            one.cost.macs,
            one.is_plain,
            one.is_control,
            one.reference or run.references.get(architecture),
            None if searched is None else score_of(found, searched, phases["search"], architecture in shown, False),
            None if retrained is None or final is None else score_of(final, retrained, phases["final"], True, True),
            commands.get(architecture),
        )

    listed = [network(architecture, by_phase) for architecture, by_phase in points.items()]
    return sorted(listed, key=lambda one: (one.params, one.key)), phases


def _with_cases(front: Front, phase: Phase) -> set[Architecture]:
    """The networks of a search whose scores by case have room: those most probably on the front, then the best."""
    each = max(1, len(phase.cases) * len(phase.classes))
    order = sorted(
        front.everything,
        key=lambda point: (not point.on_front, -front.chances.get(point.architecture, 0.0), -point.dice),
    )
    return {point.architecture for point in order[: ROOM // each]}


def _exports(run: Run, front: Front, command: Sequence[str]) -> dict[Architecture, str]:
    """For each network whose weights were kept."""
    kept = {trial.architecture for trial in run.journal if trial.weights}
    return {
        point.architecture: shlex.join(["nas", "export", *command, "--key", point.architecture.key])
        for point in front.everything
        if point.architecture in kept and run.trained(point) is not None
    }
