"""Blocks that take the place of a convolution: branches, selective kernels, dynamic convolution, Res2Net."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from search_spaces.attention.aspp import AtrousPyramid
from search_spaces.attention.asymmetric import AsymmetricConvolution
from search_spaces.attention.branches import BranchAttention, convolution
from search_spaces.attention.odconv import OmniDimensionalConvolution
from search_spaces.attention.res2net import Res2Net
from search_spaces.attention.sk import SelectiveKernel
from tests.reference.adapter import NotCovered, Subject, adapter, divisible, exact_width, renamed
from tests.reference.case import Case, Tensors


@adapter("", "SeedBranch (own)")
def survey(case: Case, *, C: int, Cout: int, N: int, branches: Sequence[Sequence[int]]) -> Subject:
    built = [convolution(case.dims, C, Cout, kernel, dilation=dilation) for kernel, dilation in branches]
    module = BranchAttention(C, built, dims=case.dims, min_width=1)
    return Subject(module, renamed({"squeeze": "c1", "score": "c2", "branches": "branches"}))


@adapter("DingXiaoH/ACNet", "ACBlock")
def acnet(
    case: Case,
    *,
    in_channels: int,
    out_channels: int,
    kernel_size: int,
    stride: int = 1,
    padding: int = 0,
    dilation: int = 1,
    groups: int = 1,
    padding_mode: str = "zeros",
    deploy: bool = False,
    use_affine: bool = True,
) -> Subject:
    if (dilation, padding_mode, deploy, use_affine) != (1, "zeros", False, True):
        raise NotCovered(f"dilation {dilation}, padding by {padding_mode}, deploy {deploy}, use_affine {use_affine}")
    module = AsymmetricConvolution(
        out_channels,
        dims=case.dims,
        in_channels=in_channels,
        stride=stride,
        kernel=kernel_size,
        groups=groups,
        fusion="sum",
    )
    names = {}
    for index, name in enumerate(("square", "ver", "hor")):
        names |= {f"fuse.branches.{index}.0": f"{name}_conv", f"fuse.branches.{index}.1": f"{name}_bn"}
    return Subject(module, renamed(names), _padded(case, module, padding - kernel_size // 2, stride))


@adapter("Project-MONAI/MONAI", "SimpleASPP")
def monai(
    case: Case,
    *,
    spatial_dims: int,
    in_channels: int,
    conv_out_channels: int,
    kernel_sizes: Sequence[int] = (1, 3, 3, 3),
    dilations: Sequence[int] = (1, 2, 4, 6),
    norm_type: str | None = "BATCH",
    acti_type: str | None = "LEAKYRELU",
    bias: bool = False,
) -> Subject:
    norms, activations = {"BATCH": "batch", "INSTANCE": "instance"}, {"LEAKYRELU": "leaky_relu", "RELU": "relu"}
    norm, activation = norms.get(str(norm_type).upper()), activations.get(str(acti_type).upper())
    if norm is None or activation is None or (bias and norm != "batch"):
        raise NotCovered(f"norm {norm_type}, activation {acti_type}, bias {bias}")
    module = AtrousPyramid(
        conv_out_channels * len(kernel_sizes),
        dims=spatial_dims,
        in_channels=in_channels,
        fusion="concatenate",
        dilations=dilations,
        kernels=kernel_sizes,
        branch_channels=conv_out_channels,
        norm=norm,
        activation=activation,
    )
    names = {"branches": "convs", "join.0": "conv_k1.conv", "join.1": "conv_k1.adn.N"}

    def weights(reference: Tensors) -> Tensors:
        # MONAI's instance norm has no weights; here they are 1 and 0 at first.
        found = {
            **({} if norm == "batch" else module.join[1].state_dict(prefix="join.1.")),
            **renamed(names)(reference),
        }
        if bias:  # before a batch norm, and moves into its mean
            found["join.1.running_mean"] = found["join.1.running_mean"] - found.pop("join.0.bias")
        return found

    return Subject(module, weights)


@adapter("huggingface/pytorch-image-models", "SelectiveKernel")
def timm(
    case: Case,
    *,
    in_channels: int,
    out_channels: int | None = None,
    kernel_size: int | Sequence[int] = (3, 5),
    stride: int = 1,
    dilation: int = 1,
    groups: int = 1,
    rd_ratio: float = 1 / 16,
    rd_channels: int | None = None,
    rd_divisor: int = 8,
    keep_3x3: bool = True,
    split_input: bool = True,
) -> Subject:
    if split_input:
        raise NotCovered("not followed: each branch sees a part of the input, in the paper all of it")
    channels = out_channels or in_channels
    sizes = [kernel_size] * 2 if isinstance(kernel_size, int) else list(kernel_size)
    module = SelectiveKernel(
        channels,
        dims=case.dims,
        in_channels=in_channels,
        stride=stride,
        groups=min(groups, channels),
        kernels=[3] * len(sizes) if keep_3x3 else sizes,
        dilations=[dilation * (size - 1) // 2 if keep_3x3 else dilation for size in sizes],
        **exact_width(channels, rd_channels or divisible(channels * rd_ratio, rd_divisor, limit=0.9)),
    )
    names = {"squeeze.0": "attn.fc_reduce", "squeeze.1": "attn.bn", "select": "attn.fc_select"}
    for index in range(len(sizes)):
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
    beyond = padding - dilation * (kernel_size // 2)
    if beyond > 0:
        raise NotCovered(f"padding {padding} of a kernel of {kernel_size}: here at most what keeps the size")
    module = OmniDimensionalConvolution(
        out_planes,
        dims=case.dims,
        in_channels=in_planes,
        stride=stride,
        kernels=kernel_num,
        kernel=kernel_size,
        dilation=dilation,
        groups=groups,
        temperature=temperature,
        **exact_width(in_planes, max(int(in_planes * reduction), min_channel)),
    )
    names = {"weight": "weight", "squeeze.0": "attention.fc", "squeeze.1": "attention.bn"}
    for ours, theirs in (("channel", "channel"), ("filter", "filter"), ("place", "spatial"), ("kernel", "kernel")):
        names[ours] = f"attention.{theirs}_fc"
    return Subject(module, renamed(names), _padded(case, module, beyond, stride))


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
    if stype not in ("normal", "stage"):
        raise NotCovered(f"stype '{stype}'")
    channels = 4 * planes
    if (stride != 1 or inplanes != channels) != any(key.startswith("downsample") for key in case.weights):
        raise NotCovered("a shortcut has a convolution where shapes differ, and there alone")
    module = Res2Net(
        channels,
        dims=case.dims,
        in_channels=inplanes,
        stride=stride,
        scale=scale,
        width=planes * baseWidth // 64,
        cascade=stype == "normal" and scale > 1,  # a single part has the stride, as parts without a cascade do
    )
    names = {"split": "conv1", "split_norm": "bn1", "join": "conv3", "join_norm": "bn3"}
    names |= {"shortcut.0": "downsample.0", "shortcut.1": "downsample.1"}
    for index in range(max(scale - 1, 1)):
        names |= {f"parts.{index}.0": f"convs.{index}", f"parts.{index}.1": f"bns.{index}"}
    return Subject(module, renamed(names))


def _padded(case: Case, module: nn.Module, beyond: int, stride: int) -> Callable[[Tensors], Sequence[Tensor]] | None:
    """Calls a convolution that keeps the size as one with so many zeros more on each side, or fewer."""
    if beyond < 0 and (stride != 1 or case.training):
        raise NotCovered("fewer zeros than keep the size, with a stride or in train mode")

    def call(inputs: Tensors) -> Sequence[Tensor]:
        (x,) = inputs.values()
        margins = [beyond] * (2 * case.dims)
        return [F.pad(module(x), margins) if beyond < 0 else module(F.pad(x, margins))]

    return call if beyond else None
