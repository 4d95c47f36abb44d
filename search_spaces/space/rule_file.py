"""Rules of a space file, see ``rules``: checked, with every fault reported."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from search_spaces.attention import MECHANISMS
from search_spaces.attention.mechanism import Value
from search_spaces.errors import unknown_name
from search_spaces.hosts import HOSTS
from search_spaces.space.frame import EMPTY
from search_spaces.space.rules import Condition, Filled, Rules

ANY = "any"


def read_rules(
    data: Mapping[str, Any], options: Collection[str], match: Callable[[str], Sequence[str]], faults: list[str]
) -> Rules:
    """The rules under ``forbid`` and ``require``.

    Args:
        data: of a space file.
        options: names of options that any host of the space has.
        match: the slots of a pattern; notes patterns that match nothing.
        faults: takes what is wrong.
    """
    read = _Reader(options, match, faults)
    written = {key: _list(data.get(key), key, faults) for key in ("forbid", "require")}
    forbidden = tuple(read.condition(rule, "forbid") for rule in written["forbid"])
    required = tuple(read.requirement(rule) for rule in written["require"])
    return Rules(forbidden, required, {key: rules for key, rules in written.items() if rules})


class _Reader:
    def __init__(self, options: Collection[str], match: Callable[[str], Sequence[str]], faults: list[str]) -> None:
        self.options, self.match, self.faults = options, match, faults

    def requirement(self, rule: Any) -> tuple[Condition, Condition]:
        """A rule of ``require``: what must hold where the first condition does."""
        if not isinstance(rule, Mapping) or "then" not in rule or not set(rule) <= {"if", "then"}:
            self.faults.append(f"space: a rule of require has the keys 'if' (or not) and 'then'; got {rule!r}")
            return Condition(), Condition()
        return self.condition(rule.get("if", {}), "if"), self.condition(rule["then"], "then")

    def condition(self, written: Any, owner: str) -> Condition:
        """A mapping of options and slots as a condition; ``owner`` is the key that it stands under."""
        if not isinstance(written, Mapping) or (owner != "if" and not written):
            self.faults.append(f"space: '{owner}' is a mapping of options and slots to what they hold; got {written!r}")
            return Condition()
        options: list[tuple[str, tuple[Value, ...]]] = []
        slots: list[tuple[Filled, bool]] = []
        for key, wanted in written.items():
            values = tuple(wanted) if isinstance(wanted, list) else (wanted,)
            if key == "host":
                self.faults += [unknown_name("host", name, HOSTS) for name in values if name not in HOSTS]
                options.append((key, values))
            elif key in self.options:
                options.append((key, values))
            else:
                self.match(str(key))
                slots.append(self._slot(str(key), values))
        return Condition(tuple(options), tuple(slots))

    def _slot(self, pattern: str, values: tuple[Any, ...]) -> tuple[Filled, bool]:
        if values in ((ANY,), (EMPTY,)):
            return Filled(pattern), values == (ANY,)
        self.faults += [
            unknown_name("mechanism", name, [*MECHANISMS, ANY, EMPTY]) for name in values if name not in MECHANISMS
        ]
        return Filled(pattern, frozenset(str(name) for name in values)), True


def _list(given: Any, key: str, faults: list[str]) -> list[Any]:
    if given is None:
        return []
    if not isinstance(given, list):
        faults.append(f"space: {key} is a list of rules; got {given!r}")
        return []
    return given
