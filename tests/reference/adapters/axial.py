"""Position-sensitive axial attention of its authors: one axis, and their block."""

from __future__ import annotations

from search_spaces.attention.axial import Axial, AxialAttention
from tests.reference.adapter import NotCovered, Subject, adapter, renamed
from tests.reference.case import Case

LAYER = {
    "project": "qkv_transform",
    "norm": "bn_qkv",
    "norm_scores": "bn_similarity",
    "norm_result": "bn_output",
    "relative": "relative",
}
INDEX = "*flatten_index"  # of the table; here it follows from the length


@adapter("csrhddlam/axial-deeplab", "AxialAttention")
def attention(
    case: Case,
    *,
    in_planes: int,
    out_planes: int,
    groups: int = 8,
    kernel_size: int = 56,
    stride: int = 1,
    bias: bool = False,
    width: bool = False,
) -> Subject:
    if stride != 1 or bias:
        raise NotCovered(f"stride {stride}, bias {bias}: here neither")
    module = AxialAttention(in_planes, out_planes, axis=3 if width else 2, heads=groups, span=kernel_size)
    return Subject(module, renamed(LAYER, unused=INDEX))


@adapter("csrhddlam/axial-deeplab", "AxialBlock")
def block(
    case: Case,
    *,
    inplanes: int,
    planes: int,
    stride: int = 1,
    groups: int = 1,
    base_width: int = 64,
    kernel_size: int = 56,
) -> Subject:
    width = int(planes * base_width / 64)
    if stride != 1 or inplanes != 2 * planes:
        raise NotCovered(f"stride {stride}, {inplanes} channels in, {2 * planes} out: here the shape is kept")
    if inplanes % width:
        raise NotCovered(f"width {width} of {inplanes} channels: here it is a whole fraction")
    module = Axial(
        inplanes, dims=case.dims, reduction=inplanes // width, heads=groups, span=kernel_size, activation=True
    )
    names = {"reduce.0": "conv_down", "reduce.1": "bn1", "expand": "conv_up", "norm": "bn2"}
    for index, axis in enumerate(("hight_block", "width_block")):
        names |= {f"attend.{index}.{ours}": f"{axis}.{theirs}" for ours, theirs in LAYER.items()}
    return Subject(module, renamed(names, unused=INDEX))
