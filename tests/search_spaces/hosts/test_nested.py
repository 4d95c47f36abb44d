"""Which node of the nested U-Net feeds which, and what its columns predict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from search_spaces.hosts.nested import NestedUNet
from search_spaces.initialisation import initialise
from tests.search_spaces.hosts.test_hosts import ODD, image

DEPTH = 3
NODES = [(level, column) for level in range(DEPTH) for column in range(1, DEPTH + 1 - level)]


def build(attention: Mapping[str, nn.Module] | None = None, dims: int = 2, **options: Any) -> NestedUNet:
    network = NestedUNet(2, 3, dims=dims, attention=attention or {}, depth=DEPTH, width=4, **options)
    initialise(network, 0)
    return network


class Record(nn.Module):
    """Stands in a slot, changes nothing, and keeps what it was given."""

    def forward(self, x: Tensor, gate: Tensor | None = None, *_: Any) -> Tensor:
        self.x, self.gate = x, gate
        return x


class Silence(nn.Module):
    """Stands in a slot and lets nothing through."""

    def forward(self, x: Tensor, *_: Any) -> Tensor:
        return torch.zeros_like(x)


def grid(network: NestedUNet, x: Tensor) -> dict[tuple[int, int], Tensor]:
    """What each stage gives for ``x``, by level and column."""
    found: dict[tuple[int, int], Tensor] = {}
    stages = {(level, 0): stage for level, stage in enumerate(network.encoder)}
    stages |= {(level, column): network.node[f"{level}_{column}"] for level, column in NODES}
    hooks = [
        stage.register_forward_hook(lambda _module, _given, y, place=place: found.__setitem__(place, y))
        for place, stage in stages.items()
    ]
    with torch.no_grad():
        network(x)
    for hook in hooks:
        hook.remove()
    return found


@pytest.mark.parametrize("dims", [2, 3])
def test_each_connection_starts_at_its_node_and_is_gated_by_the_one_below_and_before(dims: int) -> None:
    records = {f"skip.{level}.{source}.{column}": Record() for level, column in NODES for source in range(column)}
    network = build(records, dims).eval()
    features = grid(network, image(dims, ODD[dims]))
    assert len(features) == 10
    for slot, record in records.items():
        level, source, column = map(int, slot.split(".")[1:])
        assert torch.equal(record.x, features[level, source]), slot
        assert record.gate is not None
        assert torch.equal(record.gate, features[level + 1, column - 1]), slot


@pytest.mark.parametrize("dims", [2, 3])
def test_a_connection_ends_at_its_node(dims: int) -> None:
    x = image(dims, ODD[dims])
    plain = grid(build(dims=dims).eval(), x)
    silent = grid(build({"skip.0.0.2": Silence()}, dims).eval(), x)
    assert {place for place in plain if not torch.equal(plain[place], silent[place])} == {(0, 2), (0, 3)}


def test_a_node_sees_all_before_it_on_its_level_and_the_one_below() -> None:
    network = build().eval()
    features = grid(network, image(2, ODD[2]))
    for level, column in NODES:
        before = [features[level, source] for source in range(column)]
        below = network.up[f"{level}_{column}"](features[level + 1, column - 1], before[0])
        y = network.node[f"{level}_{column}"](torch.cat([*before, below], dim=1))
        torch.testing.assert_close(y, features[level, column])


@pytest.mark.parametrize("final", ["last", "average"])
def test_every_column_predicts_and_is_supervised(final: str) -> None:
    network, x = build(supervision=True, final=final).train(), image(2, ODD[2])
    features = grid(network, x)
    predictions = [network.head[str(column)](features[0, column]) for column in (1, 2, 3)]
    outputs = network.outputs(x)
    expected = torch.stack(predictions).mean(0) if final == "average" else predictions[-1]
    torch.testing.assert_close(outputs.logits, expected)
    supervised = predictions if final == "average" else predictions[:-1]
    for auxiliary, prediction in zip(outputs.auxiliary, supervised, strict=True):
        torch.testing.assert_close(auxiliary.prediction, prediction)
        assert (auxiliary.target, auxiliary.weight) == ("labels", 1.0)


def test_heads_that_nothing_needs_are_not_there() -> None:
    assert list(build().head) == ["3"]
    assert list(build(final="average").head) == ["1", "2", "3"]
    assert build(final="average").train().outputs(image(2, ODD[2])).auxiliary == []


def test_an_average_is_learnt_and_needed_whole_the_last_column_is_not() -> None:
    told = {"depth": DEPTH, "supervision": True}
    assert NestedUNet.training_only(**told, final="last") == ("head.1.", "head.2.")
    assert NestedUNet.training_only(**told, final="average") == ()
    assert NestedUNet.training_only(depth=DEPTH, supervision=False, final="last") == ()
