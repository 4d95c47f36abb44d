"""A registry finds its entries by importing the modules beside it."""

from __future__ import annotations

import importlib
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from search_spaces.errors import InputError, InputErrors, unknown_name
from search_spaces.registry import Registry

MakePackage = Callable[..., Any]
numbers = itertools.count()


@pytest.fixture
def registry_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakePackage:
    """Makes a package whose modules are the given sources; returns the registry that its ``__init__`` holds."""
    monkeypatch.syspath_prepend(tmp_path)

    def make(**modules: str) -> Any:
        name = f"colours_{next(numbers)}"
        folder = tmp_path / name
        folder.mkdir()
        (folder / "__init__.py").write_text(
            f"from search_spaces.registry import Registry\nCOLOURS = Registry('colour', '{name}')\n"
        )
        for module, source in modules.items():
            (folder / f"{module}.py").write_text(f"from {name} import COLOURS\n{source}\n")
        importlib.invalidate_caches()
        return importlib.import_module(name).COLOURS

    return make


def test_a_file_in_the_package_is_all_that_an_entry_needs(registry_of: MakePackage) -> None:
    colours = registry_of(warm="COLOURS.add('red', 1)\nCOLOURS.add('amber', 2)", cold="COLOURS.add('blue', 3)")
    assert list(colours) == ["amber", "blue", "red"]
    assert colours.values() == [2, 3, 1]
    assert len(colours) == 3
    assert colours["red"] == 1


@pytest.mark.parametrize("look", [lambda c: c["red"], lambda c: "red" in c, list, len, lambda c: c.values()])
def test_each_way_to_look_imports_the_modules_first(registry_of: MakePackage, look: Callable[[Any], object]) -> None:
    assert look(registry_of(warm="COLOURS.add('red', 1)"))


def test_a_module_may_look_names_up_while_it_is_imported(registry_of: MakePackage) -> None:
    colours = registry_of(a="COLOURS.add('red', 1)", b="COLOURS.add('dark red', COLOURS['red'] + 1)")
    assert colours["dark red"] == 2


def test_a_name_twice_is_an_error() -> None:
    colours: Registry[int] = Registry("colour", "search_spaces.hosts")
    colours.add("red", 1)
    with pytest.raises(ValueError, match="colour 'red' is registered twice"):
        colours.add("red", 2)


def test_an_unknown_name_is_an_error_with_the_nearest_and_all_names(registry_of: MakePackage) -> None:
    colours = registry_of(warm="COLOURS.add('red', 1)\nCOLOURS.add('amber', 2)")
    with pytest.raises(InputError) as caught:
        colours["ambre"]
    assert str(caught.value) == "unknown colour 'ambre' (did you mean 'amber'?); expected one of: amber, red"


@pytest.mark.parametrize("name", [["red"], {"red": 1}, None, 1, True])
def test_what_is_no_string_is_an_unknown_name(registry_of: MakePackage, name: Any) -> None:
    colours = registry_of(warm="COLOURS.add('red', 1)")
    assert name not in colours
    with pytest.raises(InputError, match="unknown colour"):
        colours[name]


def test_a_module_that_fails_to_import_fails_every_look_up(registry_of: MakePackage) -> None:
    colours = registry_of(a="COLOURS.add('red', 1)", b="raise RuntimeError('broken file')")
    for _ in range(2):
        with pytest.raises(RuntimeError, match="broken file"):
            colours["blue"]


def test_a_far_name_brings_no_hint() -> None:
    assert unknown_name("colour", "xyz", ["red", "blue"]) == "unknown colour 'xyz'; expected one of: blue, red"


def test_errors_list_their_faults() -> None:
    assert InputError("one").faults == ["one"]
    both = InputErrors(["one", "two"])
    assert both.faults == ["one", "two"]
    assert str(both) == "one\ntwo"
    assert isinstance(both, InputError)
