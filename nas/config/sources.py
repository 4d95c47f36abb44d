"""What a user may give where an architecture or a size is asked for."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from search_spaces.errors import InputError, InputErrors, unknown_name

if TYPE_CHECKING:
    from search_spaces.architecture.architecture import Architecture

PACKAGE = Path(__file__).parents[1]
EXAMPLES = (PACKAGE.parent / "runs" / "examples", PACKAGE / "examples")  # in a checkout, in an installed package
DEFAULT_LENGTH = {2: 96, 3: 48}


def load_architecture(source: str, dims: int | None = None) -> Architecture:
    """From ``preset:NAME``, a YAML file, or a folder that holds ``architecture.yaml``.

    ``dims``: those that a preset is wanted in; a file has its own.
    """
    from search_spaces.architecture.architecture import Architecture
    from search_spaces.architecture.preset import PREFIX, load_preset

    if source.startswith(PREFIX):
        return load_preset(source.removeprefix(PREFIX), dims)
    path = Path(source)
    return Architecture.load(path / "architecture.yaml" if path.is_dir() else path)


def load_architectures(
    sources: Sequence[str] | Mapping[str, Mapping[str, Any]], folder: Path, dims: int | None
) -> dict[str, Architecture]:
    """Architectures of ``dims`` dimensions by name: that of the preset or file.

    Args:
        sources: see ``load_architecture``; or architectures written out, by name.
        folder: where relative paths may also start.
        dims: those of the task; None where they are not known.

    Raises:
        InputErrors: a line for each that cannot be used.
    """
    from search_spaces.architecture.architecture import Architecture
    from search_spaces.architecture.preset import PREFIX

    found: dict[str, Architecture] = {}
    faults: list[str] = []
    for source in sources:
        try:
            if isinstance(sources, Mapping):
                architecture, name = Architecture.from_dict(sources[source]), source
            else:
                architecture = load_architecture(locate(source, folder), dims)
                name = source.removeprefix(PREFIX) if source.startswith(PREFIX) else Path(source).stem
        except InputError as error:
            faults += error.faults
            continue
        if dims is not None and architecture.dims != dims:
            faults.append(f"architecture '{source}' is {architecture.dims}D, the task is {dims}D")
        found[source if name in found else name] = architecture
    if faults:
        raise InputErrors(faults)
    return found


def locate(name: str, folder: Path, known: Collection[str] = ()) -> str:
    """A path as it is from any working folder, where there is one: below this one, else below ``folder``."""
    if name in known:
        return name
    for path in (Path(name).expanduser(), folder / name):
        if path.exists():
            return str(path.resolve())
    return name


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
