"""A front as plain data, for JSON."""

from __future__ import annotations

from collections.abc import Mapping
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
