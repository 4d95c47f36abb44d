"""Building modules without weights, and running them on shapes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from search_spaces.pricing.operations import CURRENT, run
from search_spaces.pricing.parts import made
from search_spaces.pricing.shape import Shape, shape

INITIAL = nn.init.__name__
ALLOCATED = {torch.empty, torch.zeros, torch.ones, torch.full, torch.rand, torch.randn, torch.tensor}


class Tracing(TorchFunctionMode):
    """While it lasts, modules are made on the meta device, without initial weights, and called with shapes."""

    def __enter__(self) -> Tracing:
        super().__enter__()
        CURRENT.tracing, CURRENT.flops = True, 0
        return self

    def __exit__(self, *error: Any) -> None:
        CURRENT.tracing = CURRENT.building = False
        super().__exit__(*error)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is torch._C._set_grad_enabled:
            return func(*args)
        return _while_building(func, args, kwargs) if CURRENT.building else run(func, args, kwargs)


def _while_building(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Weights are tensors of the meta device, on which little is done; what else is computed has a shape alone."""
    if func in ALLOCATED:
        return func(*args, **{"device": "meta", **kwargs})
    if getattr(func, "__module__", None) == INITIAL:
        return args[0] if args else kwargs["tensor"]
    name = func.__name__
    in_place = name.endswith("_") and not name.endswith("__")
    return func(*args, **kwargs) if in_place or name in ("__get__", "__set__") else run(func, args, kwargs)


def traced(build: Callable[[], nn.Module], shapes: Sequence[Any]) -> tuple[int, int]:
    """Trainable parameters of the module that ``build`` makes, and two for each multiply-accumulate of a call.

    It is called with one image each of ``shapes``, ``(channels, *spatial)``; a list among them stands for one argument
    that is a list of images. Raises whatever a network raises that wants more than shapes.
    """
    with Tracing():
        module, params = made(build)
        module(*(_image(one) for one in shapes))
        return params, CURRENT.flops


def traced_params(build: Callable[[], nn.Module]) -> int:
    """Trainable parameters of the module that ``build`` makes."""
    with Tracing():
        return made(build)[1]


def _image(size: Any) -> Shape | list[Shape]:
    return [shape((1, *one)) for one in size] if isinstance(size, list) else shape((1, *size))
