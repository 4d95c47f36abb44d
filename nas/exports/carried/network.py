"""The network of an export as source code that needs torch alone.

Copied beside the modules it is made of, as a package (``--format standalone``): with the folder that holds the package
on Python's path,

    import network

    net = network.load()  # trained, in evaluation mode
    net(torch.randn(1, 1, 64, 64))  # (batch, channels, *spatial) to logits (batch, 1 + classes, *spatial)

Images are to be prepared as ``model.json`` says; ``predict.py`` does.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import nn

from search_spaces.architecture.placement import PlacedAttention, Placement
from search_spaces.hosts import HOSTS
from search_spaces.initialisation import initialise

FOLDER = Path(__file__).parent


def settings() -> dict[str, Any]:
    """What ``model.json`` tells: the architecture, how images are prepared, where the weights come from."""
    data: dict[str, Any] = json.loads((FOLDER / "model.json").read_text(encoding="utf-8"))
    return data


def build(seed: int = 0) -> nn.Module:
    """The network untrained, in training mode; initial weights follow from ``seed``."""
    data = settings()
    architecture, layout = data["architecture"], data["preprocessing"]
    dims, options = architecture["dims"], architecture["options"]
    classes = len(layout["labelling"]["classes"])
    entry = HOSTS[architecture["host"]]
    slots = {slot.name: slot for slot in entry.module.slots(dims=dims, **options)}
    attention = {
        name: PlacedAttention(_series(given), slots[name], dims, classes)
        for name, given in architecture["attention"].items()
    }
    network = entry.build(layout["channels"], classes, dims, tuple(options.items()), attention)
    initialise(network, seed)
    return network


def load(weights: Path | str = FOLDER / "weights.pt") -> nn.Module:
    """The network as it was trained, in evaluation mode."""
    network = build()
    network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    return network.eval()


def _series(given: Any) -> tuple[Placement, ...]:
    """What sits in a slot: a mapping, or a list of them."""
    items = given if isinstance(given, list) else [given]
    return tuple(
        Placement(item["mechanism"], tuple((name, value) for name, value in item.items() if name != "mechanism"))
        for item in items
    )
