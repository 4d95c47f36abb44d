"""Modules of the user's own that register mechanisms, hosts, strategies, evaluators or task formats."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from search_spaces.errors import InputError, InputErrors


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


def _import(name: str, folder: Path) -> str:
    path = Path(name)
    module = path.stem if path.suffix == ".py" else name
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
