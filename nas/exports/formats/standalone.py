"""A network as Python source that needs torch alone: the modules of this package that it is made of, copied.

Source, and no program of torch.export or TorchScript: it is not tied to a version of torch, takes every size and batch
that the network takes, can be trained on, and can be read. Only the modules that the network uses are copied, found by
their imports; these become relative, nothing else changes.
"""

from __future__ import annotations

import ast
import io
import re
import sys
from collections.abc import Iterable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import torch
from torch import nn

import search_spaces
from evaluators.files import write_bytes, write_text
from evaluators.preprocessing import Preprocessing
from nas.exports.agreement import check_same, example
from nas.exports.carried import network as entry
from nas.exports.formats.format import Format, Images, register
from nas.exports.model import SETTINGS, ExportedModel, Network, model_from_settings, settings_of
from search_spaces.architecture.architecture import Architecture
from search_spaces.attention import MECHANISMS
from search_spaces.errors import InputError
from search_spaces.hosts import HOSTS

WEIGHTS = "weights.pt"
PACKAGE = search_spaces.__name__
ROOT = Path(str(search_spaces.__file__)).parent


def write_standalone(model: ExportedModel, folder: Path, images: Images = ()) -> Path:
    """Write the package ``folder`` with its weights, and return it; see ``write_source``."""
    write_bytes(folder / WEIGHTS, weights_of(model))
    return write_source(model, folder)


def write_source(model: ExportedModel, folder: Path) -> Path:
    """Write the package ``folder``, see ``carried.network``, run it, compare what it gives, and return it.

    Raises ``InputError`` for a network with parts of a plug-in, whose source is elsewhere, and when the source gives
    other logits than the network.
    """
    write_text(folder / "__init__.py", relative(Path(entry.__file__).read_text(encoding="utf-8"), ()))
    for file in sources(model.architecture):
        place = file.relative_to(ROOT)
        write_text(folder / place, relative(file.read_text(encoding="utf-8"), place.parent.parts))
    write_text(folder / SETTINGS, settings_of(model))
    image = example(model.preprocessing)
    with torch.no_grad():
        check_same(folder, _run(folder, model)(image), model.network(image))
    return folder


def weights_of(model: ExportedModel) -> bytes:
    """All weights as ``torch.load`` reads them with ``weights_only``; those of training alone as they began."""
    content = io.BytesIO()
    torch.save(model.module.state_dict(), content)
    return content.getvalue()


def sources(architecture: Architecture) -> list[Path]:
    """Files of ``search_spaces`` that a network is made of, those of its packages too."""
    mechanisms = {placement.mechanism for _, series in architecture.attention for placement in series}
    parts: dict[str, type] = {f"host '{architecture.host}'": HOSTS[architecture.host].module}
    parts |= {f"mechanism '{name}'": MECHANISMS[name].module for name in mechanisms}
    for what, part in parts.items():
        if not part.__module__.startswith(f"{PACKAGE}."):
            raise InputError(
                f"standalone: expected parts of this package, whose source is at hand; "
                f"{what} is of the plug-in '{part.__module__}'"
            )
    return closure([*(part.__module__ for part in parts.values()), *_imported(Path(entry.__file__))])


def closure(modules: Iterable[str]) -> list[Path]:
    """Files of modules of ``search_spaces``, and of all that they import of it."""
    found: dict[str, Path] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        file = _file(name)
        if name == PACKAGE or name in found or file is None:
            continue
        found[name] = file
        waiting += [*_imported(file), name.rpartition(".")[0]]
    return sorted(found.values())


def relative(source: str, package: tuple[str, ...]) -> str:
    """A module's source with imports of ``search_spaces`` made relative.

    ``package``: names of the packages that hold it, within ``search_spaces``.
    """
    dots = "." * (1 + len(package))
    source = re.sub(rf"^(\s*from ){PACKAGE}\.", rf"\g<1>{dots}", source, flags=re.MULTILINE)
    return re.sub(rf'"{PACKAGE}\.[\w.]+"', '__name__.rpartition(".")[0]', source)  # of a registry: where its things lie


def read_standalone(folder: Path, device: str = "cpu") -> ExportedModel:
    """The model in such a package; nothing of its source is run."""
    return read_weights(folder / SETTINGS, folder / WEIGHTS, device)


def read_weights(settings: Path, weights: Path, device: str) -> ExportedModel:
    """The model that two files tell: what ``settings_of`` and ``weights_of`` gave."""

    def load(architecture: Architecture, preprocessing: Preprocessing) -> Network:
        network = architecture.build(preprocessing.channels, len(preprocessing.classes))
        try:
            network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
        except (OSError, RuntimeError, EOFError, ValueError) as error:
            reason = " ".join(str(error).split())[:200]
            raise InputError(f"'{weights}' does not fit the architecture: {reason}") from None
        return network.to(device).eval()

    return model_from_settings(settings.read_text(encoding="utf-8"), load, f"'{settings}'")


def _run(folder: Path, model: ExportedModel) -> nn.Module:
    """The network that the source in ``folder`` makes, with the model's weights; its modules are forgotten after."""
    name = "network_just_written"
    spec = spec_from_file_location(name, folder / "__init__.py", submodule_search_locations=[str(folder)])
    assert spec is not None
    assert spec.loader is not None
    package = module_from_spec(spec)
    sys.modules[name] = package
    cached, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        spec.loader.exec_module(package)
        network: nn.Module = package.build()
        network.load_state_dict(model.module.state_dict())
        return network.eval()
    finally:
        sys.dont_write_bytecode = cached
        for module in [module for module in sys.modules if module.partition(".")[0] == name]:
            del sys.modules[module]


def _file(name: str) -> Path | None:
    """The file of a module of ``search_spaces``; None where it is none."""
    place = ROOT.parent / name.replace(".", "/")
    files = (place.with_suffix(".py"), place / "__init__.py")
    return next((file for file in files if file.is_file()), None)


def _imported(file: Path) -> Iterable[str]:
    """Modules of ``search_spaces`` that a file imports, and names that may be some."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith(PACKAGE):
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


register(
    Format("standalone", "network", "Python source, for torch alone", write_standalone, read_standalone, mark=WEIGHTS)
)
