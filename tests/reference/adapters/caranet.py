"""The channel-wise feature pyramid and the reverse-attention stage of CaraNet, with its authors' axes."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from search_spaces.attention.axial_reverse import AxialReverseAttention
from search_spaces.layers import BatchNorm
from search_spaces.stages.channel_pyramid import ChannelPyramid
from search_spaces.stages.refinement import Refinement
from tests.reference.adapter import NotCovered, Subject, adapter, renamed
from tests.reference.adapters.axial_reverse import kernel_names
from tests.reference.case import Case, Tensors

REPOSITORY = "AngeLouCN/CaraNet"
EPSILON = 1e-3  # of all its batch normalisations; torch's own here


@adapter(REPOSITORY, "CFPModule")
def pyramid(case: Case, *, nIn: int, d: int = 1, KSize: int = 3, dkSize: int = 3) -> Subject:
    if nIn % 16 or (KSize, dkSize) != (3, 3):
        raise NotCovered(f"{nIn} channels, kernels {KSize} and {dkSize}: here a multiple of 16, and 3")
    module = _with_epsilon(ChannelPyramid(nIn, dims=case.dims, dilation=d))
    return Subject(module, renamed(_pyramid_names()))


@adapter(REPOSITORY, "caranet.forward, one attention stage")
def stage(case: Case, *, C: int) -> Subject:
    logits = case.inputs["prev"].shape[1]
    pyramid = ChannelPyramid(C, dims=case.dims)
    attention = AxialReverseAttention(C, dims=case.dims, prediction_channels=logits, min_width=1, verbatim=True)
    refinement = Refinement(C, logits, dims=case.dims)
    module = nn.ModuleDict({"pyramid": pyramid, "attention": attention, "refinement": refinement})
    names = {f"pyramid.{ours}": f"cfp.{theirs}" for ours, theirs in _pyramid_names().items()}
    names |= {f"attention.axial.{ours}": f"aa.{theirs}" for ours, theirs in kernel_names().items()}
    names |= _conv_names("refinement.first", "c1") | _conv_names("refinement.head", "c3")
    names |= {
        "refinement.second.conv": "c2.conv",
        "refinement.second.norm": "c2.bn_relu.bn",
        "refinement.activation": "c2.bn_relu.acti",
    }

    def call(inputs: Tensors) -> Sequence[Tensor]:
        feature, previous = inputs.values()
        return [refinement(attention(pyramid(feature), previous), previous)]

    return Subject(_with_epsilon(module), renamed(names), call)


def _pyramid_names() -> dict[str, str]:
    names = {"join": "conv1x1.conv"} | _conv_names("squeeze", "conv1x1_1")
    for ours, theirs in (("before", "bn_relu_1"), ("after", "bn_relu_2")):
        names |= {f"{ours}.0": f"{theirs}.bn", f"{ours}.1": f"{theirs}.acti"}
    for branch in range(4):
        for index in range(3):
            names |= _conv_names(f"branches.{branch}.{index}", f"dconv_{branch + 1}_{index + 1}")
    return names


def _conv_names(ours: str, theirs: str) -> dict[str, str]:
    return {
        f"{ours}.0.conv": f"{theirs}.conv",
        f"{ours}.0.norm": f"{theirs}.bn_relu.bn",
        f"{ours}.1": f"{theirs}.bn_relu.acti",
    }


def _with_epsilon(module: nn.Module) -> nn.Module:
    for layer in module.modules():
        if isinstance(layer, BatchNorm):
            layer.eps = EPSILON
    return module
