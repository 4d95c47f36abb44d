"""The parts of a network that a profile tells apart: the stages of its host, and the attention in each slot."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from search_spaces.architecture.architecture import Architecture, slots_of
from search_spaces.architecture.placement import PlacedAttention
from search_spaces.hosts import HOSTS, Host
from search_spaces.hosts.host import BLOCK
from search_spaces.initialisation import WithoutInitialisation


class PartKey(NamedTuple):
    """Names a part: a stage and the slot behind it may have one name."""

    name: str
    is_slot: bool = False


@dataclass(frozen=True)
class Assembled:
    """A network on the meta device, and its parts: the host's stages, then what sits in slots."""

    network: Host
    parts: Mapping[PartKey, nn.Module]

    def owners(self) -> dict[nn.Module, PartKey]:
        """The part that each module belongs to, the innermost; what stands between the stages is left out."""
        owners: dict[nn.Module, PartKey] = {}
        for key, part in self.parts.items():  # a block slot's module lies within a stage, and has the last word
            owners |= dict.fromkeys(part.modules(), key)
        return owners


def assemble(
    architecture: Architecture, in_channels: int, classes: int, attention: Mapping[str, nn.Module] | None = None
) -> Assembled:
    """The network of ``architecture`` without weights; with ``attention``, this in its slots instead."""
    slots = slots_of(architecture.host, architecture.dims, architecture.options)
    with torch.device("meta"), WithoutInitialisation():
        if attention is None:
            attention = {
                name: PlacedAttention(series, slots[name], architecture.dims, classes)
                for name, series in architecture.attention
            }
        entry = HOSTS[architecture.host]
        network = entry.build(in_channels, classes, architecture.dims, architecture.options, attention)
    parts = {PartKey(name): stage for name, stage in _stages(network, slots)}
    parts |= {PartKey(name, True): module for name, module in attention.items()}
    return Assembled(network, parts)


def _stages(network: Host, slots: Collection[str]) -> Iterator[tuple[str, nn.Module]]:
    """The modules with parameters below the lists, and below what the names of slots look into."""
    opened = set()
    for slot in slots:
        levels = slot.removeprefix(BLOCK).split(".")
        opened |= {".".join(levels[:length]) for length in range(1, len(levels))}

    def walk(module: nn.Module, prefix: str) -> Iterator[tuple[str, nn.Module]]:
        for name, child in module.named_children():
            path = prefix + name
            if child is network.attention:
                continue
            if isinstance(child, nn.ModuleList | nn.ModuleDict) or path in opened:
                yield from walk(child, path + ".")
            elif next(child.parameters(), None) is not None:
                yield path, child

    return walk(network, "")


def tensors(value: object) -> Iterator[Tensor]:
    """Every tensor in a module's arguments or result."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from tensors(item)
    elif isinstance(value, dict):
        yield from tensors(tuple(value.values()))


def in_series(names: Iterable[str]) -> list[tuple[str, int]]:
    """Each name with how often it is repeated before the next."""
    return [(name, len(list(group))) for name, group in itertools.groupby(names)]


def with_number(name: str, count: int) -> str:
    """``res2net``, ``res2net x3``."""
    return name if count == 1 else f"{name} x{count}"
