"""What a host network is: the network around the slots, with choices of its own."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from torch import Tensor, nn

from search_spaces.attention.mechanism import Value
from search_spaces.registry import Registry
from search_spaces.slot import Slot


class Host(nn.Module):
    """Base of every host network.

    The constructor is ``(in_channels, classes, *, dims, attention, <options>)``: ``attention`` maps names of
    filled slots to modules. ``classes`` counts the foreground classes; the network has one output more, for
    the background, at index 0. Its cost without attention must not depend on which slots are filled.
    """

    @classmethod
    def slots(cls, *, dims: int, **options: Any) -> list[Slot]:
        """The places for attention that a network with these options, all of them given, has."""
        raise NotImplementedError

    def forward(self, image: Tensor) -> Tensor:
        """``(batch, in_channels, *spatial)`` to logits ``(batch, 1 + classes, *spatial)``, any spatial size."""
        raise NotImplementedError


@dataclass(frozen=True)
class HostEntry:
    """What the registry knows of one host: ``options`` are what a space offers by default."""

    name: str
    module: type[Host]
    title: str
    dims: tuple[int, ...]
    options: Mapping[str, tuple[Value, ...]]
    defaults: Mapping[str, Value]


HOSTS: Registry[HostEntry] = Registry("host", "search_spaces.hosts")

H = TypeVar("H", bound=type[Host])


def host(
    name: str, *, title: str, options: Mapping[str, tuple[Value, ...]], dims: tuple[int, ...] = (2, 3)
) -> Callable[[H], H]:
    """Class decorator that registers a host; the default of each option is the constructor's."""

    def register(module: H) -> H:
        parameters = inspect.signature(module).parameters
        defaults: dict[str, Value] = {}
        for option, values in options.items():
            if option not in parameters:
                raise ValueError(f"host '{name}': option '{option}' is no argument of {module.__name__}")
            defaults[option] = parameters[option].default
            if defaults[option] not in values:
                raise ValueError(f"host '{name}': default {option}={defaults[option]!r} is not among {values}")
        HOSTS.add(name, HostEntry(name, module, title, dims, dict(options), defaults))
        return module

    return register
