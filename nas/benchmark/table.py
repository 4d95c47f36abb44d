"""A recorded table: what each architecture scored with each seed, with its learning curve, cases, cost and time.

A CSV file, one row for each training:

| column | what it is |
|---|---|
| architecture, key | in words, and the key that names it |
| seed | of weights, batches and augmentations |
| params, macs | exact cost on the task |
| seconds | wall-clock time of the training; 0 where it was not measured |
| steps, dice | how long it was trained, and its mean foreground Dice; no Dice where the training failed |
| dice@STEPS | Dice on the way, after so many steps |
| case:NAME | mean Dice of one case over the classes that it has |
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluators.files import write_text
from nas.records.trial import Trial
from search_spaces.errors import InputError

FIXED = ("architecture", "key", "seed", "params", "macs", "seconds", "steps", "dice")
RUNG, CASE = "dice@", "case:"


@dataclass(frozen=True)
class Row:
    """One training.

    Attributes:
        architecture: in words.
        key: see ``Architecture.key``.
        seed: of the training.
        params, macs: exact.
        seconds: that it took.
        steps: of the whole training.
        dice: at its end; None where it failed.
        curve: (steps, Dice) on the way.
        cases: Dice of each case; None where it has no class.
    """

    architecture: str
    key: str
    seed: int
    params: int
    macs: int
    seconds: float
    steps: int
    dice: float | None
    curve: tuple[tuple[int, float], ...]
    cases: dict[str, float | None]


def row_of(trial: Trial) -> Row:
    """What a table keeps of a search trial."""
    return Row(
        str(trial.architecture),
        trial.architecture.key,
        trial.seed,
        trial.cost.params,
        trial.cost.macs,
        trial.seconds,
        trial.steps,
        trial.dice,
        tuple(point for point in trial.curve if point[0] < trial.steps),
        {name: _mean(classes.values()) for name, classes in trial.cases.items()},
    )


def write_table(path: Path, rows: Sequence[Row]) -> None:
    """Write the rows by architecture and seed; scores to four places, those of cases to three."""
    rungs = sorted({steps for row in rows for steps, _ in row.curve})
    cases = sorted({name for row in rows for name in row.cases})
    lines = io.StringIO()
    table = csv.writer(lines, lineterminator="\n")
    table.writerow([*FIXED, *(f"{RUNG}{steps}" for steps in rungs), *(f"{CASE}{name}" for name in cases)])
    for row in sorted(rows, key=lambda row: (row.params, row.key, row.seed)):
        curve = dict(row.curve)
        table.writerow(
            [
                *(row.architecture, row.key, row.seed, row.params, row.macs, f"{row.seconds:.1f}", row.steps),
                *(_shown(value, 4) for value in (row.dice, *(curve.get(steps) for steps in rungs))),
                *(_shown(row.cases.get(name), 3) for name in cases),
            ]
        )
    write_text(path, lines.getvalue())


def read_table(path: Path) -> list[Row]:
    """The rows of a table. Raises ``InputError`` where it is none."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"table '{path}' cannot be read: {error}") from None
    table = csv.DictReader(io.StringIO(text))
    columns = table.fieldnames or []
    missing = [name for name in FIXED if name not in columns]
    if missing:
        raise InputError(f"table '{path}': expected the columns {', '.join(FIXED)}; missing {', '.join(missing)}")
    rungs = {name: int(name.removeprefix(RUNG)) for name in columns if name.startswith(RUNG)}
    cases = {name: name.removeprefix(CASE) for name in columns if name.startswith(CASE)}
    rows = []
    for number, line in enumerate(table, start=2):
        try:
            rows.append(
                Row(
                    line["architecture"],
                    line["key"],
                    seed=int(line["seed"]),
                    params=int(line["params"]),
                    macs=int(line["macs"]),
                    seconds=float(line["seconds"]),
                    steps=int(line["steps"]),
                    dice=_number(line["dice"]),
                    curve=tuple((steps, float(line[name])) for name, steps in rungs.items() if line[name]),
                    cases={case: _number(line[name]) for name, case in cases.items()},
                )
            )
        except (TypeError, ValueError) as error:
            raise InputError(f"table '{path}', line {number}: {error}") from None
    return rows


def _mean(scores: Iterable[float | None]) -> float | None:
    known = [score for score in scores if score is not None]
    return sum(known) / len(known) if known else None


def _shown(value: float | None, places: int) -> str:
    return "" if value is None else f"{value:.{places}f}"


def _number(text: str) -> float | None:
    return float(text) if text else None
