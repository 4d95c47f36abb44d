"""What an adapter is: a function from a case to this project's module, registered by repository and class name.

An adapter's keyword arguments are those of the reference's constructor, with its defaults. A case that gives others
is not covered, and so is one for which the adapter raises ``NotCovered``.
"""

from __future__ import annotations

import fnmatch
import functools
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from tests.reference.case import Case, Tensors


class NotCovered(Exception):
    """The case asks for something that no mechanism of this project has; the message says what."""


@dataclass(frozen=True)
class Subject:
    """This project's counterpart of a reference module.

    Attributes:
        module: the counterpart, freshly built.
        weights: turns the reference's state dict into that of ``module``.
        call: turns the inputs, by the reference's argument names, into its outputs; None: one output of one input.
    """

    module: nn.Module
    weights: Callable[[Tensors], Tensors]
    call: Callable[[Tensors], Sequence[Tensor]] | None = None


Adapter = Callable[..., Subject]
_ADAPTERS: dict[tuple[str, str], Adapter] = {}


def adapter(repository: str, *class_names: str) -> Callable[[Adapter], Adapter]:
    """Register a function for classes of ``repository`` (``owner/name``)."""

    def register(function: Adapter) -> Adapter:
        for class_name in class_names:
            if (repository, class_name) in _ADAPTERS:
                raise ValueError(f"two adapters for {class_name} of {repository}")
            _ADAPTERS[repository, class_name] = function
        return function

    return register


@functools.cache
def load_adapters() -> Mapping[tuple[str, str], Adapter]:
    """All adapters; imports every module of ``adapters``."""
    package = importlib.import_module("tests.reference.adapters")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{module.name}")
    return _ADAPTERS


def build(case: Case) -> Subject:
    """The counterpart of the case's reference module; raises ``NotCovered``."""
    function = load_adapters().get(case.key)
    if function is None:
        raise NotCovered(f"no adapter for {case.key[1]} of {case.key[0] or 'no repository'}")
    try:
        bound = inspect.signature(function).bind(case, **case.arguments)
    except TypeError as error:
        raise NotCovered(f"arguments of {case.key[1]}: {error}") from error
    return function(*bound.args, **bound.kwargs)


def renamed(names: Mapping[str, str], unused: str = "") -> Callable[[Tensors], Tensors]:
    """Weights by names alone: this project's module or parameter to the reference's.

    Every weight of the reference has to find a place, but those whose keys fit the pattern ``unused``: constants that
    follow from sizes, a second name. A name that the reference lacks is passed over.
    """

    def rename(reference: Tensors) -> Tensors:
        left = {key: value for key, value in reference.items() if not fnmatch.fnmatchcase(key, unused)}
        found: Tensors = {}
        for ours, theirs in names.items():
            for key in [key for key in left if key == theirs or key.startswith(f"{theirs}.")]:
                found[ours + key.removeprefix(theirs)] = left.pop(key)
        if left:
            raise ValueError(f"weights of the reference without a place here: {', '.join(left)}")
        return found

    return rename


def fitted(names: Mapping[str, str], module: nn.Module) -> Callable[[Tensors], Tensors]:
    """As ``renamed``, and in the shapes of ``module``: a 1x1 convolution and a linear layer hold the same numbers."""
    rename = renamed(names)

    def convert(reference: Tensors) -> Tensors:
        state = module.state_dict()
        return {
            key: value.reshape(state[key].shape) if key in state and value.numel() == state[key].numel() else value
            for key, value in rename(reference).items()
        }

    return convert


def queries_scaled(convert: Callable[[Tensors], Tensors], packed: str, ratio: float) -> Callable[[Tensors], Tensors]:
    """As ``convert``; the queries, the first third of the projection ``packed``, times what a given scale has more."""

    def scaled(reference: Tensors) -> Tensors:
        found = convert(reference)
        for key in (f"{packed}.weight", f"{packed}.bias"):
            if key in found:
                query, *others = found[key].chunk(3)
                found[key] = torch.cat([query * ratio, *others])
        return found

    return scaled


def divisible(width: float, divisor: int, limit: float = 0.0) -> int:
    """timm's rule: the nearest multiple of ``divisor``, one more where it is below ``limit`` times ``width``."""
    rounded = max(int(width + divisor / 2) // divisor * divisor, divisor)
    return rounded + divisor if rounded < limit * width else rounded


def exact_ratio(channels: int, width: int) -> float:
    """The ratio that gives a perceptron of exactly ``width``, which is rounded down."""
    return (width + 0.5) / channels


def exact_width(channels: int, width: int) -> dict[str, Any]:
    """The options that give a squeezed width of exactly ``width``, however the reference came to it."""
    if width < 1:
        raise NotCovered(f"squeezed width {width}: here it is at least 1")
    return {"reduction": channels, "min_width": width}
