"""Efficient Channel Attention: the length of its kernel."""

from __future__ import annotations

import pytest

from search_spaces.attention.eca import adaptive_kernel
from search_spaces.errors import InputError
from tests.search_spaces.attention.example import build


def test_the_adaptive_kernel_follows_the_papers_rule_but_is_at_least_three() -> None:
    assert [adaptive_kernel(channels) for channels in (1, 4, 8, 64, 128, 512, 2048)] == [3, 3, 3, 3, 5, 5, 7]


def test_a_kernel_never_reaches_beyond_the_channels() -> None:
    assert build("eca", 2, channels=2, options={"kernel": 7}).state_dict()["conv.weight"].shape[-1] == 3


@pytest.mark.parametrize("kernel", [4, 0, -3, 2.5])
def test_a_kernel_without_a_centre_is_refused(kernel: float) -> None:
    with pytest.raises(InputError, match=r"eca kernel: expected an odd length or 'adaptive', got"):
        build("eca", 2, options={"kernel": kernel})
