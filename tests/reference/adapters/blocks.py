"""Blocks that take the place of a convolution: branches, selective kernels, dynamic convolution, Res2Net."""

from __future__ import annotations

from collections.abc import Sequence

from search_spaces.attention.aspp import AtrousPyramid
from search_spaces.attention.asymmetric import AsymmetricConvolution
from search_spaces.attention.branches import BranchAttention, convolution
from search_spaces.attention.odconv import OmniDimensionalConvolution
from search_spaces.attention.res2net import Res2Net
from search_spaces.attention.sk import SelectiveKernel
from tests.reference.adapter import NotCovered, Subject, adapter, exact_width, renamed
from tests.reference.case import Case


@adapter("", "SeedBranch (own)")
def survey(case: Case, *, C: int, Cout: int, N: int, branches: Sequence[Sequence[int]]) -> Subject:
    built = [convolution(case.dims, C, Cout, kernel, dilation=dilation) for kernel, dilation in branches]
    module = BranchAttention(C, built, dims=case.dims, min_width=1)
    return Subject(module, renamed({"squeeze": "c1", "score": "c2", "branches": "branches"}))


@adapter("DingXiaoH/ACNet", "ACBlock")
def acnet(
    case: Case, *, in_channels: int, out_channels: int, kernel_size: int, stride: int = 1, padding: int = 0
) -> Subject:
    if padding != kernel_size // 2:
        raise NotCovered(f"padding {padding} of a kernel of {kernel_size}: here the size is kept")
    module = AsymmetricConvolution(
        out_channels, dims=case.dims, in_channels=in_channels, stride=stride, kernel=kernel_size, fusion="sum"
    )
    names = {}
    for index, name in enumerate(("square", "ver", "hor")):
        names |= {f"fuse.branches.{index}.0": f"{name}_conv", f"fuse.branches.{index}.1": f"{name}_bn"}
    return Subject(module, renamed(names))


@adapter("Project-MONAI/MONAI", "SimpleASPP")
def monai(
    case: Case,
    *,
    spatial_dims: int,
    in_channels: int,
    conv_out_channels: int,
    kernel_sizes: Sequence[int] = (1, 3, 3, 3),
    dilations: Sequence[int] = (1, 2, 4, 6),
    norm_type: str = "BATCH",
    acti_type: str = "LEAKYRELU",
    bias: bool = False,
) -> Subject:
    if tuple(kernel_sizes) != (1, 3, 3, 3) or norm_type != "BATCH" or acti_type != "LEAKYRELU" or bias:
        raise NotCovered(f"kernels {tuple(kernel_sizes)}, {norm_type}, {acti_type}, bias {bias}")
    module = AtrousPyramid(
        conv_out_channels * len(kernel_sizes),
        dims=spatial_dims,
        in_channels=in_channels,
        fusion="concatenate",
        dilations=dilations,
        branch_channels=conv_out_channels,
    )
    return Subject(module, renamed({"branches": "convs", "join.0": "conv_k1.conv", "join.1": "conv_k1.adn.N"}))


@adapter("huggingface/pytorch-image-models", "SelectiveKernel")
def timm(
    case: Case,
    *,
    in_channels: int,
    out_channels: int | None = None,
    kernel_size: Sequence[int] = (3, 5),
    stride: int = 1,
    dilation: int = 1,
    groups: int = 1,
    rd_channels: int | None = None,
    keep_3x3: bool = True,
    split_input: bool = True,
) -> Subject:
    if split_input:
        raise NotCovered("not followed: each branch sees a part of the input, in the paper all of it")
    if rd_channels is None or dilation != 1:
        raise NotCovered(f"rd_channels {rd_channels}, dilation {dilation}")
    channels = out_channels or in_channels
    reaches = [3 + 2 * index for index in range(len(kernel_size))]
    if keep_3x3 and list(kernel_size) != reaches:
        raise NotCovered(f"reaches {list(kernel_size)}: here {reaches}")
    module = SelectiveKernel(
        channels,
        dims=case.dims,
        in_channels=in_channels,
        stride=stride,
        branches=len(kernel_size),
        groups=groups,
        kernels=None if keep_3x3 else kernel_size,
        **exact_width(channels, rd_channels),
    )
    names = {"squeeze.0": "attn.fc_reduce", "squeeze.1": "attn.bn", "select": "attn.fc_select"}
    for index in range(len(kernel_size)):
        names |= {f"branches.{index}.0": f"paths.{index}.conv", f"branches.{index}.1": f"paths.{index}.bn"}
    return Subject(module, renamed(names))


@adapter("OSVAI/ODConv", "ODConv2d")
def odconv(
    case: Case,
    *,
    in_planes: int,
    out_planes: int,
    kernel_size: int,
    stride: int = 1,
    padding: int = 0,
    dilation: int = 1,
    groups: int = 1,
    reduction: float = 0.0625,
    kernel_num: int = 4,
    min_channel: int = 16,
    temperature: float = 1.0,
) -> Subject:
    if padding != kernel_size // 2 or dilation != 1:
        raise NotCovered(f"padding {padding}, dilation {dilation} of a kernel of {kernel_size}: here the size is kept")
    module = OmniDimensionalConvolution(
        out_planes,
        dims=case.dims,
        in_channels=in_planes,
        stride=stride,
        kernels=kernel_num,
        kernel=kernel_size,
        groups=groups,
        temperature=temperature,
        **exact_width(in_planes, max(int(in_planes * reduction), min_channel)),
    )
    names = {"weight": "weight", "squeeze.0": "attention.fc", "squeeze.1": "attention.bn"}
    for ours, theirs in (("channel", "channel"), ("filter", "filter"), ("place", "spatial"), ("kernel", "kernel")):
        names[ours] = f"attention.{theirs}_fc"
    return Subject(module, renamed(names))


@adapter("Res2Net/Res2Net-PretrainedModels", "Bottle2neck")
def res2net(
    case: Case,
    *,
    inplanes: int,
    planes: int,
    stride: int = 1,
    downsample: object = None,
    baseWidth: int = 26,
    scale: int = 4,
    stype: str = "normal",
) -> Subject:
    if stride != 1 or downsample is not None or stype != "normal" or inplanes != 4 * planes:
        raise NotCovered(f"stride {stride}, stype {stype}, {inplanes} channels in, {4 * planes} out")
    module = Res2Net(4 * planes, dims=case.dims, in_channels=inplanes, scale=scale, width=planes * baseWidth // 64)
    names = {"split": "conv1", "split_norm": "bn1", "join": "conv3", "join_norm": "bn3"}
    for index in range(scale - 1):
        names |= {f"parts.{index}.0": f"convs.{index}", f"parts.{index}.1": f"bns.{index}"}
    return Subject(module, renamed(names))
