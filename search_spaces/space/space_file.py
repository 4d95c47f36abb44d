"""Spaces as YAML: shipped ones by name, a user's by path, or the same as a mapping.

host: unet
options: {depth: [3, 4], width: [8, 12]}    # left out: the host's default; all: everything it offers
hosts: {unet: {depth: [3, 4]}, nested: all} # in place of the two: several hosts, each with its options
slots: all                                  # or names and patterns: [bottleneck, "skip.*"]
mechanisms: all                             # or names, or names with choices: {se: {reduction: [4, 8]}}
max_filled: 3                               # left out: no limit
series: 2                                   # most mechanisms one after another in a slot; left out: 1
tied: ["skip.*"]                            # slots that hold the same
fixed: {bottleneck: {mechanism: mhsa}}      # what always sits somewhere
forbid: [{block: residual, "skip.*": attention_gate}]
require: [{if: {depth: 4}, then: {bottleneck: any}}]    # see rules.py

A file with the single key ``spaces`` holds a list of such mappings, each of another host.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from search_spaces.errors import InputError, InputErrors, unknown_name
from search_spaces.hosts import HOSTS
from search_spaces.space.rule_file import read_rules
from search_spaces.space.space import Space
from search_spaces.space.space_reading import HostReading, host_options, mechanism_choices, refusals
from search_spaces.space.union import SearchSpace, Union
from search_spaces.yaml_file import is_yaml, read_yaml

FOLDER = Path(__file__).parent / "shipped"
KEYS = (
    "host",
    "options",
    "hosts",
    "slots",
    "mechanisms",
    "max_filled",
    "series",
    "tied",
    "fixed",
    "forbid",
    "require",
)


def space_names() -> list[str]:
    """Names of the spaces that ship with the project."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def load_space(source: str | Path | Mapping[str, Any], dims: int) -> SearchSpace:
    """A space from a shipped name, a YAML path, or a mapping with the same keys.

    Raises ``InputErrors`` that name every fault of the space, all together.
    """
    if isinstance(source, Mapping):
        return _space_from(source, dims)
    path = Path(source)
    if str(source) in space_names():
        path = FOLDER / f"{source}.yaml"
    elif not is_yaml(path):
        raise InputError(unknown_name("space", source, space_names()) + ", or the path of a YAML file")
    data = read_yaml(path, "space")
    if not isinstance(data, Mapping):
        raise InputError(f"space file '{path}': expected a mapping, got {type(data).__name__}")
    return _space_from(data, dims)


def _space_from(data: Mapping[str, Any], dims: int) -> SearchSpace:
    if "spaces" in data:
        return _side_by_side(data, dims)
    faults = [unknown_name("key of a space", key, KEYS) for key in data if key not in KEYS]
    given = {key: "all" if data.get(key) is None else data[key] for key in ("slots", "mechanisms")}
    mechanisms = mechanism_choices(given["mechanisms"], faults)
    limits = {key: _whole(data, key, least, faults) for key, least in (("max_filled", 0), ("series", 1))}
    patterns = _patterns(data, faults)
    hosts = _hosts(data, dims, faults)
    readings = [HostReading(host, dims, host_options(host, options, faults)) for host, options in hosts.items()]
    options = {name for reading in readings for name in reading.options}
    parts = []
    for reading in readings:
        placed = reading.placed(given["slots"], mechanisms, faults)
        if given["mechanisms"] != "all" and placed:
            reading.find_homes(mechanisms, placed)
        faults += refusals(placed, reading.slots, dims)
        fixed = reading.fixed(data.get("fixed"), faults)
        for pattern in patterns:
            reading.match(pattern)
        rules = read_rules(data, options, reading.match, faults)
        if not faults:
            parts.append(
                Space(
                    reading.host,
                    dims,
                    reading.options,
                    placed,
                    limits["max_filled"],
                    series=limits["series"] or 1,
                    tied=patterns,
                    fixed=fixed,
                    rules=rules,
                )
            )
    # A pattern or mechanism that one host has no place for is no fault where another has.
    everywhere = set.intersection(*(set(reading.absent) for reading in readings)) if readings else set()
    faults += [text for subject, text in readings[0].absent.items() if subject in everywhere] if readings else []
    if faults:
        raise InputErrors(list(dict.fromkeys(faults)))
    space = parts[0] if len(parts) == 1 else Union(parts)
    if any(part.rules for part in parts) and space.size() == 0:
        raise InputError("space: its rules leave no architecture at all")
    return space


def _side_by_side(data: Mapping[str, Any], dims: int) -> Union:
    faults = [f"space: with 'spaces' there is no other key; got '{key}'" for key in data if key != "spaces"]
    given = data["spaces"]
    if not isinstance(given, list) or not given or not all(isinstance(part, Mapping) for part in given):
        raise InputErrors([*faults, f"space: spaces is a list of spaces, each a mapping; got {given!r}"])
    parts: list[Space] = []
    for part in given:
        try:
            space = _space_from(part, dims)
            parts += [space] if isinstance(space, Space) else space.parts.values()
        except InputError as error:
            faults += error.faults
    hosts = [part.host for part in parts]
    faults += [f"space: host '{host}' is there twice" for host in sorted(set(hosts)) if hosts.count(host) > 1]
    if faults:
        raise InputErrors(faults)
    return Union(parts)


def _hosts(data: Mapping[str, Any], dims: int, faults: list[str]) -> dict[str, Any]:
    """Host name to the options written for it. Raises ``InputErrors`` when no host can be made out."""
    hosts = data.get("hosts")
    if hosts is None:
        hosts = {data.get("host", "unet"): data.get("options")} if isinstance(data.get("host", ""), str) else {}
        if not hosts:
            faults.append(unknown_name("host", data["host"], HOSTS))
    else:
        faults += [
            f"space: '{key}' goes with one host; with 'hosts', options stand below each"
            for key in ("host", "options")
            if key in data
        ]
        if isinstance(hosts, list):
            hosts = dict.fromkeys(map(str, hosts))
        if not isinstance(hosts, Mapping) or not hosts:
            raise InputErrors(
                [*faults, f"space: hosts is a list of names, or a mapping of names to options; got {hosts!r}"]
            )
    faults += [unknown_name("host", host, HOSTS) for host in hosts if host not in HOSTS]
    known = [host for host in hosts if host in HOSTS]
    faults += [
        f"space: host '{host}' exists in {HOSTS[host].dims} dimensions, the task has {dims}"
        for host in known
        if dims not in HOSTS[host].dims
    ]
    found = {host: hosts[host] for host in known if dims in HOSTS[host].dims}
    if not found:
        raise InputErrors(faults)
    return found


def _whole(data: Mapping[str, Any], key: str, least: int, faults: list[str]) -> int | None:
    value = data.get(key)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < least):
        faults.append(f"space: {key} is a whole number from {least}, or left out; got {value!r}")
        return None
    return value


def _patterns(data: Mapping[str, Any], faults: list[str]) -> list[str]:
    given = data.get("tied") or []
    given = [given] if isinstance(given, str) else given
    if not isinstance(given, list) or not all(isinstance(pattern, str) for pattern in given):
        faults.append(f"space: tied is a pattern of slots, or a list of them; got {given!r}")
        return []
    return given
