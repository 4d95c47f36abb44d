"""YAML of users: what is wrong with a file is a line that names it, and a key that is given twice is wrong."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from search_spaces.errors import InputError

SAFE: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # that of safe_load, ten times as fast where there is one
SUFFIXES = (".yaml", ".yml")
NO_UTF8 = re.compile(r"\\uD[89A-F]", re.IGNORECASE)  # in names of files; the fast one refuses them


class _EachOnce:
    """Refuses a key that is given twice in one place: YAML would forget the first without a word."""

    def get_single_node(self) -> yaml.Node | None:
        root: yaml.Node | None = super().get_single_node()  # type: ignore[misc]
        waiting, met = [root], set()
        while waiting:
            node = waiting.pop()
            if node is None or id(node) in met or isinstance(node, yaml.ScalarNode):
                continue
            met.add(id(node))  # an alias is the node that it stands for
            if isinstance(node, yaml.MappingNode):
                _refuse_repeats([key for key, _ in node.value])
                waiting += [value for _, value in node.value]
            else:
                waiting += node.value
        return root


class _Loader(_EachOnce, yaml.SafeLoader): ...


class _FastLoader(_EachOnce, SAFE): ...


def _refuse_repeats(keys: Sequence[yaml.Node]) -> None:
    known: set[tuple[str, str]] = set()
    for key in keys:
        if not isinstance(key, yaml.ScalarNode):
            continue
        if (key.tag, key.value) in known:
            raise yaml.MarkedYAMLError(problem=f"the key '{key.value}' is given twice", problem_mark=key.start_mark)
        known.add((key.tag, key.value))


def is_yaml(path: Path) -> bool:
    """Whether a file is YAML by its name."""
    return path.suffix.lower() in SUFFIXES


def parse_yaml(text: str) -> Any:
    """What YAML says. Raises ``yaml.YAMLError``, or ``ValueError`` for a date that no calendar has."""
    return yaml.load(text, Loader=_Loader if NO_UTF8.search(text) else _FastLoader)


def read_yaml(path: Path, kind: str) -> Any:
    """What the file holds; ``kind`` is what messages call it. Raises ``InputError`` where it is not to be read."""
    try:
        return parse_yaml(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{kind} file '{path}' does not exist") from None
    except OSError as error:
        raise InputError(f"{kind} file '{path}' cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, ValueError) as error:
        raise InputError(f"{kind} file '{path}' is not YAML: {' '.join(str(error).split())}") from None
