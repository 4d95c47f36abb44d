"""Modules of the user's own that register mechanisms, hosts, strategies, evaluators or task formats; their classes."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from search_spaces.errors import InputError, InputErrors, unknown_name
from search_spaces.registry import Registry


def import_plugins(names: Sequence[str], folder: Path = Path()) -> list[str]:
    """Import modules, and return their names as they are to be given in other processes.

    Args:
        names: of modules, with dots; or paths of Python files.
        folder: where they may lie too, beside the working folder and what Python knows.

    Raises:
        InputErrors: a line for each that cannot be imported.
    """
    faults, found = [], []
    for name in names:
        try:
            found.append(_import(name, folder))
        except InputError as error:
            faults += error.faults
    if faults:
        raise InputErrors(faults)
    return found


def import_class(name: object, registry: Registry[Any], base: type, folder: Path = Path()) -> list[str]:
    """Where ``name`` is a dotted path, ``my_module.MyClass``, import the module and register the class by that name.

    Args:
        name: a dotted path; anything else is left to the registry.
        registry: of such classes.
        base: what the class must be derived from.
        folder: see ``import_plugins``.

    Returns:
        the module's name as it is to be given in other processes; nothing where ``name`` is no dotted path.

    Raises:
        InputError: where there is no such module or class, or it is of another kind.
    """
    if not isinstance(name, str) or "." not in name or (name in registry and _path_of(registry[name]) != name):
        return []
    module, _, own = name.rpartition(".")
    thing = f"{registry.kind} '{name}'"
    try:
        found = _import(module, folder)
    except InputError as error:
        raise InputError(f"{thing}: {error}") from None
    members = vars(sys.modules[module])
    if own not in members:
        classes = [key for key, member in members.items() if inspect.isclass(member) and issubclass(member, base)]
        raise InputError(f"{thing}: {unknown_name(f'class of {module}', own, classes or ['none of this kind'])}")
    cls = members[own]
    if not (inspect.isclass(cls) and issubclass(cls, base)):
        raise InputError(f"{thing}: expected a class derived from {_path_of(base)}; got {cls!r:.80}")
    if inspect.isabstract(cls):
        lacking = ", ".join(sorted(vars(cls)["__abstractmethods__"]))
        raise InputError(f"{thing}: expected a class with all that {_path_of(base)} asks for; it lacks {lacking}")
    if name not in registry:
        registry.add(name, cls)
    return [found]


def _path_of(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def _import(name: str, folder: Path) -> str:
    path = Path(name)
    module = path.stem if path.suffix == ".py" else name
    if not all(module.split(".")):
        raise InputError(f"plugin '{name}': expected the name of a module, or a Python file")
    places = [path.parent] if path.suffix == ".py" else [Path(), folder]
    file = Path(*module.split("."))
    here = next((p for p in places if (p / file.with_suffix(".py")).is_file() or (p / file).is_dir()), None)
    if here is not None and str(here.resolve()) not in sys.path:
        sys.path.append(str(here.resolve()))
    try:
        importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise _fault(name, error) from None
        looked = ", ".join(f"'{place.resolve()}'" for place in dict.fromkeys(places))
        raise InputError(f"plugin '{name}': there is no module of that name in {looked} or on Python's path") from None
    except Exception as error:  # of code that is not ours
        raise _fault(name, error) from None
    single = here is not None and "." not in module and (here / file.with_suffix(".py")).is_file()
    return str((here / file.with_suffix(".py")).resolve()) if single and here is not None else module


def _fault(name: str, error: Exception) -> InputError:
    return InputError(
        f"plugin '{name}' cannot be imported: {type(error).__name__}: {' '.join(str(error).split())[:300]}"
    )
