"""MONAI's blocks that do what a mechanism does, at comparable settings and with weights of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from monai.networks.blocks import (
    ChannelSELayer,
    CrossAttentionBlock,
    SimpleASPP,
    SpatialAttentionBlock,
    TransformerBlock,
)
from monai.networks.nets.attentionunet import AttentionBlock
from monai.networks.nets.swin_unetr import BasicLayer
from torch import Tensor, nn
from torch.nn import functional as F

LINEAR = {2: "bilinear", 3: "trilinear"}


@dataclass(frozen=True)
class MonaiBlock:
    """A block to measure beside a case.

    Attributes:
        settings: what is measured, in words.
        build: ``(channels, dims)`` to a module that takes the case's inputs.
    """

    settings: str
    build: Callable[[int, int], nn.Module]


class OnTokens(nn.Module):
    """A block of ``(batch, positions, channels)`` on a map."""

    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        self.block = block

    def forward(self, x: Tensor) -> Tensor:
        return self.block(x.flatten(2).transpose(1, 2)).transpose(1, 2).reshape(x.shape)


class CrossGate(nn.Module):
    """MONAI's cross-attention where ours attends: the gate's positions ask the pooled skip."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.block = CrossAttentionBlock(
            channels, heads, hidden_input_size=2 * channels, context_input_size=channels, dim_head=channels // heads
        )
        self.reduce = nn.Linear(2 * channels, channels)

    def forward(self, x: Tensor, gate: Tensor) -> Tensor:
        pooled = F.adaptive_max_pool2d(x, gate.shape[2:]) if x.dim() == 4 else F.adaptive_max_pool3d(x, gate.shape[2:])
        found = self.block(gate.flatten(2).transpose(1, 2), context=pooled.flatten(2).transpose(1, 2))
        z = torch.sigmoid(self.reduce(found)).transpose(1, 2).reshape(len(x), -1, *gate.shape[2:])
        return x * F.interpolate(z, x.shape[2:], mode=LINEAR[x.dim() - 2], align_corners=False)


class GatedSkip(nn.Module):
    """MONAI's attention gate, which wants the gate at the skip's size."""

    def __init__(self, channels: int, dims: int) -> None:
        super().__init__()
        self.block = AttentionBlock(dims, f_int=channels // 2, f_g=2 * channels, f_l=channels)

    def forward(self, x: Tensor, gate: Tensor) -> Tensor:
        return self.block(F.interpolate(gate, x.shape[2:], mode=LINEAR[x.dim() - 2], align_corners=False), x)


BLOCKS: dict[str, MonaiBlock] = {
    "se": MonaiBlock(
        "ChannelSELayer, r 4",
        lambda channels, dims: ChannelSELayer(dims, channels, r=4),
    ),
    "non_local": MonaiBlock(
        "SpatialAttentionBlock, one head of all channels (ours: half of them)",
        lambda channels, dims: SpatialAttentionBlock(dims, channels, norm_num_groups=8),
    ),
    "mhsa": MonaiBlock(
        "TransformerBlock, 4 heads, perceptron ratio 2",
        lambda channels, dims: OnTokens(TransformerBlock(channels, 2 * channels, 4, qkv_bias=True)),
    ),
    "window": MonaiBlock(
        "BasicLayer of SwinUNETR, 2 blocks, window 4, 4 heads, perceptron ratio 2",
        lambda channels, dims: BasicLayer(
            channels, 2, 4, (4,) * dims, drop_path=[0.0, 0.0], mlp_ratio=2.0, qkv_bias=True
        ),
    ),
    "cross": MonaiBlock(
        "CrossAttentionBlock, 4 heads, with our pooling, sigmoid and interpolation around it",
        lambda channels, dims: CrossGate(channels, 4),
    ),
    "attention_gate variant=same_resolution": MonaiBlock(
        "AttentionBlock of AttentionUnet, half the channels inside, after an interpolation of the gate",
        lambda channels, dims: GatedSkip(channels, dims),
    ),
    "aspp fusion=concatenate": MonaiBlock(
        "SimpleASPP, dilations 1, 1, 2, 4, a quarter of the channels each",
        lambda channels, dims: SimpleASPP(dims, channels, channels // 4, dilations=(1, 1, 2, 4), bias=True),
    ),
}
