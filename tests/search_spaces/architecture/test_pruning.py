"""A pruned network is a part of the whole: the same weights, and what the whole's column predicted."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from search_spaces import Architecture, InputError, Placement
from search_spaces.architecture.pruning import prune, pruned_weights
from search_spaces.hosts import Host

DEPTH = 3
SIZE: dict[int, tuple[int, ...]] = {2: (21, 34), 3: (9, 18, 5)}
SE, GATE, SK = Placement("se"), Placement("attention_gate"), Placement("sk")
FILLED: dict[str, Any] = {
    **{f"encoder.{level}": SE for level in range(DEPTH)},
    "bottleneck": Placement("cbam"),
    **{f"skip.{i}.{k}.{j}": GATE for i in range(DEPTH) for j in range(1, DEPTH + 1 - i) for k in range(j)},
    **{f"decoder.{level}": [GATE, SE] for level in range(DEPTH)},
    "output": Placement("scale"),
    "block.encoder.1": SK,
    "block.encoder.2": SK,
    "block.decoder.0": SK,
}


def nested(dims: int = 2, attention: dict[str, Any] | None = None, **options: Any) -> Architecture:
    options = {"depth": DEPTH, "width": 4, "supervision": True, "norm": "batch", **options}
    return Architecture.create("nested", dims, options, FILLED if attention is None else attention)


def trained(architecture: Architecture) -> Host:
    """No layer has its initial weights, no norm its initial statistics."""
    network = architecture.build(2, 3).eval()
    generator = torch.Generator().manual_seed(0)
    for tensor in network.state_dict().values():
        if tensor.is_floating_point():
            tensor += 0.1 * torch.rand(tensor.shape, generator=generator)
    return network


def loaded(whole: Host, architecture: Architecture, columns: int) -> Host:
    network = prune(architecture, columns).build(2, 3, seed=1)
    network.load_state_dict(pruned_weights(whole.state_dict(), architecture, columns))
    return network.eval()


def image(dims: int) -> Tensor:
    return torch.randn(2, 2, *SIZE[dims], generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("columns", range(1, DEPTH))
@pytest.mark.parametrize("final", ["last", "average"])
def test_the_pruned_network_predicts_what_the_columns_of_the_whole_predict(dims: int, columns: int, final: str) -> None:
    architecture = nested(dims, final=final)
    whole = trained(architecture)
    # In training the columns' predictions are told; norms and gates stay as in inference.
    whole.training = True
    predictions = [auxiliary.prediction for auxiliary in whole.outputs(image(dims)).auxiliary[:columns]]
    expected = torch.stack(predictions).mean(0) if final == "average" else predictions[-1]
    torch.testing.assert_close(loaded(whole, architecture, columns)(image(dims)), expected)


def test_what_sits_in_shared_slots_stays_and_what_sits_behind_the_last_nodes_goes() -> None:
    kept = {
        "encoder.0": SE,
        "encoder.1": SE,
        "bottleneck": SE,  # what came after encoder stage 2
        **{f"skip.{place}": GATE for place in ("0.0.1", "1.0.1", "0.0.2", "0.1.2")},
        "block.encoder.1": SK,
        "block.bottleneck": SK,
    }
    assert prune(nested(), 2) == nested(attention=kept, depth=2)


def test_the_weights_of_the_pruned_network_are_some_of_the_whole() -> None:
    architecture = nested(attention={"encoder.0": SE})
    whole = trained(architecture).state_dict()
    part = pruned_weights(whole, architecture, 2)
    assert 0 < len(part) < len(whole)
    assert all(torch.equal(tensor, whole[name]) for name, tensor in part.items())


@pytest.mark.parametrize(
    ("architecture", "columns", "fault"),
    [
        (Architecture.create("unet", 2), 1, "columns: expected host 'nested', no other can be pruned; got 'unet'"),
        (nested(supervision=False), 1, "columns: expected a network trained with 'supervision: true'"),
        (nested(), 0, "columns: expected 1 to 2, fewer than the network's 3; got 0"),
        (nested(), 3, "columns: expected 1 to 2, fewer than the network's 3; got 3"),
    ],
)
def test_what_cannot_be_pruned_is_refused(architecture: Architecture, columns: int, fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        prune(architecture, columns)
