"""The parallel partial decoder against its equation, written out for three levels."""

from __future__ import annotations

import torch

from search_spaces.layers import resize
from search_spaces.stages.partial_decoder import PartialDecoder


def test_each_level_is_multiplied_by_all_that_are_coarser_then_joined() -> None:
    torch.manual_seed(0)
    module = PartialDecoder(4, 3, 2, dims=2).double()
    coarse, middle, fine = (torch.randn(2, 4, *size, dtype=torch.float64) for size in ((2, 3), (4, 5), (7, 9)))

    def up(x: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
        return resize(x, like.shape[2:])

    weigh, lift, join = module.weigh, module.lift, module.join
    second = weigh["1_0"](up(coarse, middle)) * middle
    third = weigh["2_0"](up(coarse, fine)) * weigh["2_1"](up(middle, fine)) * fine
    joined = join["1"](torch.cat([second, lift["1"](up(coarse, middle))], dim=1))
    joined = join["2"](torch.cat([third, lift["2"](up(joined, fine))], dim=1))
    torch.testing.assert_close(module([coarse, middle, fine]), module.head(module.last(joined)))


def test_it_has_the_parameters_of_the_published_one() -> None:
    parameters = sum(parameter.numel() for parameter in PartialDecoder(32, 3, 1, dims=2).parameters())
    kernels = 4 * 32**2 + 2 * 64**2 + 2 * 96**2  # between levels, then on two and on three levels side by side
    assert parameters == 9 * kernels + 96 + 1
