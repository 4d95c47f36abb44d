"""A commented config to begin with, for a task whose plan is known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from nas.config.reading import apply_settings

Decided = tuple[str, Any, str]  # dotted key, value, reason
WRITTEN = "training.steps"  # of what is decided the one key that stands uncommented: the first that people change
FIRST: dict[str, Any] = {
    "task": {},
    "space": "unet",
    "limits": {"params": "500k", "trials": 50},
    "training": {},
    "finals": {"seeds": 3, "candidates": 4},
    "seed": 0,
}
BESIDE = {
    "space": "or another, or a file of your own: nas list spaces",
    "limits.params": "most parameters of a network",
    "limits.trials": "networks that are tried",
    "finals.seeds": "trainings of each of the best, longer, scored on cases that nobody has looked at",
    "finals.candidates": "that many, the plain network among them",
}
BELOW = {
    "limits": ["time: 8h # most time of the search, finals not counted"],
    "finals": ["leave_out: true # what each attention of the best is worth, by training without it"],
}


def commented_config(
    path: str, about: str, settings: Sequence[str], classes: Sequence[str], decided: Sequence[Decided]
) -> str:
    """A config in YAML that searches a task, in which what is decided stands as comments.

    Args:
        path: of the task, as the config is to name it.
        about: of the task, for the first line.
        settings: of single keys, as ``task.dims=2``.
        classes: of the foreground.
        decided: where the settings say nothing. A line of it that is uncommented changes nothing.
    """
    data = apply_settings(apply_settings(FIRST, [f"task.path={_flow(path)}"]), settings)
    reasons = {key: reason for key, _, reason in decided}
    for key, value, _ in decided:
        if key == WRITTEN:
            data = apply_settings(data, [f"{key}={_flow(value)}"])
    lines = [
        f"# {about}; structures: {', '.join(classes)}. Start the search with: nas search THIS_FILE",
        "# What stands after '#' is chosen from the training cases, or left out: take '#' away to keep or change it.",
        "# Every key there is: nas list config",
    ]
    for key, value in data.items():
        if isinstance(value, Mapping):
            lines += [f"{key}:", *_written(key, value, reasons)]
            lines += [f"  # {line}" for line in (*_commented(key, decided), *BELOW.get(key, ()))]
        else:
            lines.append(_line(key, key, value, reasons))
    return "\n".join(lines) + "\n"


def _written(section: str, values: Mapping[str, Any], reasons: Mapping[str, str]) -> Iterator[str]:
    for key, value in values.items():
        yield "  " + _line(f"{section}.{key}", key, value, reasons)


def _line(dotted: str, key: str, value: Any, reasons: Mapping[str, str]) -> str:
    beside = BESIDE.get(dotted) or reasons.get(dotted)
    return f"{key}: {_flow(value)}" + (f" # {beside}" if beside else "")


def _commented(section: str, decided: Sequence[Decided]) -> Iterator[str]:
    for key, value, reason in decided:
        outer, first, *inner = key.split(".")
        if outer == section and key != WRITTEN:
            for part in reversed(inner):
                value = {part: value}
            yield f"{first}: {_flow(value)} # {reason}"


def _flow(value: Any) -> str:
    """A value on one line of YAML."""
    return yaml.safe_dump(value, default_flow_style=True, width=10_000, sort_keys=False).removesuffix("...\n").strip()
