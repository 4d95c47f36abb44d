"""Classes as a user writes them: ``{polyp: '127<'}``, ``{cell: [255, 1]}``, ``{nucleus: instances}``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from evaluators.labelling import IGNORED, MOST_INDICES
from evaluators.tasks.faults import raise_faults
from evaluators.tasks.label_map import LabelMap
from evaluators.tasks.label_rules import GRAMMAR, Span, parse_rule, point
from evaluators.tasks.regions import Cell, Regions, crossings, share_values, tell_apart
from search_spaces.errors import InputError

ClassRules = Mapping[str, int | str | Sequence[int | str]]

BACKGROUND = "background"
IGNORE = "ignore"
RESERVED = {BACKGROUND: 0, IGNORE: IGNORED}
INSTANCES = "instances"


def parse_classes(classes: ClassRules, order: Sequence[int] = (), *, regions: bool = False) -> LabelMap:
    """The map that ``classes`` describes: name to what it takes, see ``label_rules``, or ``instances``.

    ``instances`` takes every non-zero value that nothing else takes. The name ``background`` gives the background its
    values; without it, it is 0 and, where there are ranges or thresholds, what no rule takes. The values of the name
    ``ignore`` are in no loss and no score; both may be written in capitals. Classes that share values are regions, see
    ``regions``.

    Args:
        classes: the rules by name.
        order: of regions, the value that paints each; see ``regions.tell_apart``.
        regions: keep the values of each class apart even where no two classes share one.

    Raises:
        InputError: every rule that cannot be read, and values that cannot be told apart.
    """
    given = classes
    classes = _with_reserved(classes) if isinstance(classes, Mapping) else {}
    if not any(name not in RESERVED for name in classes):
        raise InputError(f"classes: expected at least one class name with its label values, got {given!r}")
    names = [name for name in classes if name not in RESERVED]
    if len(names) > MOST_INDICES:
        raise InputError(f"classes: expected at most {MOST_INDICES}, got {len(names)}")
    spans, faults = _read(classes)
    taken = {name: spans[name] for name in names if name in spans}
    reserved = {name: spans[name] for name in RESERVED if name in spans}
    raise_faults(faults + _claimed(taken, reserved) + crossings(taken))
    shared = regions or share_values(taken)
    if order and not shared:
        raise InputError("regions_class_order: no two classes share a value, so there is nothing to order")
    told = tell_apart(taken, order) if shared else _apart(taken)
    return _label_map(told, taken, reserved)


def _with_reserved(classes: ClassRules) -> dict[str, int | str | Sequence[int | str]]:
    """``classes`` with the names that mean something as they are known, whatever the case of their letters."""
    known = {name: name.lower() if str(name).lower() in RESERVED else name for name in classes}
    twice = [name for name in RESERVED if list(known.values()).count(name) > 1]
    raise_faults([f"classes.{name}: given twice, in other letters" for name in twice])
    return {known[name]: rule for name, rule in classes.items()}


def _read(classes: ClassRules) -> tuple[dict[str, tuple[Span, ...]], list[str]]:
    """What each name takes, nothing for ``instances``; and a line for each that cannot be read."""
    spans: dict[str, tuple[Span, ...]] = {}
    faults = []
    for name, rule in classes.items():
        found = parse_rule(rule)
        if not isinstance(name, str) or not name.strip() or len(name.splitlines()) > 1:
            faults.append(f"classes: expected names as text, got {name!r}")
        elif rule == INSTANCES and (name in RESERVED or () in spans.values()):
            faults.append(f"classes.{name}: only one foreground class can be '{INSTANCES}'")
        elif rule == INSTANCES or found:
            spans[name] = found
        else:
            faults.append(f"classes.{name}: expected {GRAMMAR}, or '{INSTANCES}', got {rule!r}")
    return spans, faults


def _claimed(taken: Mapping[str, Sequence[Span]], reserved: Mapping[str, Sequence[Span]]) -> list[str]:
    """A line for everything that background or ``ignore`` takes and another takes too."""
    return [
        f"classes.{name}: {span.text} and {other.text} of '{second}' overlap"
        for position, name in enumerate(reserved)
        for second, others in (*list(reserved.items())[:position], *taken.items())
        for span in reserved[name]
        for other in others
        if span.meets(other)
    ]


def _apart(taken: Mapping[str, Sequence[Span]]) -> Regions:
    """Classes that share nothing: each is one cell."""
    cells = [Cell(tuple(spans), frozenset([name]), spans[0].value if spans else None) for name, spans in taken.items()]
    numbers = tuple(range(1, 1 + len(cells)))
    return Regions(tuple(cells), tuple(taken), tuple((number,) for number in numbers), numbers)


def _label_map(told: Regions, taken: Mapping[str, Sequence[Span]], reserved: Mapping[str, Sequence[Span]]) -> LabelMap:
    takes = [(span, index) for index, cell in enumerate(told.cells, start=1) for span in cell.spans]
    takes += [(span, RESERVED[name]) for name, spans in reserved.items() for span in spans]
    own: dict[int, int | None] = {index: cell.value for index, cell in enumerate(told.cells, start=1)}
    rest = BACKGROUND not in reserved and any(span.value is None for spans in taken.values() for span in spans)
    if not rest and BACKGROUND not in reserved and not any(span.holds(np.array(0)) for span, _ in takes):
        takes.append((point(0), 0))
    takes.sort(key=lambda take: take[0].value is not None)  # a listed value wins over a range that holds it
    of_zero = [0] * rest + [index for span, index in takes if span.holds(np.array(0))]
    own[0] = 0 if of_zero[-1:] == [0] else reserved[BACKGROUND][0].value if BACKGROUND in reserved else None
    instances = next((index for index, cell in enumerate(told.cells, start=1) if not cell.spans), None)
    rules = {**reserved, **taken} if BACKGROUND in reserved else {**taken, **reserved}
    parts = [f"{name} {' or '.join(span.text for span in spans) or 'any other but 0'}" for name, spans in rules.items()]
    parts = ["background 0"] * (BACKGROUND not in reserved and own[0] == 0) + parts
    return LabelMap(
        told.classes,
        told.members,
        told.painted,
        tuple(takes),
        instances,
        rest,
        {index: value for index, value in own.items() if value is not None},
        ", ".join(parts),
    )
