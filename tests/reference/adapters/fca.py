"""Frequency channel attention of its authors."""

from __future__ import annotations

import re
from itertools import product

from search_spaces.attention.fca import FrequencyChannelAttention, cosine_basis
from tests.reference.adapter import NotCovered, Subject, adapter, exact_width, renamed
from tests.reference.case import Case


@adapter("cfzd/FcaNet", "MultiSpectralAttentionLayer")
def authors(
    case: Case, *, channel: int, dct_h: int, dct_w: int, reduction: int = 16, freq_sel_method: str = "top16"
) -> Subject:
    match = re.fullmatch(r"(top|low|bot)(\d+)", freq_sel_method)
    if match is None:
        raise NotCovered(f"frequencies '{freq_sel_method}'")
    count = int(match[2])
    # The basis is a constant; the reference stores it, which tells its frequencies for every ranking.
    module = FrequencyChannelAttention(
        channel,
        dims=case.dims,
        grid=(dct_h, dct_w),
        table=_frequencies(case, count, dct_h, dct_w),
        **exact_width(channel, channel // reduction),
    )
    return Subject(module, renamed({"squeeze": "fc.0", "excite": "fc.2"}, unused="dct_layer.weight"))


def _frequencies(case: Case, count: int, height: int, width: int) -> list[tuple[int, int]]:
    """The (row, column) frequency of each group, read off the stored basis."""
    basis = case.weights["dct_layer.weight"]
    groups = basis[:: len(basis) // count]
    known = {pair: cosine_basis(pair, (height, width)).to(basis) for pair in product(range(height), range(width))}
    return [min(known, key=lambda pair: float((known[pair] - group).abs().max())) for group in groups]
