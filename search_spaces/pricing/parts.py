"""Parts of networks: one that is made again, with the same arguments, while a cost is looked for is not built again."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from search_spaces.pricing.operations import CURRENT, plain
from search_spaces.pricing.shape import Shape, Unpriced, shape

M = TypeVar("M", bound=nn.Module)


class Part(nn.Module):
    """Base of what networks are made of.

    While a cost is looked for, one that was made before with the same arguments is not built again, and not run again
    on the same shapes: see ``Known``. So what it is and does must follow from its arguments and inputs alone.
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        return _known(cls, args, kwargs) if CURRENT.tracing else object.__new__(cls)


def remembered(kind: type[M]) -> Callable[..., M]:
    """One of torch's own layers as a ``Part``."""

    @functools.wraps(kind, updated=())
    def make(*args: Any, **kwargs: Any) -> M:
        part: M = _known(kind, args, kwargs) if CURRENT.tracing else kind(*args, **kwargs)
        return part

    return make


class Known:
    """A part that was built once.

    Attributes:
        module: itself, with shapes for its weights.
        params: its trainable parameters.
        calls: result and cost by what it was called with.
    """

    __slots__ = ("calls", "module", "params")

    def __init__(self, module: nn.Module, params: int) -> None:
        self.module, self.params = module, params
        self.calls: dict[Any, tuple[Any, int]] = {}


class StandIn(nn.Module):
    """Stands for a known part in what is made of it; each time another object, as the part would be."""

    known: Known

    def __new__(cls, known: Known) -> Any:
        self = object.__new__(cls)
        self.__dict__.update(_BLANK, known=known)
        return self

    def __init__(self, known: Known) -> None:
        """Nothing is left to do: ``nn.Module`` would set up what only weights need."""

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return type(self.__dict__["known"].module)

    @property
    def _parameters(self) -> Any:  # type: ignore[override]
        raise Unpriced("a part whose weights are asked for")

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["known"].module, name)

    def __setattr__(self, name: str, value: Any) -> None:
        raise Unpriced("a part that is changed")

    def train(self, mode: bool = True) -> StandIn:
        if mode:
            raise Unpriced("a part that is trained")
        return self

    def forward(self, *inputs: Any, **named: Any) -> Any:
        known: Known = self.__dict__["known"]
        key: Any
        if len(inputs) == 1 and type(inputs[0]) is Shape and not named:
            key = inputs[0]
        else:
            key = (plain(inputs), plain(named)) if named else plain(inputs)
        found = known.calls.get(key)
        if found is None:
            before = CURRENT.flops
            result = known.module(*inputs, **named)
            found = known.calls[key] = result, CURRENT.flops - before
        else:
            CURRENT.flops += found[1]
        return list(found[0]) if type(found[0]) is list else found[0]

    __call__ = forward


_BLANK = {name: value for name, value in nn.Module().__dict__.items() if name != "_parameters"} | {"training": False}
_KNOWN: dict[Any, Known] = {}
DATA = (int, float, str, type(None))


def _known(kind: type[nn.Module], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What stands for a part; a new one, still to be set up, where it is made of more than plain data."""
    key: Any = kind, args, *kwargs.items()
    try:
        known = _KNOWN.get(key)
    except TypeError:  # of a list or a mapping
        key = kind, plain(args), plain(kwargs)
        known = _KNOWN.get(key)
    if known is None:
        if not _is_data((*args, *kwargs.values())):
            return object.__new__(kind)
        known = _KNOWN[key] = Known(*made(lambda: _set_up(kind, args, kwargs)))
    return StandIn(known)


def _set_up(kind: type[nn.Module], args: tuple[Any, ...], kwargs: dict[str, Any]) -> nn.Module:
    """A module of this kind as its class makes it, but for the drawing of initial weights."""
    module = object.__new__(kind)
    module.__dict__["reset_parameters"] = lambda: None
    kind.__init__(module, *args, **kwargs)
    return module


def _is_data(value: Any) -> bool:
    if isinstance(value, tuple | list):
        return all(map(_is_data, value))
    if isinstance(value, dict):
        return all(map(_is_data, value.values()))
    return isinstance(value, DATA)


def made(make: Callable[[], nn.Module]) -> tuple[nn.Module, int]:
    """What ``make`` makes, in evaluation mode and with shapes for its weights, and the number of its parameters."""
    before, CURRENT.building = CURRENT.building, True
    try:
        module = make()
        with torch._C.DisableTorchFunction():
            return module, _emptied(module)
    finally:
        CURRENT.building = before


def _emptied(module: nn.Module) -> int:
    """Put shapes in the place of all tensors of a module, and turn to evaluation; its trainable parameters, once each.

    A training mode other than torch's own is refused.
    """
    count, left = 0, [module]
    seen: set[int] = set()
    counted: dict[int, Tensor] = {}  # held, so that no other one gets its number
    while left:
        part = left.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        held = part.__dict__
        if type(part) is StandIn:
            count += held["known"].params
            continue
        if type(part).train is not nn.Module.train:
            raise Unpriced("a module with a training mode of its own")
        held["training"] = False
        left += [child for child in held["_modules"].values() if child is not None]
        for name, weight in held["_parameters"].items():
            if weight is None or type(weight) is Shape:
                continue
            if id(weight) not in counted:
                counted[id(weight)] = weight
                count += weight.numel() if weight.requires_grad else 0
            held["_parameters"][name] = shape(weight.shape, weight.dtype)
        for name, buffer in held["_buffers"].items():
            if buffer is not None:
                held["_buffers"][name] = shape(buffer.shape, buffer.dtype)
    return count
