"""The non-local block: its start and its memory."""

from __future__ import annotations

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from search_spaces.attention import MECHANISMS
from tests.search_spaces.attention.example import build, inputs


@pytest.mark.parametrize("norm", ["batch", "instance", "layer", "none"])
def test_it_starts_as_the_identity(norm: str) -> None:
    module = MECHANISMS["non_local"].module(8, dims=2, norm=norm)
    (x,) = inputs("non_local", (5, 7), dtype=torch.float32)
    assert torch.equal(module(x), x)


@pytest.mark.parametrize("subsample", [1, 2])
def test_the_softmax_form_runs_in_the_fused_kernel(subsample: int) -> None:
    module = build("non_local", 2, options={"subsample": subsample})
    (x,) = inputs("non_local", (9, 11))
    with sdpa_kernel(SDPBackend.FLASH_ATTENTION):  # torch raises where this kernel cannot take the call
        fused = module(x)
    torch.testing.assert_close(fused, module(x), rtol=0, atol=1e-9)
