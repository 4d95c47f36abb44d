"""What an architecture costs, exactly, without building it.

The host and each mechanism at each slot's shape are measured once and remembered; an architecture's cost is a sum of
look-ups. What is measured is the network's own code, run on shapes in place of tensors (``search_spaces.pricing``);
parts that were met before are neither built nor run again. No formula of a network is written down, so none can drift.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from search_spaces.architecture.placement import Options, Placement
from search_spaces.errors import InputError
from search_spaces.hosts import HOSTS
from search_spaces.hosts.slot import Slot, size_at
from search_spaces.initialisation import WithoutInitialisation
from search_spaces.pricing.flop_counter import FlopCounter
from search_spaces.pricing.tracing import traced, traced_params
from search_spaces.stages.convolution import replaced

Size = tuple[int, ...]


@dataclass(frozen=True)
class Cost:
    """Trainable parameters, and multiply-accumulates of one forward pass of one image.

    Convolutions and matrix products are counted, as in torch's ``FlopCounterMode``; element-wise work is not.
    """

    params: int
    macs: int

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.params + other.params, self.macs + other.macs)

    def __sub__(self, other: Cost) -> Cost:
        return Cost(self.params - other.params, self.macs - other.macs)


class Prices:
    """What one host costs with this task, and what each series in each slot adds: two dictionary look-ups when warm."""

    def __init__(
        self,
        host: str,
        dims: int,
        options: Options,
        slots: Mapping[str, Slot],
        in_channels: int,
        classes: int,
        size: Size,
    ) -> None:
        self.plain = host_cost(host, dims, options, in_channels, classes, size)
        self._dims, self._slots, self._classes, self._size = dims, slots, classes, size
        self._known: dict[tuple[str, tuple[Placement, ...]], Cost] = {}

    def total(self, attention: Iterable[tuple[str, tuple[Placement, ...]]]) -> Cost:
        """Cost of the host with these slots filled."""
        params, macs = self.plain.params, self.plain.macs
        for placed in attention:
            cost = self._known.get(placed)
            if cost is None:
                slot, series = placed
                cost = slot_cost(series, self._dims, self._slots[slot], self._size, self._classes)
                self._known[placed] = cost
            params += cost.params
            macs += cost.macs
        return Cost(params, macs)


def host_cost(host: str, dims: int, options: Options, in_channels: int, classes: int, size: Size) -> Cost:
    """Cost of a host with every slot empty, for one image ``(in_channels, *size)``."""
    return _host_cost(host, dims, HOSTS[host].priced(options), in_channels, classes, size)


@functools.cache
def _host_cost(host: str, dims: int, options: Options, in_channels: int, classes: int, size: Size) -> Cost:
    entry = HOSTS[host]
    measured_by = _measured_outside if entry.outside else measure
    return measured_by(lambda: entry.build(in_channels, classes, dims, options), [(in_channels, *size)])


def host_params(host: str, dims: int, options: Options, in_channels: int, classes: int) -> int:
    """Parameters of a host with every slot empty; many times quicker than its full cost."""
    return _host_params(host, dims, HOSTS[host].priced(options), in_channels, classes)


@functools.cache
def _host_params(host: str, dims: int, options: Options, in_channels: int, classes: int) -> int:
    entry = HOSTS[host]
    counted_by = _outside_params if entry.outside else params_of
    return counted_by(lambda: entry.build(in_channels, classes, dims, options))


def series_params(series: Sequence[Placement], dims: int, slot: Slot, classes: int) -> int:
    """Parameters that mechanisms in series in ``slot`` add; many times quicker than their full cost."""
    total = sum(_local_params(one, dims, *_alike(slot, one.inputs, classes)) for one in series)
    if slot.replaces is not None:
        total -= _replaced_params(slot.replaces, dims, slot.channels, slot.separable)
    return total


@functools.cache
def _local_params(placement: Placement, dims: int, slot: Slot, classes: int) -> int:
    return params_of(lambda: placement.build(slot, dims, classes))


@functools.cache
def _replaced_params(norm: str, dims: int, channels: int, separable: bool) -> int:
    return params_of(lambda: replaced(channels, dims=dims, norm=norm, separable=separable))


def slot_cost(series: Sequence[Placement], dims: int, slot: Slot, size: Size, classes: int) -> Cost:
    """What mechanisms in series in ``slot`` add to a network whose image is ``size``; a block may make it smaller."""
    total = Cost(0, 0)
    for placement in series:
        total += mechanism_cost(placement, dims, slot, size, classes)
    if slot.replaces is not None:
        total -= _replaced_cost(slot.replaces, dims, slot.channels, size_at(size, slot.level), slot.separable)
    return total


def mechanism_cost(placement: Placement, dims: int, slot: Slot, size: Size, classes: int = 1) -> Cost:
    """Cost of one mechanism in ``slot`` of a network whose image is ``size``.

    With a guided one comes the head that makes its coarse prediction, where the host has none.
    """
    alike, classes = _alike(slot, placement.inputs, classes)
    return _local_cost(placement, dims, alike, size_at(size, slot.level), classes)


def _alike(slot: Slot, inputs: str, classes: int) -> tuple[Slot, int]:
    """A slot at level 0 without a name, and classes, that cost a mechanism as much: what looks alike is measured once.

    ``inputs``: what the mechanism takes; of the slot it counts nothing else.
    """
    guided = inputs == "guided"
    alike = Slot(
        "",
        slot.channels,
        0,
        gate_channels=slot.gate_channels if inputs == "gated" or (guided and not slot.predicted) else None,
        pyramid_channels=slot.pyramid_channels if inputs == "pyramid" else (),
        predicted=slot.predicted and guided,
    )
    return alike, classes if guided else 1


@functools.cache
def _local_cost(placement: Placement, dims: int, slot: Slot, size: Size, classes: int) -> Cost:
    """As ``mechanism_cost``, of a slot as ``_alike`` gives."""
    shapes: list[Size | list[Size]] = [(slot.channels, *size)]
    if slot.pyramid_channels:
        shapes = [[(channels, *size_at(size, level)) for level, channels in enumerate(slot.pyramid_channels)]]
    if slot.gate_channels is not None:
        shapes.append((slot.gate_channels, *size_at(size, 1)))
    if slot.predicted:
        shapes.append((1 + classes, *size_at(size, 1)))
    return measure(lambda: placement.build(slot, dims, classes), shapes)


@functools.cache
def _replaced_cost(norm: str, dims: int, channels: int, size: Size, separable: bool) -> Cost:
    return measure(lambda: replaced(channels, dims=dims, norm=norm, separable=separable), [(channels, *size)])


def measure(build: Callable[[], nn.Module], shapes: Sequence[Size | list[Size]]) -> Cost:
    """Cost of the module that ``build`` makes, called with one image each of ``shapes``, ``(channels, *spatial)``.

    A list among them stands for one argument that is a list of images.
    """
    try:
        params, flops = traced(build, shapes)
        return Cost(params, flops // 2)
    except InputError:
        raise
    except Exception:  # whatever a network wants of a tensor beside its shape, the meta device may have
        return measured(build, shapes)


def measured(build: Callable[[], nn.Module], shapes: Sequence[Size | list[Size]], device: str = "meta") -> Cost:
    """As ``measure``, operator by operator on torch's meta device: slower, and for networks of any kind."""
    with torch.device(device), torch.no_grad(), FlopCounter() as counter:
        with WithoutInitialisation():
            module = build().eval()
        module(*(_empty(shape) for shape in shapes))
    return Cost(_parameters(module), counter.flops // 2)


def _measured_outside(build: Callable[[], nn.Module], shapes: Sequence[Size | list[Size]]) -> Cost:
    """As ``measure``, of code that is not ours: what it wants of its numbers, the CPU has; whatever fails is said."""
    try:
        return measured(build, shapes)
    except InputError:
        raise
    except Exception:
        try:
            return measured(build, shapes, "cpu")
        except Exception as error:
            words = " ".join(str(error).split())[:300]
            raise InputError(f"the network cannot be run on {shapes[0]}: {type(error).__name__}: {words}") from None


def params_of(build: Callable[[], nn.Module]) -> int:
    """Trainable parameters of the module that ``build`` makes."""
    try:
        return traced_params(build)
    except InputError:
        raise
    except Exception:  # as in ``measure``
        with torch.device("meta"), WithoutInitialisation():
            return _parameters(build())


def _outside_params(build: Callable[[], nn.Module]) -> int:
    """As ``params_of``, of code that is not ours: what it wants of its numbers, the CPU has."""
    try:
        return params_of(build)
    except Exception:
        with WithoutInitialisation():
            return _parameters(build())


def _empty(shape: Size | list[Size]) -> Tensor | list[Tensor]:
    return [torch.empty(1, *one) for one in shape] if isinstance(shape, list) else torch.empty(1, *shape)


def _parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)
