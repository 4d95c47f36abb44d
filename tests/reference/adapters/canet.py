"""Channel and scale attention of CA-Net; its spatial attention is among the attention gates."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from search_spaces.attention.ca_channel import ChannelAttentionBlock
from search_spaces.attention.scale import ScaleGate
from tests.reference.adapter import NotCovered, Subject, adapter, exact_width, fitted, renamed
from tests.reference.case import Case, Tensors

REPOSITORY = "HiLab-git/CA-Net"


@adapter(REPOSITORY, "SE_Conv_Block")
def channel(case: Case, *, inplanes: int, planes: int, stride: int = 1, drop_out: bool = False) -> Subject:
    if drop_out:
        raise NotCovered("drop_out: the reference draws in eval mode too")
    width = exact_width(2 * planes, round(planes / 2))
    module = ChannelAttentionBlock(planes, dims=case.dims, in_channels=inplanes, stride=stride, **width)
    names = {f"conv{index}": f"conv{index}" for index in (1, 2, 3)}
    names |= {f"norm{index}": f"bn{index}" for index in (1, 2, 3)}
    names |= {"perceptron.0": "fc1", "perceptron.2": "fc2", "shortcut": "downchannel"}

    def call(inputs: Tensors) -> Sequence[Tensor]:
        return module.attend(next(iter(inputs.values())))

    return Subject(module, renamed(names), call)


@adapter(REPOSITORY, "scale_atten_convblock")
def scale(
    case: Case, *, in_size: int, out_size: int, stride: int = 1, use_cbam: bool = True, drop_out: bool = False
) -> Subject:
    if in_size != 16 or not use_cbam:
        raise NotCovered(f"{in_size} channels, use_cbam {use_cbam}: the reference works with 4 scales of 4 alone")
    if drop_out:
        raise NotCovered("drop_out: the reference draws in eval mode too")
    module = ScaleGate(4, 4, out_size, dims=case.dims, hidden=4, norm="batch")
    module.spread[1].momentum = 0.01  # as in their CBAM, which this was made of
    names = {
        "perceptron.0": "cbam.ChannelGate.mlp.1",
        "perceptron.2": "cbam.ChannelGate.mlp.3",
        "spread.0": "cbam.SpatialGate.conv1.conv",
        "spread.1": "cbam.SpatialGate.conv1.bn",
        "score.0": "cbam.SpatialGate.conv2.conv",
        "join.0": "conv3",
        "join.1": "bn3",
    }
    return Subject(module, fitted(names, module))
