"""Position-sensitive axial attention of its authors: one axis, and their block."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from search_spaces.attention.axial import Axial, AxialAttention
from search_spaces.layers import AVG_POOL
from tests.reference.adapter import NotCovered, Subject, adapter, renamed
from tests.reference.case import Case, Tensors

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
    # ``bias`` is read and never used; a stride is a pooling of what the attention gives.
    module = AxialAttention(in_planes, out_planes, axis=3 if width else 2, heads=groups, span=kernel_size)

    def call(inputs: Tensors) -> Sequence[Tensor]:
        (x,) = inputs.values()
        y = module(x)
        return [AVG_POOL[case.dims](stride)(y) if stride > 1 else y]

    return Subject(module, renamed(LAYER, unused=INDEX), call)


@adapter("csrhddlam/axial-deeplab", "AxialBlock")
def block(
    case: Case,
    *,
    inplanes: int,
    planes: int,
    stride: int = 1,
    downsample: object = None,
    groups: int = 1,
    base_width: int = 64,
    dilation: int = 1,
    kernel_size: int = 56,
) -> Subject:
    if stride != 1 or downsample or inplanes != 2 * planes:
        raise NotCovered(f"stride {stride}, {inplanes} channels in, {2 * planes} out: here the shape is kept")
    width = int(planes * base_width / 64)  # ``dilation`` is read and never used
    module = Axial(inplanes, dims=case.dims, width=width, heads=groups, span=kernel_size, activation=True)
    names = {"reduce.0": "conv_down", "reduce.1": "bn1", "expand": "conv_up", "norm": "bn2"}
    for index, axis in enumerate(("hight_block", "width_block")):
        names |= {f"attend.{index}.{ours}": f"{axis}.{theirs}" for ours, theirs in LAYER.items()}
    return Subject(module, renamed(names, unused=INDEX))
