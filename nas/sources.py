"""What a user may give where an architecture or a size is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from search_spaces.errors import InputError, unknown_name

if TYPE_CHECKING:
    from search_spaces.architecture import Architecture

HERE = Path(__file__).parent
EXAMPLES = (HERE.parent / "runs" / "examples", HERE / "examples")  # in a checkout, in an installed package
DEFAULT_LENGTH = {2: 96, 3: 48}


def load_architecture(source: str) -> Architecture:
    """From a YAML file, or from a folder that holds ``architecture.yaml``."""
    from search_spaces.architecture import Architecture

    path = Path(source)
    return Architecture.load(path / "architecture.yaml" if path.is_dir() else path)


def find_config(path: Path) -> Path:
    """A config file: ``path`` itself, or the example of that name that ships with the package."""
    if path.is_file():
        return path
    if path.suffix or path.name != str(path):
        raise InputError(f"config '{path}' does not exist")
    examples = {example.stem: example for folder in EXAMPLES for example in sorted(folder.glob("*.yaml"))}
    if path.name not in examples:
        raise InputError(unknown_name("config or example", path.name, examples))
    return examples[path.name]


def parse_size(text: str | None, dims: int) -> tuple[int, ...]:
    """``96x96`` to ``(96, 96)``; one number stands for every axis."""
    if text is None:
        return (DEFAULT_LENGTH[dims],) * dims
    parts = text.lower().replace(",", "x").split("x")
    lengths = [int(part) if part.strip().isdigit() else 0 for part in parts]
    if min(lengths) < 1 or len(lengths) not in (1, dims):
        raise InputError(f"size: expected {dims} lengths such as {'x'.join(['96'] * dims)}, got '{text}'")
    return tuple(lengths * dims if len(lengths) == 1 else lengths)
