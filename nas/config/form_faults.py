"""What pydantic finds wrong with a config, as lines for the user: the key, what was expected, what came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from search_spaces.errors import unknown_name

EXPECTED = {
    "int_type": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "string_type": "text",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping of keys",
    "model_type": "a mapping of keys",
    "literal_error": "{expected}",
    "greater_than_equal": "at least {ge:.10g}",
    "greater_than": "more than {gt:.10g}",
    "less_than_equal": "at most {le:.10g}",
    "less_than": "less than {lt:.10g}",
}


def fault_lines(model: type[BaseModel], data: Any, error: ValidationError) -> list[str]:
    """One line a key, however many forms of its value pydantic has tried.

    Args:
        model: what ``data`` was checked against.
        data: what the user gave.
        error: what pydantic said of it.
    """
    by_key: dict[tuple[Any, ...], list[ErrorDetails]] = {}
    for fault in error.errors():
        by_key.setdefault(_key(fault["loc"], data), []).append(fault)
    # Of a value that may be a number or a list, a list with one bad element is told of at the element alone.
    deepest = [key for key in by_key if not any(other[: len(key)] == key for other in by_key if other != key)]
    return [_line(model, key, _at(data, key), by_key[key]) for key in deepest]


def faulty_keys(data: Any, error: ValidationError) -> set[tuple[Any, ...]]:
    """Where in ``data`` faults are, as the keys that lead there."""
    return {_key(fault["loc"], data) for fault in error.errors()}


def _line(model: type[BaseModel], key: tuple[Any, ...], value: Any, faults: Sequence[ErrorDetails]) -> str:
    dotted = ".".join(map(str, key))
    for fault in faults:
        no_text = fault["loc"][-1] == "[key]" and not isinstance(key[-1], str)
        if no_text or fault["type"] in ("extra_forbidden", "invalid_key"):
            return _odd_key(model, key)
        if fault["type"] == "value_error":  # of our own parsers, which say what came
            return f"{dotted}: {fault['msg'].removeprefix('Value error, ')}"
    expected = [
        EXPECTED.get(fault["type"], fault["msg"].replace("{", "").replace("}", "")).format(**fault.get("ctx", {}))
        for fault in faults
    ]
    return f"{dotted}: expected {' or '.join(dict.fromkeys(expected))}, got {shown(value)}"


def _odd_key(model: type[BaseModel], key: tuple[Any, ...]) -> str:
    """Of a key that is not known, or no text, as ``1`` is, or ``no``, which YAML takes for a truth value."""
    section: Any = model
    for part in key[:-1]:
        field = getattr(section, "model_fields", {}).get(part)
        section = field and field.annotation
    place = ".".join(map(str, key[:-1]))
    if getattr(section, "model_config", {}).get("extra") == "forbid":
        return unknown_name(f"key of '{place}':" if place else "key", key[-1], section.model_fields)
    return f"{place}: expected names that are text, got {key[-1]!r}"


def _key(location: Sequence[Any], data: Any) -> tuple[Any, ...]:
    """The parts of a location that lead through the user's data; the others name the forms that pydantic tried.

    A key that is no text is a number there where it can be, as a truth value is, else what ``repr`` makes of it.
    """
    key: list[Any] = []
    for part in location:
        if isinstance(data, Mapping):
            found = [own for own in data if part in (own, repr(own))]
        else:
            found = [part] if isinstance(data, list | tuple) and isinstance(part, int) and part < len(data) else []
        if found:
            key.append(found[0])
            data = data[found[0]]
    return tuple(key)


def _at(data: Any, key: Sequence[Any]) -> Any:
    for part in key:
        data = data[part]
    return data


def shown(value: Any, limit: int = 80) -> str:
    """A value as it is shown in a line: whole, or its beginning."""
    text = " ".join(repr(value).split())
    return text if len(text) <= limit else f"{text[: limit - 3]}..."
