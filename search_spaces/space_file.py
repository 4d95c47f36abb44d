"""Spaces as YAML: shipped ones by name, a user's by path, or the same as a mapping.

host: unet
options: {depth: [3, 4], width: [8, 12]}    # left out: the host's default; all: everything it offers
slots: all                                  # or names and patterns: [bottleneck, "skip.*"]
mechanisms: all                             # or names, or names with choices: {se: {reduction: [4, 8]}}
max_filled: 3                               # left out: no limit
"""

from __future__ import annotations

import fnmatch
import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import yaml

from search_spaces.architecture import option_faults, slots_of
from search_spaces.attention import MECHANISMS
from search_spaces.attention.mechanism import Value
from search_spaces.errors import InputError, InputErrors, unknown_name
from search_spaces.hosts import HOSTS
from search_spaces.placement import Placement
from search_spaces.slot import Slot
from search_spaces.space import Choices, Space

FOLDER = Path(__file__).parent / "spaces"
KEYS = ("host", "options", "slots", "mechanisms", "max_filled")


def space_names() -> list[str]:
    """Names of the spaces that ship with the project."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def load_space(source: str | Path | Mapping[str, Any], dims: int) -> Space:
    """A space from a shipped name, a YAML path, or a mapping with the same keys.

    Raises ``InputErrors`` that name every fault of the space, all together.
    """
    if isinstance(source, Mapping):
        return _space_from(source, dims)
    path = Path(source)
    if str(source) in space_names():
        path = FOLDER / f"{source}.yaml"
    elif path.suffix not in (".yaml", ".yml"):
        raise InputError(unknown_name("space", source, space_names()) + ", or the path of a YAML file")
    try:
        data = yaml.safe_load(path.read_text())
    except FileNotFoundError:
        raise InputError(f"space file '{path}' does not exist") from None
    except OSError as error:
        raise InputError(f"space file '{path}' cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"space file '{path}' is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(data, Mapping):
        raise InputError(f"space file '{path}': expected a mapping, got {type(data).__name__}")
    return _space_from(data, dims)


def _space_from(data: Mapping[str, Any], dims: int) -> Space:
    faults = [unknown_name("key of a space", key, KEYS) for key in data if key not in KEYS]
    given = {key: "all" if data.get(key) is None else data[key] for key in ("slots", "mechanisms")}
    mechanisms = _mechanisms(given["mechanisms"], faults)
    max_filled = data.get("max_filled")
    if max_filled is not None and (not isinstance(max_filled, int) or isinstance(max_filled, bool) or max_filled < 0):
        faults.append(f"space: max_filled is a whole number from 0, or left out; got {max_filled!r}")
    host = data.get("host", "unet")
    if host not in HOSTS:
        raise InputErrors([*faults, unknown_name("host", host, HOSTS)])
    if dims not in HOSTS[host].dims:
        raise InputErrors(
            [*faults, f"space: host '{host}' exists in {HOSTS[host].dims} dimensions, the task has {dims}"]
        )
    options = _options(host, data.get("options"), faults)
    slots = _all_slots(host, dims, options)
    wanted = _wanted(given["slots"], slots, host, faults)
    if not isinstance(given["slots"], Mapping):
        placed = {name: _admitted(mechanisms, slots[name], dims) for name in wanted}
    else:
        placed = _by_slot(given["slots"], slots, mechanisms, dims, faults)
    if given["mechanisms"] != "all" and placed:
        homeless = [name for name in mechanisms if not any(name in offered for offered in placed.values())]
        faults += [_why_homeless(name, [slots[slot] for slot in placed], dims) for name in homeless]
    faults += _refusals(placed, slots, dims)
    if faults:
        raise InputErrors(faults)
    return Space(host, dims, options, placed, max_filled)


def _options(host: str, given: Any, faults: list[str]) -> Choices:
    """The host's options: what is not named keeps its default, so that a space names what varies."""
    offered, defaults = HOSTS[host].options, HOSTS[host].defaults
    choices = _choices(f"host '{host}'", None if given == "all" else given, offered, faults)
    named = set(offered) if given == "all" else set(given) if isinstance(given, Mapping) else set()
    return {name: values if name in named else (defaults[name],) for name, values in choices.items()}


def _choices(owner: str, given: Any, offered: Mapping[str, tuple[Value, ...]], faults: list[str]) -> Choices:
    """The values of each option: those given (one or a list), else, as after a fault, all that are offered."""
    if given is None:
        return offered
    if not isinstance(given, Mapping):
        faults.append(f"{owner}: options are a mapping of name to values; got {given!r}")
        return offered
    faults += [unknown_name(f"option of {owner}:", name, offered) for name in given if name not in offered]
    choices: dict[str, tuple[Value, ...]] = {}
    for name, values in offered.items():
        listed = given.get(name, values)
        listed = listed if isinstance(listed, list | tuple) else [listed]
        wrong = [fault for value in listed for fault in option_faults(owner, name, value, values)]
        if not listed:
            wrong.append(f"{owner}: option '{name}' has an empty list of values")
        faults += wrong
        choices[name] = values if wrong else tuple(dict.fromkeys(listed))
    return choices


def _mechanisms(given: Any, faults: list[str]) -> dict[str, Choices]:
    if given == "all":
        return {name: MECHANISMS[name].choices for name in MECHANISMS}
    if isinstance(given, str):
        given = [given]
    if not isinstance(given, list | tuple | Mapping):
        faults.append(f"space: mechanisms is 'all', a list of names, or a mapping of names to choices; got {given!r}")
        return {}
    faults += [unknown_name("mechanism", name, MECHANISMS) for name in given if name not in MECHANISMS]
    known = [name for name in given if name in MECHANISMS]
    choices = given if isinstance(given, Mapping) else {}
    return {
        name: _choices(f"mechanism '{name}'", choices.get(name), MECHANISMS[name].choices, faults) for name in known
    }


def _all_slots(host: str, dims: int, options: Choices) -> dict[str, Slot]:
    """Every slot that any of the host's options gives; where options change a slot's width, one form of it."""
    slots: dict[str, Slot] = {}
    for values in itertools.product(*options.values()):
        slots.update(slots_of(host, dims, tuple(zip(options, values, strict=True))))
    return slots


def _wanted(given: Any, slots: Mapping[str, Slot], host: str, faults: list[str]) -> list[str]:
    if given == "all":
        return list(slots)
    if not isinstance(given, str | list | tuple | Mapping):
        faults.append(f"space: slots is 'all', a list of names, or a mapping of names to mechanisms; got {given!r}")
        return []
    patterns = [given] if isinstance(given, str) else list(given)
    for pattern in patterns:
        if not fnmatch.filter(slots, str(pattern)):
            faults.append(unknown_name(f"slot of {host}:", pattern, slots))
    return [name for name in slots if any(fnmatch.fnmatchcase(name, str(pattern)) for pattern in patterns)]


def _by_slot(
    given: Mapping[str, Any], slots: Mapping[str, Slot], mechanisms: Mapping[str, Choices], dims: int, faults: list[str]
) -> dict[str, dict[str, Choices]]:
    """Slots written out with their own mechanisms, as ``Space.to_dict`` does; a later pattern adds to an earlier."""
    placed: dict[str, dict[str, Choices]] = {}
    for pattern, offered in given.items():
        here = mechanisms if offered in (None, "all") else _mechanisms(offered, faults)
        for name in fnmatch.filter(slots, str(pattern)):
            for mechanism, choices in here.items():
                refusal = slots[name].refuses(MECHANISMS[mechanism], dims)
                if refusal and offered not in (None, "all"):
                    faults.append(f"slot '{name}': {refusal}")
                elif not refusal:
                    placed.setdefault(name, {})[mechanism] = choices
    return {name: placed[name] for name in slots if name in placed}


def _refusals(placed: Mapping[str, Mapping[str, Choices]], slots: Mapping[str, Slot], dims: int) -> list[str]:
    """What mechanisms say of numbers that the registry does not list: better here than in the middle of a search."""
    faults: dict[str, None] = {}
    for slot, mechanisms in placed.items():
        for mechanism, choices in mechanisms.items():
            listed = MECHANISMS[mechanism].choices
            new = [(name, value) for name, values in choices.items() for value in values if value not in listed[name]]
            for option in new:
                try:
                    with torch.device("meta"):
                        Placement(mechanism, (option,)).build(slots[slot], dims, classes=1)
                except InputError as error:
                    faults[f"mechanism '{mechanism}': {error}"] = None
    return list(faults)


def _admitted(mechanisms: Mapping[str, Choices], slot: Slot, dims: int) -> dict[str, Choices]:
    return {name: choices for name, choices in mechanisms.items() if not slot.refuses(MECHANISMS[name], dims)}


def _why_homeless(name: str, slots: list[Slot], dims: int) -> str:
    refusals = (slot.refuses(MECHANISMS[name], dims) for slot in slots)
    reason = next((refusal for refusal in refusals if refusal), "they list others")
    return f"mechanism '{name}' fits none of the slots {', '.join(slot.name for slot in slots)}: {reason}"
