"""All that the page of a run shows, as plain data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nas.evidence.front import Front
from nas.records.usage import usage
from nas.report.attention import EffectMap, effect_map
from nas.report.drawings import Drawings, drawings_of
from nas.report.failures import Failure, failures_of
from nas.report.networks import Network, networks_of
from nas.report.overlays import Overlay
from nas.report.progress import Progress, progress_of
from nas.report.scores import Phase
from nas.report.vocabulary import Vocabulary
from nas.run import Run
from search_spaces.errors import InputError

TOLERANCE = 0.01  # of Dice, by which a network is called as good as the best


@dataclass(frozen=True)
class Pick:
    """A network of the front that a rule picks."""

    rule: str
    key: str


@dataclass(frozen=True)
class Content:
    """What the page of a run shows.

    Attributes:
        run: its name.
        task: path or name of its task.
        config: file of its config, by which another network is trained as its finals are.
        summary: of the search, see ``usage``.
        failed: how many trials did.
        ended: why the search did; None where it may go on.
        steps, seed: of the search.
        versions: of what it ran with.
        phases: ``search``, and ``final`` once a final has ended.
        vocabulary: see there.
        networks: every network that has a score.
        picks: of the front that the best evidence makes.
        drawings, progress, effects, failures: see there.
        overlays: predictions over images, by key of the network.
        notes: what could not be shown, and why.
    """

    run: str
    task: str
    config: str
    summary: Mapping[str, float | int]
    failed: int
    ended: str | None
    seed: int
    versions: Mapping[str, str]
    phases: Mapping[str, Phase]
    vocabulary: dict[str, Any]
    networks: list[Network]
    picks: list[Pick]
    drawings: Drawings
    progress: Progress | None
    effects: EffectMap
    failures: list[Failure]
    overlays: Mapping[str, list[Overlay]]
    notes: list[str]


def content_of(
    run: Run,
    command: Sequence[str],
    overlays: Callable[[Run, Front], tuple[Mapping[str, list[Overlay]], list[str]]] | None = None,
) -> Content:
    """Work out what the page of a run shows.

    Args:
        run: the run.
        command: how the user names the run to ``nas export``.
        overlays: makes predictions over images of the front's networks, and tells what it could not; None: none.

    Raises ``InputError`` when no trial was completed.
    """
    found, final = run.search_front, run.final_front
    front = final or found
    if not front.points:
        raise InputError(f"run '{run.name}': no completed trial")
    architectures = [point.architecture for one in (final, found) if one for point in one.everything]
    vocabulary = Vocabulary(architectures)
    networks, phases = networks_of(run, found, final, vocabulary, command)
    first = [point.architecture for one in (final, found) if one for point in (*one.points, *one.references)]
    predicted, notes = overlays(run, front) if overlays else ({}, [])
    summary = run.summary
    return Content(
        run=run.name,
        task=str(run.config["task"]["path"]),
        config=str(run.folder / "config.yaml"),
        summary={name: value for name, value in usage(run.journal, 1).items() if name != "utilisation"},
        failed=sum(trial.status == "failed" for trial in run.journal),
        ended=summary.get("ended"),
        seed=run.config["seed"],
        versions=run.config.get("versions") or {},
        phases=phases,
        vocabulary=vocabulary.to_dict(),
        networks=networks,
        picks=_picks(front),
        drawings=drawings_of(architectures, first, vocabulary, run.preprocessing),
        progress=progress_of(run.journal, found.steps, summary.get("box")),
        effects=effect_map(run.journal),
        failures=failures_of(run.journal),
        overlays=predicted,
        notes=notes,
    )


def _picks(front: Front) -> list[Pick]:
    rules = {
        "the highest Dice": front.best(),
        "the knee": front.knee(),
        f"the lightest within {TOLERANCE:g} of the best": front.within_tolerance(TOLERANCE),
    }
    return [Pick(rule, point.architecture.key) for rule, point in rules.items()]


def plain(thing: Any) -> Any:
    """Of a dataclass what JSON needs: all that is known; ``json.dumps`` asks it where it knows no way itself."""
    return {name: value for name, value in vars(thing).items() if value is not None and value is not False}
