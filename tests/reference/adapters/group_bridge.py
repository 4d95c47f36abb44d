"""Group aggregation bridge of EGE-UNet."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from search_spaces.attention.group_bridge import GroupBridge
from tests.reference.adapter import NotCovered, Subject, adapter, renamed
from tests.reference.case import Case, Tensors


@adapter("JCruan519/EGE-UNet", "group_aggregation_bridge")
def authors(case: Case, *, dim_xh: int, dim_xl: int, k_size: int = 3, d_list: Sequence[int] = (1, 2, 5, 7)) -> Subject:
    if k_size % 2 == 0 or dim_xl % 4:
        raise NotCovered(f"{dim_xl} channels, kernel {k_size}: the reference wants a multiple of 4, here it is odd")
    module = GroupBridge(dim_xl, dim_xh, dims=case.dims, kernel=k_size, dilations=d_list)
    names = {"project": "pre_project", "join": "tail_conv", **{f"spread.{index}": f"g{index}" for index in range(4)}}

    def call(inputs: Tensors) -> Sequence[Tensor]:
        return [module(inputs["xl"], inputs["xh"], inputs["mask"])]

    return Subject(module, renamed(names), call)
