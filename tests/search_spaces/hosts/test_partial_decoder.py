"""The partial decoder's predictions: what is handed down, corrected and learnt."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from search_spaces import Architecture, InputError, Placement
from search_spaces.hosts import Host
from search_spaces.hosts.slot import size_at
from search_spaces.layers import resize

SIZE = (22, 37)


class Keep(nn.Module):
    """Stands in a slot and remembers its feature and the prediction that it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.x: Tensor | None = None
        self.prediction: Tensor | None = None

    def forward(self, x: Tensor, gate: Tensor | None, prediction: Tensor | None, made: list[Tensor] | None) -> Tensor:
        self.x, self.prediction = x, prediction
        return x


def image() -> Tensor:
    return torch.randn(2, 1, *SIZE, generator=torch.Generator().manual_seed(0))


def build(attention: dict[str, Placement] | None = None, **options: Any) -> Host:
    given = {"depth": 3, "width": 4, "features": 8, **options}
    return Architecture.create("partial_decoder", 2, given, attention).build(1, 2)


@pytest.mark.parametrize("levels", [2, 3])
def test_each_stage_is_handed_the_prediction_of_the_coarser_one(levels: int) -> None:
    network, kept = build(levels=levels), {level: Keep() for level in range(4 - levels, 4)}
    network.attention = nn.ModuleDict({f"decoder_{level}": keep for level, keep in kept.items()})
    network.train()
    coarse, *refined = (auxiliary.prediction for auxiliary in network.outputs(image()).auxiliary)
    assert coarse.shape[2:] == size_at(SIZE, 4 - levels)
    assert torch.equal(kept[3].prediction, resize(coarse, size_at(SIZE, 4)))
    assert len(refined) == levels - 1
    for level, prediction in zip((2, 1), refined, strict=False):
        assert prediction.shape[2:] == size_at(SIZE, level + 1)
        assert torch.equal(kept[level].prediction, prediction)


def test_a_stage_that_adds_nothing_leaves_the_prediction_as_it_was() -> None:
    network = build().train()
    for stage in network.decoder.values():
        nn.init.zeros_(stage.head[0].conv.weight)
    outputs = network.outputs(image())
    expected = outputs.auxiliary[0].prediction
    for level in (3, 2, 1):
        expected = resize(expected, size_at(SIZE, level))
    torch.testing.assert_close(outputs.logits, resize(expected, SIZE))


def test_reverse_attention_hides_from_a_stage_what_was_found_already() -> None:
    network = build({"decoder.3": Placement("reverse")}, levels=1).eval()
    nn.init.zeros_(network.partial.head.weight)
    network.partial.head.bias.data = torch.tensor([-1e4, 1e4, 0.0])  # foreground everywhere
    seen: list[Tensor] = []
    network.decoder["3"].first.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    network(image())
    assert seen[0].abs().max() == 0
    network.partial.head.bias.data = torch.tensor([1e4, -1e4, 0.0])
    network(image())
    assert seen[1].abs().max() > 0


def test_predictions_that_mechanisms_make_themselves_are_learnt_too() -> None:
    plain = build().train().outputs(image()).auxiliary
    guided = build({"skip.1": Placement("reverse")}).train().outputs(image()).auxiliary
    assert len(guided) == len(plain) + 1


def test_only_the_deepest_levels_are_decoded() -> None:
    assert list(build(levels=2).reduce) == ["3", "2"]


def test_more_levels_than_there_are_decode_them_all() -> None:
    network = build(depth=2, levels=9)
    assert list(network.reduce) == ["2", "1", "0"]
    assert network(image()).shape == (2, 3, *SIZE)


def test_a_guided_mechanism_has_no_place_before_the_first_prediction() -> None:
    with pytest.raises(InputError, match="slot 'encoder.0' offers feature"):
        build({"encoder.0": Placement("axial_reverse")})
