"""What each part of an architecture costs: parameters, multiply-accumulates, and the memory of its activations.

Measured on torch's meta device, part by part, so the sums are the cost that ``Architecture.cost`` tells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nas.profiles.meter import Meter
from nas.profiles.parts import Assembled, PartKey, assemble
from nas.quantities import format_bytes, format_count
from search_spaces.architecture.architecture import Architecture
from search_spaces.hosts import HOSTS


@dataclass(frozen=True)
class Load:
    """Trainable parameters, multiply-accumulates of one image, and bytes of activations in a training step with it.

    Activations are what autograd keeps for the backward pass: each tensor that the forward pass made, counted once, in
    float32. Parameters and the image are not among them. Attention between all positions by torch's fused kernel keeps
    no weights of pairs, as on a GPU. Copies that a kernel makes for a device are not counted.
    """

    params: int = 0
    macs: int = 0
    activations: int = 0

    def __add__(self, other: Load) -> Load:
        return Load(self.params + other.params, self.macs + other.macs, self.activations + other.activations)

    def __sub__(self, other: Load) -> Load:
        return Load(self.params - other.params, self.macs - other.macs, self.activations - other.activations)


@dataclass(frozen=True)
class Part:
    """A stage of the host, or the attention in a slot.

    Attributes:
        name: of the stage's module, or of the slot.
        mechanisms: what sits in the slot, in series; none of a stage.
        shape: ``(channels, *spatial)`` of what it gives; None where it runs in training only.
        load: what it costs.
    """

    name: str
    mechanisms: tuple[str, ...]
    shape: tuple[int, ...] | None
    load: Load


@dataclass(frozen=True)
class Profile:
    """An architecture's parts in the order in which they run, beside its host without attention."""

    architecture: Architecture
    image: tuple[int, ...]
    classes: int
    parts: tuple[Part, ...]
    plain: Load

    @property
    def total(self) -> Load:
        """The whole network."""
        return sum((part.load for part in self.parts), Load())

    @property
    def added(self) -> Load:
        """What attention adds to the host; a block may make it less than nothing."""
        return self.total - self.plain

    def summary(self) -> str:
        """One line: what attention adds, and how much that is of the host; or that there is none."""
        if HOSTS[self.architecture.host].outside:
            return "a network without slots, and what is inside is not told apart"
        if self.architecture.is_plain:
            return "no slot is filled: this is the host without attention"
        added, plain = self.added, self.plain
        return (
            f"attention adds {added.params:,} parameters ({added.params / plain.params:.1%}), "
            f"{_signed(added.macs)} MACs ({added.macs / plain.macs:.1%}) and "
            f"{format_bytes(added.activations)} of activations ({added.activations / plain.activations:.1%}) "
            "to the same host without it"
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain data, bytes and whole numbers."""
        return {
            "architecture": self.architecture.to_dict(),
            "image": list(self.image),
            "classes": self.classes,
            "parts": [
                {
                    "name": part.name,
                    "mechanisms": list(part.mechanisms),
                    "shape": None if part.shape is None else list(part.shape),
                    **vars(part.load),
                }
                for part in self.parts
            ],
            "total": vars(self.total),
            "without_attention": vars(self.plain),
            "added_by_attention": vars(self.added),
        }


def _signed(count: int) -> str:
    return f"-{format_count(-count)}" if count < 0 else format_count(count)


def profile_of(architecture: Architecture, in_channels: int, classes: int, size: Sequence[int]) -> Profile:
    """Measure ``architecture`` on one image ``(in_channels, *size)``."""
    image = (in_channels, *size)
    architecture.cost(in_channels, classes, size)  # which refuses a size that does not fit
    plain = Architecture.create(architecture.host, architecture.dims, dict(architecture.options))
    alone = _loads(assemble(plain, in_channels, classes), image)[0]
    assembled = assemble(architecture, in_channels, classes)
    loads, shapes = _loads(assembled, image)
    names = {slot: tuple(placement.mechanism for placement in series) for slot, series in architecture.attention}
    parts = (
        Part(key.name, names[key.name] if key.is_slot else (), shapes.get(key), load) for key, load in loads.items()
    )
    return Profile(architecture, image, classes, tuple(parts), sum(alone.values(), Load()))


def _loads(assembled: Assembled, image: Sequence[int]) -> tuple[dict[PartKey, Load], dict[PartKey, tuple[int, ...]]]:
    """The load of each part in the order of the network, and the shapes of what they give to inference."""
    inference, training = Meter(assembled), Meter(assembled)
    inference.run(image, training=False)
    training.run(image, training=True)
    params, owners = dict.fromkeys(assembled.parts, 0), assembled.owners()
    for path, module in assembled.network.named_modules():
        for name, parameter in module.named_parameters(path, recurse=False):
            key = owners.get(module, PartKey(name))  # a parameter outside every stage is a part of its own
            params[key] = params.get(key, 0) + (parameter.numel() if parameter.requires_grad else 0)
    order = dict.fromkeys([*training.shapes, *params])
    return {
        key: Load(params[key], inference.flops_of[key] // 2, training.kept_by[key]) for key in order
    }, inference.shapes
