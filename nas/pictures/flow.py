"""How features flow through a network: which stage or slot feeds which, and at what level.

The host is run on torch's meta device with a probe in every slot. Each operation hands on where its inputs came from,
so the connections are those of the code and no host has to tell them.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from nas.profiles.parts import Assembled, PartKey, assemble, tensors
from search_spaces.architecture.architecture import Architecture, slots_of
from search_spaces.architecture.placement import Options
from search_spaces.hosts.slot import Slot
from search_spaces.pricing.flop_counter import FlopCounter

Sources = frozenset[PartKey]
NOTHING: Sources = frozenset()


@dataclass(frozen=True)
class Node:
    """A stage or a slot, as it is first passed in a training step.

    Attributes:
        key: of the stage or slot.
        slot: None for a stage.
        level: how often its result was halved.
        channels: of its result.
        features: the nodes whose results it changes or joins.
        guides: the nodes whose results tell a slot where to look (its gate or prediction).
        within: of a slot inside a stage, that stage.
        inference: whether it also runs in inference.
    """

    key: PartKey
    slot: Slot | None
    level: int
    channels: int
    features: Sources
    guides: Sources = NOTHING
    within: PartKey | None = None
    inference: bool = True


def trace(architecture: Architecture, in_channels: int, classes: int) -> list[Node]:
    """The stages and all slots of the host of ``architecture``, in the order in which they run."""
    return list(_traced(architecture.host, architecture.dims, architecture.options, in_channels, classes))


@functools.lru_cache(maxsize=16)
def _traced(host: str, dims: int, options: Options, in_channels: int, classes: int) -> tuple[Node, ...]:
    architecture = Architecture(host, dims, options)
    slots = slots_of(host, dims, options)
    probes = {name: _Probe() for name in slots}
    assembled = assemble(architecture, in_channels, classes, probes)
    # A power of two an axis, so that the size of a map tells its level.
    side = 2 ** (2 + max((slot.level for slot in slots.values()), default=4))
    image = (in_channels, *(side,) * dims)
    inference = _Tracer(assembled, slots).run(image, training=False)
    nodes = _Tracer(assembled, slots).run(image, training=True)
    return tuple(dataclasses.replace(node, inference=key in inference) for key, node in nodes.items())


class _Probe(nn.Module):
    """Stands in a slot; its result is a tensor of its own."""

    def forward(self, x: Any, *rest: Any, **options: Any) -> Tensor:
        return (x[0] if isinstance(x, list) else x).clone()


class _Tracer(FlopCounter):
    """Follows where tensors came from: the stages and slots that were passed last on the way."""

    def __init__(self, assembled: Assembled, slots: Mapping[str, Slot]) -> None:
        super().__init__()
        self.assembled, self.slots = assembled, slots
        self._nodes: dict[PartKey, Node] = {}
        self._sources: dict[torch.UntypedStorage, Sources] = {}
        self._open: list[tuple[PartKey, Sources, Sources]] = []
        self._image: tuple[int, ...] = ()

    def run(self, image: tuple[int, ...], training: bool) -> dict[PartKey, Node]:
        """The nodes of one pass, by key, in their order."""
        network, self._image, hooks = self.assembled.network.train(training), image, []
        for key, module in self.assembled.parts.items():
            hooks.append(module.register_forward_pre_hook(self._enter(key)))
            hooks.append(module.register_forward_hook(self._leave(key)))
        try:
            with torch.device("meta"), torch.no_grad(), self:
                network.outputs(torch.empty(1, *image))
        finally:
            for hook in hooks:
                hook.remove()
        return self._nodes

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = super().__torch_dispatch__(func, types, args, kwargs)
        sources = self._behind((args, kwargs))
        for tensor in tensors(result):
            self._sources[tensor.untyped_storage()] = sources
        return result

    def _behind(self, value: object) -> Sources:
        known = (self._sources.get(tensor.untyped_storage(), NOTHING) for tensor in tensors(value))
        return NOTHING.union(*known)

    def _enter(self, key: PartKey) -> Any:
        def enter(module: nn.Module, args: Any) -> None:
            self._open.append((key, self._behind(args[:1]), self._behind(args[1:])))

        return enter

    def _leave(self, key: PartKey) -> Any:
        def leave(module: nn.Module, args: Any, result: Any) -> None:
            _, features, guides = self._open.pop()
            if not key.is_slot:  # a stage may be given a feature for its size alone
                features, guides = self._behind(result), NOTHING
            within = self._open[-1][0] if self._open else None
            if within is None:
                for tensor in tensors(result):
                    self._sources[tensor.untyped_storage()] = frozenset((key,))
            if key in self._nodes:
                return
            first = next(tensors(result))
            slot = self.slots[key.name] if key.is_slot else None
            level = slot.level if slot else self._level_of(first)
            self._nodes[key] = Node(key, slot, level, first.shape[1], features, guides, within)

        return leave

    def _level_of(self, x: Tensor) -> int:
        """From the size; of what is no map (tokens, a vector) the level of what ran before."""
        halvings = math.log2(self._image[-1] / x.shape[-1])
        if x.dim() == 1 + len(self._image) and halvings >= 0 and halvings.is_integer():
            return int(halvings)
        return next(reversed(self._nodes.values())).level if self._nodes else 0
