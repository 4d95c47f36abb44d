"""A front as plain data, for JSON and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from nas.evidence.controls import Controlled
from nas.evidence.front import Front
from nas.evidence.point import FrontPoint
from nas.records.inference_cost import InferenceCost


def front_to_list(
    front: Front, dominated: bool = True, costs: Mapping[str, InferenceCost] = MappingProxyType({})
) -> list[dict[str, Any]]:
    """Every point, references, dominated ones and those left behind too, as plain data.

    ``dominated``: whether these too get intervals and gains: of a search they are thousands, and take seconds. Without
    them no metrics are told beside the Dice. ``costs``: of a prediction, by key of the architecture.
    """

    def sure(point: FrontPoint, name: str) -> float | None:
        told = dominated or point.on_front or point.is_plain or point.reference
        return getattr(point, name) if told else None

    compared = front.comparisons if dominated else {}

    def of_comparison(point: FrontPoint, name: str) -> float | None:
        return getattr(compared.get(point.architecture), name, None)

    return [
        {
            "key": point.architecture.key,
            "architecture": point.architecture.to_dict(),
            "summary": str(point.architecture),
            "params": point.cost.params,
            "macs": point.cost.macs,
            "dice": point.dice,
            "spread": point.spread,
            "false_positives": point.false_positives,
            **{name: sure(point, name) for name in ("low", "high", "gain", "gain_low", "gain_high")},
            **{name: of_comparison(point, name) for name in ("p", "detectable")},
            "equal_size": _against(front.controlled.get(point.architecture)),
            "on_front": point.on_front,
            "on_front_probability": front.chances.get(point.architecture),
            "behind": point.steps != front.steps,
            "steps": point.steps,
            "seeds": point.seeds,
            "failed": point.failed,
            "plain": point.is_plain,
            "control": point.is_control,
            "reference": point.reference,
            "trials": list(point.trials),
            **({"metrics": dict(point.metrics)} if dominated else {}),
            **({"inference": costs[point.architecture.key].to_dict()} if point.architecture.key in costs else {}),
        }
        for point in front.everything
    ]


def _against(controlled: Controlled | None) -> dict[str, Any] | None:
    """What a network gains over its plain counterpart; None where it has none."""
    if controlled is None:
        return None
    return {
        "control": controlled.control.architecture.key,
        "params": controlled.control.cost.params,
        "excess": controlled.excess,
        "gain": controlled.gain,
        "gain_low": controlled.gain_low,
        "gain_high": controlled.gain_high,
        "p": controlled.comparison.p,
        "detectable": controlled.comparison.detectable,
    }


def front_to_csv(fronts: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """What ``front_to_list`` tells of each run as one table: a row a network, a column a number.

    Of an architecture the summary stands there; what lies within another thing is named ``outer.inner``.
    """
    rows = [{"run": run, **_flat(point)} for run, points in fronts.items() for point in points]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _flat(data: Mapping[str, Any], outer: str = "") -> dict[str, Any]:
    """Mappings opened, lists of values written with spaces between."""
    flat: dict[str, Any] = {}
    for name, value in data.items():
        if name == "architecture":
            continue
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{outer}{name}.")
        else:
            flat[f"{outer}{name}"] = " ".join(map(str, value)) if isinstance(value, list) else value
    return flat
