"""A config whose every key has a value: what the user left out is decided by rules, from what the data look like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from evaluators.planning.rules import Decision
from nas.config.checks import Checked, shallowest
from nas.config.config import Config
from nas.config.measured import notes_on
from nas.config.reading import copied

DECIDED = (
    "training.steps",
    "training.batch",
    "training.loss",
    "training.learning_rate",
    "training.augmentation.flip",
    "limits.depth",
)  # keys that may be left out until the data are read


def settle(checked: Checked, decisions: Sequence[Decision]) -> Checked:
    """With the decided values of the keys that were left out, and what is to be said of it all."""
    data = checked.config.model_dump()
    for one in decisions:
        if one.key in DECIDED and value_at(data, one.key) is None:
            _put(data, one.key, _deep_enough(one.value, checked) if one.key == "limits.depth" else one.value)
    config = Config.model_validate(data)
    return replace(checked, config=config, notes=notes_on(config))


def with_settled(data: Mapping[str, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    """``data`` of a run that goes on, with the run's own values of what was decided and is left out again."""
    result = copied(data)
    for key in DECIDED:
        if value_at(result, key) is None and value_at(stored, key) is not None:
            _put(result, key, value_at(stored, key))
    return result


def value_at(data: Mapping[str, Any], key: str) -> Any:
    """The value at a dotted key; None where there is none."""
    value: Any = data
    for part in key.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _put(data: dict[str, Any], key: str, value: Any) -> None:
    *sections, last = key.split(".")
    for section in sections:
        if data.get(section) is None:
            data[section] = {}
        data = data[section]
        if not isinstance(data, dict):
            return  # the check of the config says what is wrong with it
    data[last] = value


def _deep_enough(depth: int, checked: Checked) -> int:
    """A limit that leaves networks of a space that has deeper ones only, as its user wants it so."""
    return max(depth, shallowest(checked.space))
