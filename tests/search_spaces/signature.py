"""A digest of what a module computes, to find out whether two settings make the same one."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from search_spaces.initialisation import WithoutInitialisation


def signature(build: functools.partial[nn.Module]) -> bytes:
    """Of the module that ``build`` makes: its classes, attributes, shapes of parameters and values of buffers."""
    with torch.random.fork_rng(devices=[]), WithoutInitialisation():
        torch.default_generator.manual_seed(0)
        module = build()
    digest = hashlib.blake2b(digest_size=16)
    for name, part in module.named_modules():
        digest.update(repr((name, type(part).__qualname__, _described(_own_attributes(part)))).encode())
        digest.update(repr([(key, tuple(value.shape)) for key, value in part.named_parameters(recurse=False)]).encode())
        for key, value in part.named_buffers(recurse=False):
            digest.update(repr((key, tuple(value.shape), str(value.dtype))).encode())
            digest.update(value.contiguous().numpy().tobytes())
    return digest.digest()


def _own_attributes(module: nn.Module) -> dict[str, Any]:
    hidden = nn.Module().__dict__.keys()
    return {name: value for name, value in vars(module).items() if name not in hidden}


def _described(value: Any) -> Any:
    """``value`` as plain data that is equal for equal values, whatever their addresses are."""
    if isinstance(value, Mapping):
        return [(str(key), _described(item)) for key, item in value.items()]
    if isinstance(value, list | tuple | torch.Size):
        return [_described(item) for item in value]
    if isinstance(value, functools.partial):
        return [_described(value.func), _described(value.args), _described(value.keywords)]
    if isinstance(value, Tensor):
        return value.tolist()
    if callable(value):
        return f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', type(value).__qualname__)}"
    return repr(value)
