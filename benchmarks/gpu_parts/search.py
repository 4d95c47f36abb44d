"""A search on the GPU with its front: ``nas search``, or without Ray a few networks trained one after another.

The task is the hippocampus where its data and what reads them are there, else phantoms that the tool makes.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from typing import Any

from measuring.gpu_usage import GpuUsage

from gpu_parts.markdown import memory, table
from gpu_parts.setting import Setting

# Of a search, beside what training takes.
NEEDED = ("ray", "nni", "scipy", "pydantic", "typer", "filelock", "threadpoolctl")


def measure(setting: Setting, until: float) -> Iterator[dict[str, Any]]:
    """The front as it is so far."""
    wanting = _wanting(setting)
    found = {"task": "phantom3d" if wanting else "hippocampus", "instead_of_hippocampus": wanting}
    with GpuUsage(setting.device) as usage:
        began = time.monotonic()
        for front in _fronts(setting, found["task"], until):
            used = {"percent": usage.percent(), "unknown": usage.unknown, "added_bytes": usage.added_bytes()}
            yield found | front | used | {"seconds": round(time.monotonic() - began, 1)}


def _fronts(setting: Setting, task: str, until: float) -> Iterator[dict[str, Any]]:
    """Of the search; where there can be none, of networks one by one, with the reason."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    why = f"missing packages: {', '.join(missing)}"
    if not missing:
        from gpu_parts.nas_search import NoSearchError, search

        try:
            for front in search(setting, task, until):
                yield front | {"without_search": ""}
            return
        except NoSearchError as error:
            why = str(error)
    from gpu_parts.one_by_one import train

    for front in train(setting, task, until):
        yield front | {"without_search": why}


def _wanting(setting: Setting) -> str:
    """Why there is no hippocampus; empty where there is."""
    if setting.quick:
        return "it is to be quick"
    if not setting.data.is_dir():
        return f"no data at {setting.data}"
    return "the package nibabel is missing" if find_spec("nibabel") is None else ""


def page(found: Mapping[str, Any]) -> str:
    what = "Networks trained one after another" if found["without_search"] else "`nas search`"
    lines = [f"{what} on {found['task']}: {found['trained']} trainings in {found['seconds']:.0f} s."]
    if found["without_search"]:
        lines.append(f"There was no `nas search` ({found['without_search']}).")
    if found["instead_of_hippocampus"]:
        lines.append(f"Phantoms in place of the hippocampus: {found['instead_of_hippocampus']}.")
    lines.append(f"The front, Dice on {found['scored_on']}:")
    lines.append(table(("network", "parameters", "Dice"), [_cells(point) for point in found["front"]]))
    if found["percent"] is not None:
        taken = memory(found["added_bytes"])
        lines.append(
            f"The GPU was busy {found['percent']:.0f} % of the time, with at most {taken} of its memory taken."
        )
    elif found["unknown"]:
        lines.append(f"How busy it was is not known: {found['unknown']}.")
    lines += [f"Failed: {line}." for line in found["failed_trials"]]
    if found["ended"]:
        lines.append(f"It ended early: {found['ended']}.")
    return "\n\n".join(lines)


def _cells(point: Mapping[str, Any]) -> list[str]:
    interval = f" ({point['low']:.3f} to {point['high']:.3f})" if "low" in point else ""
    return [f"`{point['network']}`", str(point["params"]), f"{point['dice']:.3f}{interval}"]
