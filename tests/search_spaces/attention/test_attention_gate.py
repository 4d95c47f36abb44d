"""The attention gate: the map that it shows."""

from __future__ import annotations

import pytest
import torch

from tests.search_spaces.attention.example import build, inputs


@pytest.mark.parametrize("variant", ["grid", "same_resolution"])
@pytest.mark.parametrize("gates", [1, 2])
def test_the_map_is_one_weight_from_0_to_1_for_each_gate_and_position(variant: str, gates: int) -> None:
    module = build("attention_gate", 2, options={"variant": variant, "gates": gates})
    x, gate = inputs("attention_gate", (5, 7))
    weights = module.attention(x, gate)
    assert weights.shape == (2, gates, 5, 7)
    assert 0 < weights.min() < weights.max() < 1


def test_the_same_resolution_gate_multiplies_by_its_map_and_nothing_more() -> None:
    module = build("attention_gate", 3, options={"variant": "same_resolution"})
    x, gate = inputs("attention_gate", (3, 4, 5))
    assert torch.equal(module(x, gate), x * module.attention(x, gate))


def test_a_stride_may_differ_between_axes() -> None:
    module = build("attention_gate", 3, options={"stride": (1, 2, 3)})
    x, gate = inputs("attention_gate", (3, 4, 2))
    assert module(x, gate).shape == x.shape
    assert module.state_dict()["gates.0.theta.weight"].shape[2:] == (1, 2, 3)
