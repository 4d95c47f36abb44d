"""Grouped multi-axis Hadamard product attention of EGE-UNet."""

from __future__ import annotations

from search_spaces.attention.hadamard import HadamardAttention
from tests.reference.adapter import NotCovered, Subject, adapter, fitted
from tests.reference.case import Case


@adapter("JCruan519/EGE-UNet", "Grouped_multi_axis_Hadamard_Product_Attention")
def authors(case: Case, *, dim_in: int, dim_out: int, x: int = 8, y: int = 8) -> Subject:
    if dim_in % 4:
        raise NotCovered(f"{dim_in} channels: the reference wants a multiple of 4")
    module = HadamardAttention(dim_out, dims=case.dims, in_channels=dim_in, side=(x, y))
    names = {"last": "dw", "norm1": "norm1", "norm2": "norm2", "join": "ldw"}
    for index, theirs in enumerate(("xy", "zx", "zy")):
        names |= {f"maps.{index}.learned": f"params_{theirs}", f"maps.{index}.refine": f"conv_{theirs}"}
    return Subject(module, fitted(names, module))
