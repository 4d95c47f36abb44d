"""Channel and scale attention of CA-Net; its spatial attention is among the attention gates."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from search_spaces.attention.ca_channel import ChannelAttentionBlock
from search_spaces.attention.scale import ScaleGate
from tests.reference.adapter import NotCovered, Subject, adapter, fitted, renamed
from tests.reference.case import Case, Tensors

REPOSITORY = "HiLab-git/CA-Net"


@adapter(REPOSITORY, "SE_Conv_Block")
def channel(case: Case, *, inplanes: int, planes: int, stride: int = 1, drop_out: bool = False) -> Subject:
    if stride != 1 or drop_out:
        raise NotCovered(f"stride {stride}, drop_out {drop_out}: here neither")
    module = ChannelAttentionBlock(planes, dims=case.dims, in_channels=inplanes, min_width=1)
    names = {f"conv{index}": f"conv{index}" for index in (1, 2, 3)}
    names |= {f"norm{index}": f"bn{index}" for index in (1, 2, 3)}
    names |= {"perceptron.0": "fc1", "perceptron.2": "fc2", "shortcut": "downchannel"}

    def call(inputs: Tensors) -> Sequence[Tensor]:
        return module.attend(next(iter(inputs.values())))

    return Subject(module, renamed(names), call)


@adapter(REPOSITORY, "scale_atten_convblock")
def scale(case: Case, *, in_size: int, out_size: int) -> Subject:
    if in_size != 16:
        raise NotCovered(f"{in_size} channels: the reference has 4 scales of 4")
    module = ScaleGate(4, 4, out_size, dims=case.dims, hidden=4, norm="batch")
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
