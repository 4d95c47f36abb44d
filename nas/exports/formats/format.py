"""What a format is: how a network goes into a file beside the others of an export, and comes back to predict."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from torch import Tensor

from nas.exports.model import ExportedModel
from search_spaces.errors import InputErrors
from search_spaces.registry import Registry

Images = Sequence[Tensor]  # ``(1, channels, *patch)`` each


@dataclass(frozen=True)
class Format:
    """A way to hand on a trained network.

    Attributes:
        name: as users write it.
        file: its name in the folder of an export, a file or a folder.
        tells: what it is, in half a line.
        write: writes a model as that file, given some prepared images of validation cases, none where the data are not
            there; raises ``InputError`` where a package is missing, or where what the file computes is not what the
            network does.
        read: the model in such a file, on a device; raises ``InputError`` where it is none.
        mark: of a folder, the file in it that tells that it is one.
        runs_alone: whether ``predict.py`` beside it takes it.
        exact: whether it computes what the network does but for rounding.
        calibrated: whether writing it takes such images.
        predicts: whether it holds weights.
        needs: packages of the extra ``export`` without which it cannot be written.
    """

    name: str
    file: str
    tells: str
    write: Callable[[ExportedModel, Path, Images], object]
    read: Callable[[Path, str], ExportedModel]
    mark: str = ""
    runs_alone: bool = True
    exact: bool = True
    calibrated: bool = False
    predicts: bool = True
    needs: tuple[str, ...] = ()

    def takes(self, path: Path) -> bool:
        """Whether ``path`` looks like a file of this format."""
        if self.mark:
            return (path / self.mark).is_file()
        return path.is_file() and path.suffix == Path(self.file).suffix


FORMATS: Registry[Format] = Registry("format", "nas.exports.formats")


def check_packages(formats: Iterable[Format]) -> None:
    """Raise ``InputErrors``, a line for each package that writing the formats needs and that is not installed."""
    missing: dict[str, list[str]] = {}
    for format in formats:
        for package in format.needs:
            if find_spec(package) is None:
                missing.setdefault(package, []).append(format.name)
    if missing:
        raise InputErrors(
            [
                f"{', '.join(names)}: needs the package '{package}', which is not installed: "
                "pip install 'attention-nas[export]'"
                for package, names in missing.items()
            ]
        )


def register(format: Format) -> Format:
    """Register a format, in the module that makes it."""
    FORMATS.add(format.name, format)
    return format
