"""Presets: published networks as architecture files, ``presets/NAME.yaml`` beside this, ``preset:NAME`` to the user.

A file begins with comments: ``# Title. Authors: Paper, venue year, address``, then ``# Deviation: ...`` for what of the
published network is different here. Each may go on in the next comment lines.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from search_spaces.architecture.architecture import Architecture
from search_spaces.errors import InputError, InputErrors, unknown_name

FOLDER = Path(__file__).parent / "presets"
PREFIX = "preset:"
DEVIATION = "Deviation:"


@dataclass(frozen=True)
class Preset:
    """What the comments of a preset's file say.

    Attributes:
        name: name of the file.
        title: name of the network.
        paper: authors and title, venue and year.
        address: of the paper.
        deviation: how the published network differs; empty where nothing is said to.
    """

    name: str
    title: str
    paper: str
    address: str
    deviation: str


def preset_names() -> list[str]:
    """Names of the presets, sorted."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def load_preset(name: str, dims: int | None = None) -> Architecture:
    """The architecture of a preset.

    Args:
        name: its name, without ``preset:``.
        dims: 2 or 3, instead of the published number.

    Raises:
        InputError: there is no such preset, or its host or a mechanism does not exist in ``dims``.
    """
    published = Architecture.load(_path(name))
    if dims is None or dims == published.dims:
        return published
    try:
        return Architecture.from_dict({**published.to_dict(), "dims": dims})
    except InputError as error:
        raise InputErrors([f"preset '{name}' in {dims}D: {fault}" for fault in error.faults]) from None


def describe_preset(name: str) -> Preset:
    """What a preset's file says of it. Raises ``InputError`` where there is none of that name."""
    paragraphs: list[str] = [""]
    for line in _path(name).read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        text = line.removeprefix("#").strip()
        if text.startswith(DEVIATION):
            paragraphs.append(text.removeprefix(DEVIATION))
        else:
            paragraphs[-1] += f" {text}"
    (title, _, source), *deviations = paragraphs[0].strip().partition(". "), *(text.strip() for text in paragraphs[1:])
    paper, _, address = source.rpartition(", ")
    return Preset(name, title, paper, address, " ".join(deviations))


def _path(name: str) -> Path:
    if name not in preset_names():
        raise InputError(unknown_name("preset", name, preset_names()))
    return FOLDER / f"{name}.yaml"
