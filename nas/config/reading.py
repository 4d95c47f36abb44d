"""A config as plain data: read from YAML, single keys changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from nas.config.form_faults import shown
from search_spaces.errors import InputError, InputErrors
from search_spaces.yaml_file import parse_yaml

OF_A_RUN = ("versions", "preprocessing", "data")  # what the config.yaml of a run tells beside a config


def read_config(path: Path) -> dict[str, Any]:
    """The mapping a YAML config holds. Raises ``InputError`` when there is none."""
    try:
        data = parse_yaml(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"config '{path}' does not exist") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"config '{path}' cannot be read: {error}") from None
    except (yaml.YAMLError, ValueError) as error:  # ValueError: of a date that no calendar has
        raise InputError(f"config '{path}' is not YAML: {' '.join(str(error).split())}") from None
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise InputError(f"config '{path}': expected a mapping of keys, got {type(data).__name__}")
    return data


def as_given(data: Mapping[str, Any]) -> dict[str, Any]:
    """A config, also that of a run, as a user could have written it."""
    return {key: value for key, value in data.items() if key not in OF_A_RUN}


def apply_settings(data: dict[str, Any], settings: Sequence[str]) -> dict[str, Any]:
    """``data`` with ``section.key=value`` settings put in; values are YAML. Raises ``InputErrors`` on other forms."""
    result = copied(data)
    faults: list[str] = []
    for setting in settings:
        key, equals, value = setting.partition("=")
        parts = [part.strip() for part in key.split(".")]
        if not equals or not all(parts):
            faults.append(f"--set {setting}: expected KEY=VALUE, for example training.steps=800")
            continue
        place = result
        for depth, part in enumerate(parts[:-1], start=1):
            if place.get(part) is None:
                place[part] = {}
            elif not isinstance(place[part], dict):
                held = f"'{'.'.join(parts[:depth])}' is {shown(place[part])}"
                faults.append(f"--set {setting}: expected a key that holds keys, {held}")
                break
            place = place[part]
        else:
            try:
                place[parts[-1]] = parse_yaml(value)
            except (yaml.YAMLError, ValueError) as error:
                faults.append(f"--set {setting}: the value is not YAML: {' '.join(str(error).split())}")
    if faults:
        raise InputErrors(faults)
    return result


def copied(data: Any) -> Any:
    """Mappings within mappings, anew."""
    return {key: copied(value) for key, value in data.items()} if isinstance(data, dict) else data
