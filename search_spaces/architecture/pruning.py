"""The smaller networks inside a trained nested U-Net: its deeper columns dropped, nothing else changed.

Zhou et al.: UNet++, IEEE TMI 2020, https://arxiv.org/abs/1912.05074, section III-D: the first columns of a network
whose columns were supervised are themselves a trained network, as deep as they are many.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from search_spaces.architecture.architecture import Architecture
from search_spaces.errors import InputError


def prune(architecture: Architecture, columns: int) -> Architecture:
    """The nested U-Net of the first ``columns`` columns, with what sits in the slots that it shares with the whole.

    What follows the last nodes of the whole network (the slots ``decoder.*`` and ``output``) goes with them; what sits
    after the encoder stage that is now the deepest sits in ``bottleneck``.

    Raises ``InputError`` where there is nothing to drop, and where the columns were not trained to predict alone.
    """
    options = dict(architecture.options)
    if architecture.host != "nested":
        raise InputError(f"columns: expected host 'nested', no other can be pruned; got '{architecture.host}'")
    if not options["supervision"]:
        raise InputError("columns: expected a network trained with 'supervision: true'; this has 'supervision: false'")
    depth = options["depth"]
    assert isinstance(depth, int)
    if not 1 <= columns < depth:
        raise InputError(f"columns: expected 1 to {depth - 1}, fewer than the network's {depth}; got {columns}")
    kept = {}
    for slot, series in architecture.attention:
        kind, *place = slot.removeprefix("block.").split(".")
        level = int(place[0]) if place else depth
        if kind == "encoder" and level == columns:
            kept[slot.replace(f"encoder.{level}", "bottleneck")] = series
        elif (kind == "encoder" and level < columns) or (kind == "skip" and level + int(place[2]) <= columns):
            kept[slot] = series
    return Architecture.create("nested", architecture.dims, {**options, "depth": columns}, kept)


def pruned_weights(weights: Mapping[str, Tensor], architecture: Architecture, columns: int) -> dict[str, Tensor]:
    """Those of ``architecture``'s weights, by the names that ``prune(architecture, columns)`` gives them."""
    names = prune(architecture, columns).build(1, 1).state_dict()
    deepest = ("attention.bottleneck.", f"attention.encoder_{columns}.")
    return {name: weights[name.replace(*deepest)] for name in names}
