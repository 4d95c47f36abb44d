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
    "greater_than_equal": "at least {ge:g}",
    "greater_than": "more than {gt:g}",
    "less_than_equal": "at most {le:g}",
    "less_than": "less than {lt:g}",
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
        if fault["type"] in ("extra_forbidden", "invalid_key"):
            return _unknown(model, key)
        if fault["type"] == "value_error":  # of our own parsers, which say what came
            return f"{dotted}: {fault['msg'].removeprefix('Value error, ')}"
    expected = [
        EXPECTED.get(fault["type"], fault["msg"].replace("{", "").replace("}", "")).format(**fault.get("ctx", {}))
        for fault in faults
    ]
    return f"{dotted}: expected {' or '.join(dict.fromkeys(expected))}, got {shown(value)}"


def _unknown(model: type[BaseModel], key: tuple[Any, ...]) -> str:
    section: Any = model
    for part in key[:-1]:
        section = section.model_fields[part].annotation
    place = ".".join(map(str, key[:-1]))
    return unknown_name(f"key of '{place}':" if place else "key", key[-1], section.model_fields)


def _key(location: Sequence[Any], data: Any) -> tuple[Any, ...]:
    """The parts of a location that lead through the user's data; the others name the forms that pydantic tried."""
    key: list[Any] = []
    for part in location:
        found = next((k for k in data if str(k) == str(part)), None) if isinstance(data, Mapping) else None
        if found is not None:
            part = found
        elif not (isinstance(data, list | tuple) and isinstance(part, int) and part < len(data)):
            continue
        key.append(part)
        data = data[part]
    return tuple(key)


def _at(data: Any, key: Sequence[Any]) -> Any:
    for part in key:
        data = data[part]
    return data


def shown(value: Any, limit: int = 80) -> str:
    """A value as it is shown in a line: whole, or its beginning."""
    text = " ".join(repr(value).split())
    return text if len(text) <= limit else f"{text[: limit - 3]}..."
