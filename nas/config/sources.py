"""What a user may give where an architecture or a size is asked for."""

from __future__ import annotations

import json
import re
import sys
import sysconfig
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from search_spaces.errors import InputError, InputErrors, unknown_name
from search_spaces.plugins import import_plugins

if TYPE_CHECKING:
    from search_spaces.architecture.architecture import Architecture

PACKAGE = Path(__file__).parents[1]
EXAMPLES = (PACKAGE.parent / "runs" / "examples", PACKAGE / "examples")  # in a checkout, in an installed package
NETWORK = "network"  # the key of one that is not ours
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
    """Architectures of ``dims`` dimensions by name: that of the preset, the file or the callable.

    Args:
        sources: see ``load_architecture``, and ``python:MODULE.CALLABLE`` for a network that is not ours; or
            architectures written out, by name, such a network as ``{network: python:..., arguments: {...}}``.
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
                given, name = sources[source], source
                architecture = _outside(given, dims) if NETWORK in given else Architecture.from_dict(given)
            elif _is_outside(source):
                architecture, name = _outside({NETWORK: source}, dims), re.split("[.:]", source)[-1]
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


def modules_outside(architectures: Iterable[Architecture], folder: Path) -> list[str]:
    """Import the modules of networks that are not ours, and return those that other processes must be told of.

    Those that are installed they find for themselves. ``folder``: where they may lie, beside the working folder.
    """
    from search_spaces.hosts.outside import PREFIX, is_ours, module_of

    hosts = [one.host for one in architectures if one.host.startswith(PREFIX) and not is_ours(one.host)]
    modules = dict.fromkeys(map(module_of, hosts))
    found = import_plugins(list(modules), folder)
    installed = Path(sysconfig.get_path("purelib")), Path(sysconfig.get_path("stdlib"))
    files = [Path(getattr(sys.modules[module], "__file__", None) or installed[0]) for module in modules]
    return [name for name, file in zip(found, files, strict=True) if not any(map(file.is_relative_to, installed))]


def _is_outside(source: str) -> bool:
    """Whether it is ``python:MODULE.CALLABLE`` or ``MODULE:CALLABLE``; a preset and a file are none."""
    return source.startswith("python:") or re.fullmatch(r"(?!preset:)[\w.]+:\w+", source) is not None


def _outside(given: Mapping[str, Any], dims: int | None) -> Architecture:
    """A network that is not ours, with its arguments. Raises ``InputError``."""
    from search_spaces.architecture.architecture import Architecture
    from search_spaces.hosts.outside import ARGUMENTS, normal_path

    unknown = [key for key in given if key not in (NETWORK, ARGUMENTS)]
    if unknown:
        raise InputError(unknown_name("key of a network", unknown[0], (NETWORK, ARGUMENTS)))
    arguments = given.get(ARGUMENTS) or {}
    if not isinstance(arguments, Mapping):
        raise InputError(f"network '{given[NETWORK]}': '{ARGUMENTS}' is a mapping; got {arguments!r}")
    try:
        text = json.dumps(dict(arguments))
    except TypeError as error:  # YAML also brings dates
        raise InputError(f"network '{given[NETWORK]}': {ARGUMENTS}: {error}") from None
    return Architecture.create(normal_path(str(given[NETWORK])), dims or 2, {ARGUMENTS: text})


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
