"""What a host network is: the network around the slots, with choices of its own."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from torch import Tensor, nn

from search_spaces.attention.mechanism import Value
from search_spaces.hosts.slot import Slot
from search_spaces.registry import Registry

BLOCK = "block."  # begins the names of block slots


@dataclass(frozen=True)
class Auxiliary:
    """A second output that training asks for, and inference does not.

    Attributes:
        prediction: ``(batch, channels, *spatial)``, at any spatial size; the target is brought to it.
        target: ``labels`` (logits of all classes), ``image`` (the image itself) or ``boundary`` (one channel of
            logits: where a class ends).
        weight: of its loss, beside 1 for the main one.
    """

    prediction: Tensor
    target: Literal["labels", "image", "boundary"] = "labels"
    weight: float = 0.4


@dataclass(frozen=True)
class Outputs:
    """``logits`` ``(batch, 1 + classes, *spatial)`` and, in training, what else is to be learnt."""

    logits: Tensor
    auxiliary: list[Auxiliary] = field(default_factory=list)


class Host(nn.Module):
    """Base of every host network.

    The constructor is ``(in_channels, classes, *, dims, attention, <options>)``: ``attention`` maps names of
    filled slots to modules. ``classes`` counts the foreground classes; the network has one output more, for
    the background, at index 0. Its cost without attention must not depend on which slots are filled; of a filled
    block slot (its name begins with ``block.``) the host leaves out one ``ConvNorm``, see ``Slot.replaces``.

    Args:
        attention: slot name to module. Those of block slots go into the host's stages: see ``blocks``.
    """

    def __init__(self, attention: Mapping[str, nn.Module]) -> None:
        super().__init__()
        placed = {_key(slot): module for slot, module in attention.items() if not slot.startswith(BLOCK)}
        self.attention = nn.ModuleDict(placed)

    @classmethod
    def slots(cls, *, dims: int, **options: Any) -> list[Slot]:
        """The places for attention that a network with these options, all of them given, has."""
        raise NotImplementedError

    @classmethod
    def training_only(cls, **options: Any) -> tuple[str, ...]:
        """Prefixes of the names of weights that inference does without, in a network with these options, all of them
        given; an export leaves them out.
        """
        return ("supervision.",)

    def outputs(self, image: Tensor) -> Outputs:
        """``(batch, in_channels, *spatial)``, any spatial size, to logits of that size; in training also the rest.

        What inference does not need is not computed in eval mode.
        """
        raise NotImplementedError

    def forward(self, image: Tensor) -> Tensor:
        """``(batch, in_channels, *spatial)`` to logits ``(batch, 1 + classes, *spatial)``, any spatial size."""
        return self.outputs(image).logits

    def attend(
        self,
        slot: str,
        x: Any,
        gate: Tensor | None = None,
        prediction: Tensor | None = None,
        made: list[Tensor] | None = None,
    ) -> Any:
        """``x`` through what sits in ``slot``, as it is where the slot is empty; see ``PlacedAttention.forward``."""
        key = _key(slot)
        if key not in self.attention:
            return x[0] if isinstance(x, list) else x
        return self.attention[key](x, gate, prediction, made)


def blocks(attention: Mapping[str, nn.Module]) -> dict[str, nn.Module]:
    """The modules for block slots, by slot name without ``block.``: hand ``blocks.get(place)`` to the stage there."""
    return {slot.removeprefix(BLOCK): module for slot, module in attention.items() if slot.startswith(BLOCK)}


def _key(slot: str) -> str:
    return slot.replace(".", "_")  # a module's name may not hold a dot


@dataclass(frozen=True)
class HostEntry:
    """What the registry knows of one host.

    ``options`` are all that a space can offer; those named in ``costless`` change neither parameters nor
    multiply-accumulates, so that networks which differ in them alone are measured once. One from ``outside`` takes any
    text for an option and keeps the initial weights that it gives itself.
    """

    name: str
    module: type[Host]
    title: str
    dims: tuple[int, ...]
    options: Mapping[str, tuple[Value, ...]]
    defaults: Mapping[str, Value]
    costless: tuple[str, ...] = ()
    outside: bool = False

    def priced(self, options: Iterable[tuple[str, Value]]) -> tuple[tuple[str, Value], ...]:
        """``options`` with the default of each that costs nothing: equal for networks of equal cost."""
        return tuple((name, self.defaults[name] if name in self.costless else value) for name, value in options)

    def build(
        self,
        in_channels: int,
        classes: int,
        dims: int,
        options: Iterable[tuple[str, Value]],
        attention: Mapping[str, nn.Module] | None = None,
    ) -> Host:
        """The network, with torch's own initial weights."""
        module: Callable[..., Host] = self.module
        return module(in_channels, classes, dims=dims, attention=attention or {}, **dict(options))


HOSTS: Registry[HostEntry] = Registry("host", "search_spaces.hosts")

H = TypeVar("H", bound=type[Host])


def host(
    name: str,
    *,
    title: str,
    options: Mapping[str, tuple[Value, ...]],
    costless: tuple[str, ...] = (),
    dims: tuple[int, ...] = (2, 3),
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
        if not set(costless) <= set(options):
            raise ValueError(f"host '{name}': costless names options, got {', '.join(costless)}")
        HOSTS.add(name, HostEntry(name, module, title, dims, dict(options), defaults, costless))
        return module

    return register
