"""Positions by the formula of the first transformer, for any number of channels."""

from __future__ import annotations

import pytest
import torch

from search_spaces.attention.positions import sine_positions


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5, 6, 11])
def test_the_wavelength_of_a_pair_of_channels_is_that_of_the_formula(channels: int) -> None:
    """PE(p, 2i) = sin(p / 10000^(2i / m)), PE(p, 2i + 1) = cos(p / 10000^(2i / m)), here sines first."""
    length = 7
    table = sine_positions(channels, (length,))
    p = torch.arange(length, dtype=torch.float64)
    sines = [torch.sin(p / 10000 ** (c / channels)) for c in range(0, channels, 2)]
    cosines = [torch.cos(p / 10000 ** ((c - 1) / channels)) for c in range(1, channels, 2)]
    torch.testing.assert_close(table, torch.stack([*sines, *cosines]))


def test_each_axis_has_its_share_of_the_channels_and_the_last_the_rest() -> None:
    table = sine_positions(7, (4, 5))
    torch.testing.assert_close(table[:3], sine_positions(3, (4,))[:, :, None].expand(3, 4, 5))
    torch.testing.assert_close(table[3:], sine_positions(4, (5,))[:, None, :].expand(4, 4, 5))
