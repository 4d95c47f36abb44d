"""Initial weights that depend on a module's name and shape and the seed alone, not on what else is in the network.

Two architectures that share a part (same name, same shapes) then start with equal weights in it,
so that the difference between their scores is not a difference of luck.
"""

from __future__ import annotations

import hashlib
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode


def name_seed(name: str, seed: int) -> int:
    """A 63-bit seed from a name and a seed, the same in every process and on every platform."""
    digest = hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def initialise(network: nn.Module, seed: int) -> None:
    """Redraw every parameter of ``network``, on the CPU, in place, each module seeded by its own name.

    Children come before parents, so a parent's ``reset_parameters`` has the last word on special values.
    The global random state is left as it was.
    """
    with torch.random.fork_rng(devices=[]):
        for name, module in _children_first(network, ""):
            reset = getattr(module, "reset_parameters", None)
            if callable(reset):
                torch.default_generator.manual_seed(name_seed(name, seed))  # torch.manual_seed seeds the GPUs too
                reset()


def zero_last(*layers: nn.Module) -> None:
    """Zero the last of ``layers`` that has parameters, so that the branch which they end gives nothing at first."""
    last = next(layer for layer in reversed(layers) if list(layer.parameters()))
    for parameter in last.parameters():
        nn.init.zeros_(parameter)


def _children_first(module: nn.Module, name: str) -> list[tuple[str, nn.Module]]:
    found: list[tuple[str, nn.Module]] = []
    for child_name, child in module.named_children():
        found += _children_first(child, f"{name}.{child_name}" if name else child_name)
    return [*found, (name, module)]


class WithoutInitialisation(TorchFunctionMode):
    """Leaves parameters as they are allocated: drawing what nobody sees takes most of a build. Buffers are set."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if getattr(func, "__module__", None) == nn.init.__name__:
            tensor = args[0] if args else kwargs["tensor"]
            if isinstance(tensor, nn.Parameter):
                return tensor
        return func(*args, **(kwargs or {}))
