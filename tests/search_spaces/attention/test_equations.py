"""Each mechanism against its equation, written as loops over positions and channels."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from search_spaces.attention import MECHANISMS
from tests.search_spaces.attention.equations import EQUATIONS
from tests.search_spaces.attention.example import CHANNELS, build, each, inputs

SIZES: dict[int, tuple[int, ...]] = {2: (5, 6), 3: (3, 4, 5)}
CASES = [(name, options, dims) for name, (_, cases) in EQUATIONS.items() for options in cases for dims in (2, 3)]
SLOW = {("axial", 3)}  # loops of more than a minute, with the default options
CASE_IDS = [f"{name}-{'-'.join(map(str, options.values())) or 'default'}-{dims}d" for name, options, dims in CASES]


@pytest.mark.parametrize(
    ("name", "options", "dims"),
    [pytest.param(*case, marks=[pytest.mark.slow] * (not case[1] and (case[0], case[2]) in SLOW)) for case in CASES],
    ids=CASE_IDS,
)
def test_the_mechanism_computes_its_equation(name: str, options: dict[str, Any], dims: int) -> None:
    channels = options.get("in_channels", CHANNELS)
    module, given_inputs = build(name, dims, options=options), inputs(name, SIZES[dims], channels=channels)
    expected = EQUATIONS[name][0](module, *each(Tensor.numpy, given_inputs), **options)
    torch.testing.assert_close(module(*given_inputs).detach(), torch.from_numpy(expected), rtol=0, atol=1e-9)


def test_every_mechanism_has_its_equation_here() -> None:
    assert set(EQUATIONS) == set(MECHANISMS)
