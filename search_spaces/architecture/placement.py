"""A placement: a mechanism with its hyper-parameters, as it sits in a slot, and the module that it becomes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from search_spaces.attention import MECHANISMS, Mechanism
from search_spaces.attention.mechanism import Value
from search_spaces.hosts.slot import Slot
from search_spaces.layers import CONV

Options = tuple[tuple[str, Value], ...]


@dataclass(frozen=True)
class Placement:
    """A registered mechanism and its hyper-parameters."""

    mechanism: str
    options: Options = ()

    @property
    def inputs(self) -> str:
        """What the mechanism takes, a key of ``INPUTS``."""
        return MECHANISMS[self.mechanism].inputs

    def to_dict(self) -> dict[str, Value]:
        """Plain data: the mechanism's name, then its hyper-parameters."""
        return {"mechanism": self.mechanism, **dict(self.options)}

    def build(self, slot: Slot, dims: int, classes: int) -> nn.Module:
        """The module for ``slot``; the kind of its inputs decides what of the slot and the task it is told."""
        entry = MECHANISMS[self.mechanism]
        arguments: dict[str, Any] = dict(self.options)
        if entry.inputs == "gated":
            arguments["gate_channels"] = slot.gate_channels
        if entry.inputs == "pyramid":
            arguments["pyramid_channels"] = slot.pyramid_channels
        if entry.inputs == "guided":
            arguments["prediction_channels"] = 1 + classes
        module = entry.module(slot.channels, dims=dims, **arguments)
        if entry.inputs == "guided" and not slot.predicted:
            assert slot.gate_channels is not None
            return SelfGuided(module, CONV[dims](slot.gate_channels, 1 + classes, 1))
        return module

    def __str__(self) -> str:
        values = ", ".join(f"{name}={value}" for name, value in self.options)
        return f"{self.mechanism}({values})" if values else self.mechanism


class SelfGuided(nn.Module):
    """A guided mechanism with the head that makes its coarse prediction of the coarser decoder feature."""

    def __init__(self, mechanism: Mechanism, head: nn.Module) -> None:
        super().__init__()
        self.mechanism = mechanism
        self.head = head

    def forward(self, x: Tensor, gate: Tensor, made: list[Tensor] | None = None) -> Tensor:
        """``x`` and the result: ``(batch, channels, *spatial)``; the prediction is appended to ``made``."""
        prediction = self.head(gate)
        if made is not None:
            made.append(prediction)
        return self.mechanism(x, prediction)


class PlacedAttention(nn.Module):
    """Mechanisms in series in one slot; each is given what its kind of input asks for.

    After a mechanism that takes a pyramid comes one feature, the finest.

    Attributes:
        slot: its name.
    """

    def __init__(self, series: Sequence[Placement], slot: Slot, dims: int, classes: int) -> None:
        super().__init__()
        self.slot = slot.name
        self.kinds = [placement.inputs for placement in series]
        self.predicted = slot.predicted
        self.series = nn.ModuleList(placement.build(slot, dims, classes) for placement in series)

    def forward(
        self,
        x: Tensor,
        gate: Tensor | None = None,
        prediction: Tensor | None = None,
        made: list[Tensor] | None = None,
    ) -> Tensor:
        """Attend.

        Args:
            x: ``(batch, channels, *spatial)``, as the result; for a pyramid the list of all decoder levels.
            gate: the coarser decoder feature, ``(batch, gate_channels, *coarser)``.
            prediction: the host's coarse logits, ``(batch, 1 + classes, *coarser)``, where the slot has them.
            made: takes the coarse logits that mechanisms make themselves, so that they can be trained.
        """
        for kind, module in zip(self.kinds, self.series, strict=True):
            if kind == "guided":
                x = module(x, prediction) if self.predicted else module(x, gate, made)
            else:
                x = module(x, gate) if kind == "gated" else module(x)
        return x


def placed_in(network: nn.Module) -> dict[str, str]:
    """Name of each filled slot to where its ``PlacedAttention`` is in the network, as ``get_submodule`` takes it."""
    return {module.slot: path for path, module in network.named_modules() if isinstance(module, PlacedAttention)}
