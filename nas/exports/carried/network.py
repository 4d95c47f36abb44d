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


def build(seed: int = 0, channels: int | None = None, classes: int | None = None) -> nn.Module:
    """The network untrained, in training mode; initial weights follow from ``seed``.

    ``channels`` of the image and ``classes`` beside the background: None as it was exported.
    """
    data = settings()
    architecture, layout = data["architecture"], data["preprocessing"]
    dims, options = architecture["dims"], architecture["options"]
    channels = layout["channels"] if channels is None else channels
    classes = len(layout["labelling"]["classes"]) if classes is None else classes
    entry = HOSTS[architecture["host"]]
    slots = {slot.name: slot for slot in entry.module.slots(dims=dims, **options)}
    attention = {
        name: PlacedAttention(_series(given), slots[name], dims, classes)
        for name, given in architecture["attention"].items()
    }
    network = entry.build(channels, classes, dims, tuple(options.items()), attention)
    initialise(network, seed)
    return network


def load(weights: Path | str = FOLDER / "weights.pt") -> nn.Module:
    """The network as it was trained, in evaluation mode."""
    network = build()
    network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    return network.eval()


class Network(nn.Module):
    """The network untrained, as nnU-Net makes one from its plans, where they name this class.

    Args:
        input_channels: of the image.
        num_classes: outputs, background among them.
        deep_supervision: there is none; nnU-Net's trainers that ask for it are refused.
    """

    def __init__(self, input_channels: int, num_classes: int, deep_supervision: bool = False) -> None:
        super().__init__()
        if deep_supervision:
            raise ValueError("deep_supervision: expected a trainer without it, as nnUNetTrainerNoDeepSupervision")
        self.network = build(channels=input_channels, classes=num_classes - 1)
        self.decoder = nn.Module()  # nnU-Net says to it whether to supervise deeply

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """``(batch, channels, *spatial)`` to logits ``(batch, classes, *spatial)``."""
        logits: torch.Tensor = self.network(image)
        return logits


def _series(given: Any) -> tuple[Placement, ...]:
    """What sits in a slot: a mapping, or a list of them."""
    items = given if isinstance(given, list) else [given]
    return tuple(
        Placement(item["mechanism"], tuple((name, value) for name, value in item.items() if name != "mechanism"))
        for item in items
    )
