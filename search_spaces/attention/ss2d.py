"""2D selective scan. Liu et al.: VMamba, NeurIPS 2024, https://arxiv.org/abs/2401.10166;
Ruan, Li, Xiang: VM-UNet, 2024, https://arxiv.org/abs/2402.02491

y = x + V (LN(sum_i scan_i(s)) * silu(z)),  s = silu(dw(u)),  [u; z] = W LN(x): selective scans along rows and columns,
forward and backward
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from search_spaces.attention.mechanism import Mechanism, check_odd, mechanism
from search_spaces.attention.selective_scan import selective_scan
from search_spaces.exporting import rounded_up
from search_spaces.layers import CONV, ChannelNorm
from search_spaces.pricing.parts import Part

STEPS = (0.001, 0.1)  # what lengths of steps are drawn from at first


class CrossScan(Part):
    """Selective scans of a map along each axis, the last one first, then of all in the other direction, summed.

    Args:
        width: channels of the map.
        dims: 2 or 3.
        state: values of the state of a channel.
        rank: width of what the lengths of the steps are made of.
    """

    def __init__(self, width: int, *, dims: int, state: int, rank: int) -> None:
        super().__init__()
        self.dims, self.parts = dims, (rank, state, state)
        self.project = nn.Parameter(torch.empty(2 * dims, rank + 2 * state, width))
        self.step_weight = nn.Parameter(torch.empty(2 * dims, width, rank))
        self.step_bias = nn.Parameter(torch.empty(2 * dims, width))
        self.log_rates = nn.Parameter(torch.empty(2 * dims, width, state))
        self.passing = nn.Parameter(torch.empty(2 * dims, width))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """The authors' initial values: rates 1, 2, ..., steps between ``STEPS``."""
        nn.init.uniform_(self.project, -(self.project.shape[2] ** -0.5), self.project.shape[2] ** -0.5)
        nn.init.uniform_(self.step_weight, -(self.step_weight.shape[2] ** -0.5), self.step_weight.shape[2] ** -0.5)
        nn.init.uniform_(self.step_bias, math.log(STEPS[0]), math.log(STEPS[1]))
        nn.init.ones_(self.passing)
        with torch.no_grad():
            steps = self.step_bias.exp()
            self.step_bias.copy_(steps + torch.log(-torch.expm1(-steps)))  # what softplus makes these steps of
            self.log_rates.copy_(torch.arange(1, self.log_rates.shape[2] + 1).log().expand_as(self.log_rates))

    def forward(self, x: Tensor) -> Tensor:
        """``x`` and the result: ``(batch, width, *spatial)``."""
        axes = range(x.dim() - 1, 1, -1)
        lines = [x.movedim(axis, -1).flatten(2).permute(2, 0, 1) for axis in axes]
        u = torch.stack([*lines, *(line.flip(0) for line in lines)], dim=2)  # (length, batch, directions, width)
        parts = torch.einsum("lbkd,kcd->lbkc", u, self.project)
        steps, inward, outward = parts.split(self.parts, dim=3)
        delta = F.softplus(torch.einsum("lbkr,kdr->lbkd", steps, self.step_weight) + self.step_bias)
        found = selective_scan(u, delta, -self.log_rates.exp().transpose(1, 2), inward, outward) + self.passing * u
        there, back = found.chunk(2, dim=2)
        maps = []
        for line, axis in zip((there + back.flip(0)).unbind(2), axes, strict=True):
            size = [*(length for other, length in enumerate(x.shape[2:], start=2) if other != axis), x.shape[axis]]
            maps.append(line.permute(1, 2, 0).unflatten(2, size).movedim(-1, axis))
        return sum(maps[1:], maps[0])


class SelectiveScan2D(Part):
    """A gated scan between two projections.

    Args:
        channels: of input and result.
        dims: 2 or 3.
        state: values of the state of a channel.
        expand: ratio of the channels that are scanned to ``channels``.
        kernel: odd side of the depthwise convolution before the scan.
        rank: see ``CrossScan``.
    """

    def __init__(self, channels: int, *, dims: int, state: int, expand: int, kernel: int, rank: int) -> None:
        check_odd("ss2d kernel", kernel)
        super().__init__()
        conv, width = CONV[dims], expand * channels
        self.expand = conv(channels, 2 * width, 1, bias=False)
        self.spread = conv(width, width, kernel, padding=kernel // 2, groups=width)
        self.scan = CrossScan(width, dims=dims, state=state, rank=rank)
        self.norm = ChannelNorm(width)
        self.project = conv(width, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """``x`` and the result: ``(batch, channels, *spatial)``."""
        u, z = self.expand(x).chunk(2, dim=1)
        return self.project(self.norm(self.scan(F.silu(self.spread(u)))) * F.silu(z))


@mechanism(
    "ss2d",
    family="other",
    type="state space",
    title="2D selective scan (visual state space block)",
    paper="Liu, Tian, Zhao, Yu, Xie, Wang, Ye, Jiao, Liu: VMamba, Visual State Space Model, NeurIPS",
    year=2024,
    address="https://arxiv.org/abs/2401.10166",
    cost="O(C^2 n + C N n), N values of a state",
    choices={"state": (4, 8, 16), "expand": (1, 2)},
)
class StateSpace(Mechanism):
    """Every position hears of all before it along rows and columns, through a state that inputs write and read.

    As in VM-UNet: a norm before, the input added, no perceptron. There a state has 16 values and twice the channels are
    scanned, eight times the states of the defaults here.

    Args:
        channels: channels of the feature map.
        dims: 2 or 3; in 3D there are six directions.
        state: values N of the state of a channel.
        expand: ratio of the channels that are scanned to ``channels``.
        kernel: odd side of the depthwise convolution before the scan.
        rank: width of what the lengths of the steps are made of; left out, a sixteenth of ``channels``, rounded up.
        residual: whether there is a norm before, and the input is added.
        eps: of that norm.
    """

    def __init__(
        self,
        channels: int,
        *,
        dims: int,
        state: int = 4,
        expand: int = 1,
        kernel: int = 3,
        rank: int | None = None,
        residual: bool = True,
        eps: float = 1e-5,
    ) -> None:
        super().__init__()
        rank = rank or rounded_up(channels, 16)
        self.norm = ChannelNorm(channels, eps) if residual else None
        self.layer = SelectiveScan2D(channels, dims=dims, state=state, expand=expand, kernel=kernel, rank=rank)

    def forward(self, x: Tensor) -> Tensor:
        """``x`` and the result: ``(batch, channels, *spatial)``."""
        return self.layer(x) if self.norm is None else x + self.layer(self.norm(x))
