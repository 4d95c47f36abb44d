"""Adapters with arguments that no stored case names, on plain forms of the references' equations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.reference.adapter import build
from tests.reference.case import load_case
from tests.reference.made_cases import case_of, noise, passes


class SelfAttention(nn.Module):
    """Of ``(batch, tokens, channels)``, its two layers named as a reference names them; ``offsets``: of a 1D window."""

    def __init__(
        self, channels: int, heads: int, scale: float, names: tuple[str, str], bias: bool = True, offsets: int = 0
    ) -> None:
        super().__init__()
        self.heads, self.scale, self.names, self.offsets = heads, scale, names, offsets
        self.add_module(names[0], nn.Linear(channels, 3 * channels))
        self.add_module(names[1], nn.Linear(channels, channels, bias=bias))
        if offsets:
            self.relative_position_bias_table = nn.Parameter(torch.randn(2 * offsets - 1, heads))

    def forward(self, tokens: Tensor) -> Tensor:
        first, last = map(self.get_submodule, self.names)
        query, key, value = first(tokens).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        scores = self.scale * query @ key.mT
        if self.offsets:
            places = torch.arange(self.offsets)
            scores = scores + self.relative_position_bias_table[places[:, None] - places + self.offsets - 1].movedim(
                2, 0
            )
        return last((scores.softmax(3) @ value).transpose(1, 2).flatten(2))


def test_window_attention_of_another_scale(tmp_path: Path) -> None:
    arguments = {"dim": 6, "window_size": [1, 5], "num_heads": 2, "qk_scale": 0.9}
    module = SelfAttention(6, 2, 0.9, ("qkv", "proj"), offsets=5)
    case = case_of(tmp_path, "WindowAttention", arguments, module, noise(3, 5, 6), module, "microsoft/Swin-Transformer")
    passes(case)


def test_bi_level_routing_of_another_scale(tmp_path: Path) -> None:
    """In a single region, where it is attention of all positions."""
    arguments = {"dim": 6, "num_heads": 3, "n_win": 1, "topk": 1, "side_dwconv": 0, "qk_scale": 0.7}
    module = SelfAttention(6, 3, 0.7, ("qkv_linear", "output_linear"))

    def call(x: Tensor) -> Tensor:
        return module(x.flatten(2).mT).mT.unflatten(2, x.shape[2:])

    passes(case_of(tmp_path, "nchwBRA", arguments, module, noise(2, 6, 4, 5), call, "rayleizhu/BiFormer"))


def test_attention_whose_last_layer_has_no_bias(tmp_path: Path) -> None:
    arguments = {"dim": 6, "num_heads": 2, "qkv_bias": True, "proj_bias": False}
    module = SelfAttention(6, 2, 3**-0.5, ("qkv", "proj"), bias=False)
    case = case_of(tmp_path, "Attention", arguments, module, noise(2, 7, 6), module, "huggingface/pytorch-image-models")
    passes(case)


class Split(nn.Module):
    """ResNeSt's convolution of two splits, without a norm."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(6, 12, 3, padding=1, groups=2)
        self.fc1, self.fc2 = nn.Conv2d(6, 32, 1), nn.Conv2d(32, 12, 1)

    def forward(self, x: Tensor) -> Tensor:
        splits = F.relu(self.conv(x)).unflatten(1, (2, 6))
        shares = self.fc2(F.relu(self.fc1(splits.sum(1).mean((2, 3), keepdim=True))))
        return (shares.unflatten(1, (2, 6)).softmax(1) * splits).sum(1)


def test_split_attention_without_a_norm(tmp_path: Path) -> None:
    arguments = {"in_channels": 6, "channels": 6, "kernel_size": 3, "padding": 1, "norm_layer": None}
    module = Split()
    passes(case_of(tmp_path, "SplAtConv2d", arguments, module, noise(2, 6, 5, 7), module, "zhanghang1989/ResNeSt"))


class Selective(nn.Module):
    """timm's selective kernels on depthwise convolutions."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.paths = nn.ModuleList(
            nn.ModuleDict(
                {
                    "conv": nn.Conv2d(channels, channels, 3, 1, spread, spread, channels, bias=False),
                    "bn": nn.BatchNorm2d(channels),
                }
            )
            for spread in (1, 2)
        )
        self.attn = nn.ModuleDict(
            {
                "fc_reduce": nn.Conv2d(channels, width, 1, bias=False),
                "bn": nn.BatchNorm2d(width),
                "fc_select": nn.Conv2d(width, 2 * channels, 1, bias=False),
            }
        )

    def forward(self, x: Tensor) -> Tensor:
        found = torch.stack([F.relu(path["bn"](path["conv"](x))) for path in self.paths], 1)  # type: ignore[index]
        squeezed = self.attn["fc_reduce"](found.sum(1).mean((2, 3), keepdim=True))
        shares = self.attn["fc_select"](F.relu(self.attn["bn"](squeezed))).unflatten(1, (2, -1)).softmax(1)
        return (shares * found).sum(1)


def test_selective_kernels_of_more_groups_than_channels(tmp_path: Path) -> None:
    """timm's default of the paper's networks, 32, is then one for each channel."""
    arguments: dict[str, Any] = {"in_channels": 12, "groups": 32, "rd_channels": 5, "split_input": False}
    module = Selective(12, 5)
    repository = "huggingface/pytorch-image-models"
    passes(case_of(tmp_path, "SelectiveKernel", arguments, module, noise(2, 12, 6, 7), module, repository))


class Single(nn.Module):
    """Res2Net's block of a single part, which halves the size."""

    def __init__(self) -> None:
        super().__init__()
        conv, norm = nn.Conv2d, nn.BatchNorm2d
        self.conv1, self.bn1 = conv(8, 4, 1, bias=False), norm(4)
        self.convs, self.bns = nn.ModuleList([conv(4, 4, 3, 2, 1, bias=False)]), nn.ModuleList([norm(4)])
        self.conv3, self.bn3 = conv(4, 16, 1, bias=False), norm(16)
        self.downsample = nn.Sequential(conv(8, 16, 1, 2, bias=False), norm(16))

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bns[0](self.convs[0](y)))
        return F.relu(self.bn3(self.conv3(y)) + self.downsample(x))


def test_a_res2net_block_of_a_single_part(tmp_path: Path) -> None:
    arguments = {"inplanes": 8, "planes": 4, "stride": 2, "baseWidth": 64, "scale": 1}
    module = Single()
    repository = "Res2Net/Res2Net-PretrainedModels"
    passes(case_of(tmp_path, "Bottle2neck", arguments, module, noise(2, 8, 9, 6), module, repository))


def test_the_momentum_of_statistics_is_the_reference_s() -> None:
    golden = Path(__file__).parents[3] / "shared" / "golden" / "canet_scale_attention.json"
    if not golden.exists():
        pytest.skip("the golden cases are not here")
    assert build(load_case(golden)).module.spread[1].momentum == 0.01
