"""A trained network in hand and what it needs to read images, whatever file the two came from."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn

from evaluators.inference import Network
from evaluators.preprocessing import Preprocessing
from search_spaces.architecture.architecture import Architecture
from search_spaces.errors import InputError

SETTINGS = "model.json"  # what carries ``settings_of`` in files of other formats, and beside some

Load = Callable[[Architecture, Preprocessing], Network]


@dataclass(frozen=True)
class ExportedModel:
    """A trained network and what it needs to read images.

    Attributes:
        architecture: of the network.
        preprocessing: of its images.
        network: in eval mode; of the folder itself a module, of another format what its runtime computes.
        mirror: axes along whose mirrorings predictions are averaged.
        largest_part: label indices of which only the largest part is kept.
        about: all that ``model.yaml`` tells beside the preprocessing.
    """

    architecture: Architecture
    preprocessing: Preprocessing
    network: Network
    mirror: tuple[int, ...]
    largest_part: tuple[int, ...]
    about: dict[str, Any]

    @property
    def module(self) -> nn.Module:
        """The network, where it is one of torch."""
        assert isinstance(self.network, nn.Module)
        return self.network


def model_of(architecture: Architecture, data: Mapping[str, Any], load: Load, where: str) -> ExportedModel:
    """A model from what ``model.yaml`` tells of it.

    Args:
        architecture: of the network.
        data: what it tells.
        load: makes the network.
        where: what the data were read from, for the ``InputError`` that says that they are damaged.
    """
    try:
        about = dict(data)
        preprocessing = Preprocessing.from_dict(about.pop("preprocessing"))
        cleaned = tuple(1 + preprocessing.classes.index(name) for name in about.get("largest_part") or [])
        mirror = _axes(about, architecture.dims)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{where} is damaged: {' '.join(str(error).split())}") from None
    return ExportedModel(architecture, preprocessing, load(architecture, preprocessing), mirror, cleaned, about)


def settings_of(model: ExportedModel) -> str:
    """What a file of another format carries beside the network, as JSON: the architecture and all of ``model.yaml``.

    In plain numbers, for readers that know nothing of this package: ``mirror`` as axes, ``largest_part`` as names.
    """
    about = {**model.about, "mirror": list(model.mirror)}
    layout = model.preprocessing.to_dict()
    return json.dumps({"architecture": model.architecture.to_dict(), "preprocessing": layout, **about})


def model_from_settings(text: str, load: Load, where: str) -> ExportedModel:
    """A model from what ``settings_of`` gave; see ``model_of``."""
    try:
        data = dict(json.loads(text))
        architecture = Architecture.from_dict(data.pop("architecture"))
    except (ValueError, TypeError, KeyError):
        raise InputError(f"{where}: expected a file written by 'nas export', which says how to read images") from None
    return model_of(architecture, data, load, where)


def _axes(about: Mapping[str, Any], dims: int) -> tuple[int, ...]:
    """Those that an export names; true and false were written once, for all and none."""
    named = about.get("mirror") or []
    axes = tuple(range(dims) if named is True else named)
    if not set(axes) <= set(range(dims)):
        raise ValueError(f"mirror: expected axes from 0 to {dims - 1}, got {named!r}")
    return axes
