"""A program of torch.export computes what its network does, at every size and batch."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from evaluators.labelling import Labelling
from evaluators.preprocessing import Preprocessing
from nas.exports.agreement import check_same
from nas.exports.formats.torch_program import torch_program, write_torch_program
from search_spaces import Architecture, InputError
from tests.nas.exports.walk import CASES, hosts, mechanisms, presets, verdicts

PREPROCESSING = Preprocessing(2, 1, Labelling.exclusive(["organ"]), None, None, (8, 12))
SMALL = Architecture.from_dict(
    {"host": "unet", "dims": 2, "options": {"depth": 1, "width": 4}, "attention": {"skip.0": "attention_gate"}}
)


def small_unet() -> nn.Module:
    return SMALL.build(1, 1).eval()


def test_a_file_computes_the_same_at_other_sizes_and_batches(tmp_path: Path) -> None:
    network = small_unet()
    path = write_torch_program(network, PREPROCESSING, tmp_path / "deep" / "model.pt2")
    program = torch.export.load(path).module()
    for shape in [(2, 1, 8, 12), (3, 1, 16, 10), (4, 1, 7, 13)]:
        image = torch.randn(shape, generator=torch.Generator().manual_seed(0))
        torch.testing.assert_close(program(image), network(image))


def test_other_logits_than_the_network_s_are_refused() -> None:
    logits = torch.ones(1, 2, 3, 3)
    check_same(Path("model.pt2"), logits + 1e-6, logits)
    for wrong in (logits + 0.1, logits * float("nan")):
        with pytest.raises(InputError, match=r"^'model.pt2': expected .* of up to 1, within 0.0001 of that; got"):
            check_same(Path("model.pt2"), wrong, logits)


def test_a_network_that_changes_with_the_size_is_told_from_its_program() -> None:
    class Deciding(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x if x.shape[2] > 8 else -x

    program = torch_program(Deciding(), torch.ones(2, 1, 12, 12)).module()
    with pytest.raises(AssertionError, match="Guard failed"):
        program(torch.ones(2, 1, 6, 12))


@pytest.mark.slow
@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("networks", [mechanisms, hosts, presets])
def test_every_network_is_the_same_program(networks, dims: int) -> None:  # type: ignore[no-untyped-def]
    found = verdicts(networks(dims), dims, "torch.export")
    # torch puts a condition on single images into some programs, which then refuse them.
    wrong = {
        name: cases
        for name, cases in found.items()
        if "WRONG" in cases.values() or any(cases[case] != "right" for case in CASES[dims] if case != "one image")
    }
    assert not wrong
