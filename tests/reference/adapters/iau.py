"""Interaction-aggregation-update of its authors, for images and for sequences, and what came before it."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from search_spaces.attention.iau import InteractionAggregationUpdate
from search_spaces.attention.interaction import InteractionAggregation
from tests.reference.adapter import NotCovered, Subject, adapter, fitted, renamed
from tests.reference.case import Case, Tensors

REPOSITORY = "blue-blue272/ImgReID-IAnet"


@adapter(REPOSITORY, "IAU")
def image(case: Case, *, in_channels: int) -> Subject:
    return _iau(case, in_channels, "sa", "SIAU")


@adapter(REPOSITORY, "IAUBlock3D")
def sequence(case: Case, *, in_channels: int, seq_len: int) -> Subject:
    return _iau(case, in_channels, "SA", "STIAU")


@adapter(REPOSITORY, "IABlock2D")
def predecessor(case: Case, *, in_channels: int, height: int, width: int, alpha_x: float, alpha_y: float) -> Subject:
    if [height, width] != case.shape[2:]:
        raise NotCovered(f"a prior of {height} x {width} on a map of {case.shape[2:]}: here it has the map's size")
    module = InteractionAggregation(in_channels, dims=2, spread=(alpha_y, alpha_x), scaled=False)
    return Subject(module, renamed({"place_norm": "W1", "channel_norm": "W2"}))


def _iau(case: Case, channels: int, masks: str, exchange: str) -> Subject:
    module = InteractionAggregationUpdate(channels, dims=case.dims, scaled=False)
    names = {
        "channel": "W1.0",
        "channel_norm": "W1.1",
        "masks.0": f"{masks}.conv.conv",
        "masks.1": f"{masks}.conv.bn",
        "embed": "g",
        "relation.0": f"{exchange}.module_w.relation.0",
        "relation.1": f"{exchange}.module_w.relation.1",
        "update.0": f"{exchange}.module_l.fsm.0",
        "update.1": f"{exchange}.module_l.fsm.1",
        "context": "W2.0",
        "context_norm": "W2.1",
    }

    def call(inputs: Tensors) -> Sequence[Tensor]:
        y, found = module.attend(next(iter(inputs.values())))
        return [y, found if case.dims == 2 else found.transpose(1, 2).flatten(0, 1)]  # theirs: a slice is an image

    return Subject(module, fitted(names, module), call)
