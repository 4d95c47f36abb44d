"""A slot: a place in a host network where attention can sit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from search_spaces.attention import MechanismEntry
from search_spaces.exporting import rounded_up


@dataclass(frozen=True)
class Slot:
    """One place of a host network.

    Attributes:
        name: for example ``encoder.1``, ``bottleneck``, ``skip.0``, ``decoder.2``, ``output``, ``block.encoder.1``;
            level 0 is the finest.
        channels: channels of the feature map that passes through.
        level: how often the map was halved: each spatial axis is ``ceil(n / 2**level)`` long.
        gate_channels: channels of the coarser decoder feature (one level down), where there is one.
        pyramid_channels: channels of all decoder levels, finest first, where the slot sees them.
        predicted: whether the host has a coarse prediction of its own for this place (logits, one level down).
            Elsewhere a guided mechanism gets one from a 1x1 convolution of the coarser decoder feature.
        replaces: of a block slot, the norm of the 3x3 convolution that stands here while the slot is empty.
        separable: whether that is a separable one.
    """

    name: str
    channels: int
    level: int
    gate_channels: int | None = None
    pyramid_channels: tuple[int, ...] = ()
    predicted: bool = False
    replaces: str | None = None
    separable: bool = False

    @property
    def inputs(self) -> tuple[str, ...]:
        """The kinds of mechanism (keys of ``INPUTS``) that can sit here."""
        if self.replaces is not None:
            return ("block",)
        if self.pyramid_channels:
            return ("pyramid",)
        gated = ("gated",) if self.gate_channels is not None else ()
        return ("feature", *gated, *(("guided",) if gated or self.predicted else ()))

    def refuses(self, mechanism: MechanismEntry, dims: int) -> str | None:
        """Why ``mechanism`` cannot sit here in a network of ``dims`` dimensions; None when it can."""
        if dims not in mechanism.dims:
            return f"mechanism '{mechanism.name}' exists in {_list(mechanism.dims)}D only, the network is {dims}D"
        if mechanism.inputs not in self.inputs:
            return (
                f"mechanism '{mechanism.name}' takes {mechanism.inputs} input, "
                f"slot '{self.name}' offers {_list(self.inputs)}"
            )
        return None


def size_at(size: Sequence[int], level: int) -> tuple[int, ...]:
    """Spatial size after ``level`` halvings, each rounded up."""
    return tuple(rounded_up(length, 2**level) for length in size)


def _list(items: Sequence[object]) -> str:
    return ", ".join(map(str, items))
