"""Tiny networks with one mechanism in a slot of each kind, and what they are trained on."""

from __future__ import annotations

import re

import torch
from torch import Tensor
from torch.nn import functional as F

from search_spaces import HOSTS, MECHANISMS, Architecture, Placement
from search_spaces.architecture.preset import load_preset
from search_spaces.attention.mechanism import Value
from search_spaces.hosts import Auxiliary, Host
from search_spaces.hosts.outside import ARGUMENTS
from search_spaces.hosts.slot import Slot

CHANNELS, CLASSES = 2, 2
SIDE = 8
NARROW: dict[str, int] = {"width": 4, "tokens": 16, "features": 8, "layers": 2}
LEAST: dict[str, Value] = {"depth": 1, "norm": "batch", **NARROW}
LEAST_OF: dict[str, dict[str, Value]] = {"window_transformer": {"depth": 2, "decoder": "convolutional"}}
THIN: dict[str, str] = {  # of the networks of search_spaces/rivals, what makes them quick
    "cmunext_s": '{"widths": [4, 4, 4, 4, 4], "kernels": [3, 3, 3, 3, 3]}',
    "ege_unet": '{"widths": [8, 8, 8, 8, 8, 8]}',
    "mk_unet": '{"widths": [4, 4, 4, 4, 4]}',
    "mk_unet_t": '{"widths": [4, 4, 6, 4, 4]}',
    "tiny_unet": '{"widths": [16, 16, 16, 16]}',
    "unext": '{"widths": [4, 4, 5, 10, 10]}',
}
MECHANISM_OPTIONS: dict[str, tuple[tuple[str, Value], ...]] = {
    "interlaced": (("block", 2),),  # a map of four positions an axis holds several blocks, with something to tell
    "psa": (("mask", 7),),  # covers that map, at a tenth of the weights in 3D
}


def options(host: str) -> dict[str, Value]:
    """Of the smallest network that has every kind of slot."""
    offered = HOSTS[host].options
    least = {name: LEAST.get(name, values[0]) for name, values in offered.items()}
    return least | LEAST_OF.get(host, {})


def filled(host: str, dims: int, mechanism: str) -> Architecture:
    """The host with ``mechanism`` in the first slot of each kind that takes it; plain where none does."""
    first: dict[str, str] = {}
    for slot in HOSTS[host].module.slots(dims=dims, **options(host)):
        if slot.refuses(MECHANISMS[mechanism], dims) is None:
            first.setdefault(_kind(slot), slot.name)
    placement = Placement(mechanism, MECHANISM_OPTIONS.get(mechanism, ()))
    return Architecture.create(host, dims, options(host), dict.fromkeys(first.values(), placement))


def narrowed(preset: str, dims: int) -> Architecture:
    """A preset with its slots, as deep as it is, and few channels."""
    published = load_preset(preset, dims)
    if preset in THIN:
        return Architecture.create(published.host, dims, {ARGUMENTS: THIN[preset]})
    given = {name: min(value, NARROW.get(name, value)) for name, value in published.options}  # type: ignore[type-var]
    return Architecture.create(published.host, dims, given, dict(published.attention))


def size_for(architecture: Architecture) -> tuple[int, ...]:
    """Of images that keep two positions at the deepest level: an instance of one position is normalised to nothing.

    A network without slots is padded to one position at level 5.
    """
    slots = HOSTS[architecture.host].module.slots(dims=architecture.dims, **dict(architecture.options))
    deepest = 2 ** (max((slot.level for slot in slots), default=5) + 1)
    return (max(deepest, SIDE), *[min(deepest, SIDE)] * (architecture.dims - 1))


def images(size: tuple[int, ...], batch: int) -> tuple[Tensor, Tensor]:
    """Noise ``(batch, CHANNELS, *size)`` in double precision, and labels ``(batch, *size)``."""
    generator = torch.Generator().manual_seed(batch)
    noise = torch.randn(batch, CHANNELS, *size, generator=generator, dtype=torch.float64)
    return noise, torch.randint(0, 1 + CLASSES, (batch, *size), generator=generator)


def loss_of(network: Host, image: Tensor, labels: Tensor) -> Tensor:
    """Of everything that the network gives in training, summed over the images."""
    outputs = network.outputs(image)
    losses = [F.cross_entropy(outputs.logits, labels)]
    losses += [auxiliary.weight * _auxiliary_loss(auxiliary, image, labels) for auxiliary in outputs.auxiliary]
    return torch.stack(losses).sum() * len(image)


def _auxiliary_loss(auxiliary: Auxiliary, image: Tensor, labels: Tensor) -> Tensor:
    found = F.interpolate(auxiliary.prediction, image.shape[2:])
    if auxiliary.target == "labels":
        return F.cross_entropy(found, labels)
    wanted = image if auxiliary.target == "image" else (labels > 0).unsqueeze(1).to(found)
    return F.mse_loss(found, wanted)


def _kind(slot: Slot) -> str:
    """Its name without the level, for example ``skip`` or ``block.encoder``."""
    return re.sub(r"\.\d.*", "", slot.name)
