"""Torch's functions on shapes: what each gives, and what it costs, is worked out once and remembered."""

from __future__ import annotations

import threading
from typing import Any

import torch
from torch import Tensor

from search_spaces.pricing.flop_counter import FlopCounter
from search_spaces.pricing.rules import RULES, VIEWS
from search_spaces.pricing.shape import Shape, Unpriced, shape


class _Current(threading.local):
    """What goes on in this thread.

    Attributes:
        tracing: whether networks are run on shapes.
        building: whether, while that lasts, one is being made.
        flops: two for each multiply-accumulate so far.
    """

    tracing = False
    building = False
    flops = 0


CURRENT = _Current()


_RESULTS: dict[Any, tuple[Any, int]] = {}


def run(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What ``func`` gives: shapes where it gives tensors. Its cost goes to the tracing."""
    key: Any = func, *[one if type(one) is Shape or type(one) is int else plain(one) for one in args]
    if kwargs:
        key = *key, plain(kwargs)
    found = _RESULTS.get(key)
    if found is None:
        found = _worked_out(func, _shapes(args), {name: _shapes(value) for name, value in kwargs.items()})
        if isinstance(found[0], Shape | tuple | list):
            _RESULTS[key] = found
    CURRENT.flops += found[1]
    return list(found[0]) if type(found[0]) is list else found[0]


def plain(value: Any) -> Any:
    """An argument as part of a key, tensors as their shapes, numbers with their type."""
    kind = type(value)
    if kind is int or kind is Shape or kind is str or value is None:
        return value
    if kind is tuple or kind is list or kind is torch.Size:
        return tuple([plain(item) for item in value])
    if kind is dict:
        return tuple([(name, plain(item)) for name, item in value.items()])
    if kind is slice:
        return slice, plain(value.start), plain(value.stop), plain(value.step)
    if isinstance(value, Tensor):
        return shape(value.shape, value.dtype)
    return kind, value


def _shapes(value: Any) -> Any:
    """An argument with shapes for tensors."""
    if isinstance(value, tuple | list) and not isinstance(value, torch.Size):
        return type(value)(_shapes(item) for item in value)
    return shape(value.shape, value.dtype) if isinstance(value, Tensor) else value


def _worked_out(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, int]:
    """The result and its cost, by a rule where there is one, else from tensors on the meta device."""
    rule = RULES.get(func)
    try:
        found = rule(*args, **kwargs) if rule else None
    except TypeError:  # it is called in a way that the rule does not know
        found = None
    if found is not None:
        return found
    if "out" in kwargs:
        raise Unpriced("a result that is written into a tensor")
    with torch._C.DisableTorchFunction():
        given, named = _tensors(args), {name: _tensors(value) for name, value in kwargs.items()}
        if func in VIEWS and not (func is Tensor.__getitem__ and _gathers(args[1])):
            return _shapes(func(*given, **named)), 0
        with torch.no_grad(), torch.device("meta"), FlopCounter() as counter:
            result = func(*given, **named)
        if given and isinstance(given[0], Tensor) and given[0].shape != args[0].shape:
            raise Unpriced("a tensor that changes its shape in place")
    return _shapes(result), counter.flops


def _gathers(index: Any) -> bool:
    """Whether an index takes positions by their numbers, in a list or a tensor, and gives no view."""
    parts = index if isinstance(index, tuple) else (index,)
    return not all(part is None or part is ... or type(part) in (int, slice) for part in parts)


def _tensors(value: Any) -> Any:
    """An argument with tensors for shapes."""
    if type(value) is Shape:
        return torch.empty(value.shape, dtype=value.dtype, device="meta")
    if isinstance(value, tuple | list) and not isinstance(value, torch.Size):
        return type(value)(_tensors(item) for item in value)
    return value


Shape.run = run
