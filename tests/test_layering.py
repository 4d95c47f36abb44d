"""The packages stand on one another in one direction, and each heavy library has one home."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("search_spaces", "evaluators", "nas")
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))

# What each package must not import.
FORBIDDEN = {"search_spaces": {"evaluators", "nas"}, "evaluators": {"nas"}, "nas": set[str]()}
# The rooms of a package, folders and single modules, in the order in which they stand on one another.
ROOMS = {
    "search_spaces": (
        *("errors", "exporting", "initialisation", "pricing", "layers", "lazy", "registry", "plugins", "yaml_file"),
        *("attention", "catalogue", "stages", "rivals", "hosts", "architecture", "space"),
    ),
    "nas": (
        *("markdown", "quantities", "one_core", "records", "evidence", "surrogate", "run", "strategies", "testing"),
        *("tracking", "config", "exports", "profiles", "engine", "suite", "benchmark", "pictures", "report", "serving"),
        "cli",
    ),
}
# Where a library may be imported: a path or the start of one, or several.
HOMES: dict[str, str | tuple[str, ...]] = {
    "nni": "search_spaces/",
    "monai": ("evaluators/", "nas/exports/carried/monai_parts.py"),  # copied into bundles, not imported
    "ray": "nas/engine/ray_",
    **dict.fromkeys(("starlette", "uvicorn"), "nas/serving/"),
}


def imported(source: str) -> set[str]:
    """Top-level names of the packages that a module imports, wherever in it; ``.`` for a relative import."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add("." if node.level else str(node.module).split(".")[0])
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("importlib.import_module", "__import__"):
            found |= {str(a.value).split(".")[0] for a in node.args if isinstance(a, ast.Constant)}
    return found


def rooms_imported(package: str, source: str) -> set[str]:
    """Names of the rooms of ``package`` that a module imports, wherever in it."""
    modules = {
        name
        for node in ast.walk(ast.parse(source))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [f"{node.module}.{alias.name}" for alias in node.names]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    return {name.split(".")[1] for name in modules if name.startswith(f"{package}.")}.intersection(ROOMS[package])


def faults(path: str, source: str) -> Iterator[str]:
    """What the layering has against a module at ``path`` with that source."""
    names = imported(source)
    package, room = path.removesuffix(".py").split("/")[:2]
    order = ROOMS.get(package, ())
    if room in order:
        for other in sorted(rooms_imported(package, source), key=order.index):
            if order.index(other) > order.index(room):
                yield f"{path} imports {package}.{other}, which stands on {package}.{room}"
    for name in sorted(names & FORBIDDEN[path.split("/")[0]]):
        yield f"{path} imports {name}"
    for library, home in HOMES.items():
        if library in names and not path.startswith(home):
            yield f"{path} imports {library}, whose home is {home}"
    if names & {".", "tests"}:
        yield f"{path} imports by a relative name, or from the tests"


def undocumented(source: str) -> Iterator[str]:
    """A module, and its public functions and classes, that have no docstring."""
    module = ast.parse(source)
    if module.body and not ast.get_docstring(module):
        yield "the module"
    for node in module.body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        if not node.name.startswith("_") and not ast.get_docstring(node):
            yield node.name


def test_the_packages_are_found() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in FILES} == set(PACKAGES)


@pytest.mark.parametrize("package", ROOMS)
def test_every_room_has_its_place_in_the_order(package: str) -> None:
    found = {
        path.stem for path in (ROOT / package).iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert sorted(found - {"__init__", "__main__"}) == sorted(ROOMS[package])


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_run_in_one_direction_and_libraries_stay_at_home(path: Path) -> None:
    assert list(faults(path.relative_to(ROOT).as_posix(), path.read_text())) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_is_public_is_documented(path: Path) -> None:
    assert list(undocumented(path.read_text())) == []


@pytest.mark.parametrize(
    ("path", "source", "count"),
    [
        ("search_spaces/space/space.py", "import nni.mutable\nimport torch", 0),
        ("search_spaces/space/space.py", "def f():\n    from evaluators.task import Task", 1),
        ("search_spaces/space/space.py", "if TYPE_CHECKING:\n    import nas.run as run, evaluators", 2),
        ("search_spaces/space/space.py", "from . import slot", 1),
        ("evaluators/training.py", "import monai\nfrom search_spaces import Space", 0),
        ("evaluators/training.py", "from nas import trial\nfrom ray import tune", 2),
        ("evaluators/training.py", "import importlib\nimportlib.import_module('nni.nas')", 1),
        ("nas/engine/ray_trials.py", "import ray\nfrom search_spaces import Space\nfrom evaluators import Task", 0),
        ("nas/run.py", "import ray.tune\nfrom monai import losses\nimport nni", 3),
    ],
)
def test_this_file_sees_what_it_looks_for(path: str, source: str, count: int) -> None:
    assert len(list(faults(path, source))) == count


def test_this_file_sees_what_is_undocumented() -> None:
    source = "def f(): ...\ndef _g(): ...\nclass A: ...\ndef h():\n    '''Doc.'''\n"
    assert list(undocumented(source)) == ["the module", "f", "A"]
    assert list(undocumented("")) == []
