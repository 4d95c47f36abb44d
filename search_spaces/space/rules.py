"""Rules of a space: combinations that are forbidden, and what some parts require of others.

forbid:
  - {block: residual, "skip.*": attention_gate}                  # not both
require:
  - {if: {"decoder.*": any}, then: {bottleneck: [mhsa, window]}}  # without "if": always

A condition names options of the host and slots. An option holds when its value is the one given, or one of a list. A
slot, or a pattern of slots, holds when some slot of it has one of the mechanisms; ``any`` stands for every mechanism,
``none`` holds when no slot of it is filled.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from search_spaces.attention.mechanism import Value


@dataclass(frozen=True)
class Filled:
    """That some slot of ``pattern`` holds one of ``mechanisms``; None for any."""

    pattern: str
    mechanisms: frozenset[str] | None = None

    def met_by(self, slot: str, mechanism: str) -> bool:
        """Whether this mechanism in this slot is enough."""
        return (self.mechanisms is None or mechanism in self.mechanisms) and fnmatch.fnmatchcase(slot, self.pattern)


@dataclass(frozen=True)
class Condition:
    """Options with values, and slots filled or (False) empty: all of them hold, or the condition does not."""

    options: tuple[tuple[str, tuple[Value, ...]], ...] = ()
    slots: tuple[tuple[Filled, bool], ...] = ()

    def holds(self, options: Mapping[str, Value], filled: Callable[[Filled], bool]) -> bool:
        return all(options.get(name) in values for name, values in self.options) and all(
            filled(slot) == wanted for slot, wanted in self.slots
        )


@dataclass(frozen=True)
class Rules:
    """What a space excludes.

    Attributes:
        forbidden: conditions that must not hold.
        required: pairs of conditions: where the first holds, so must the second.
        written: the rules as plain data, as they were given.
    """

    forbidden: tuple[Condition, ...] = ()
    required: tuple[tuple[Condition, Condition], ...] = ()
    written: Mapping[str, Sequence[Any]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.forbidden or self.required)

    @property
    def facts(self) -> tuple[Filled, ...]:
        """What has to be known of the slots, each once."""
        conditions = [*self.forbidden, *(condition for pair in self.required for condition in pair)]
        return tuple(dict.fromkeys(fact for condition in conditions for fact, _ in condition.slots))

    def allow(self, options: Mapping[str, Value], filled: Callable[[Filled], bool]) -> bool:
        """Whether an architecture with these ``options``, whose slots answer ``filled``, keeps every rule."""
        return not any(condition.holds(options, filled) for condition in self.forbidden) and all(
            not first.holds(options, filled) or second.holds(options, filled) for first, second in self.required
        )

    def allow_attention(self, options: Mapping[str, Value], placed: Mapping[str, Sequence[str]]) -> bool:
        """As ``allow``; ``placed``: the mechanisms in each filled slot."""

        def filled(fact: Filled) -> bool:
            return any(fact.met_by(slot, name) for slot, names in placed.items() for name in names)

        return self.allow(options, filled)
