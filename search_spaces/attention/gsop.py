"""Global second-order pooling. Gao, Xie, Wang, Li: Global Second-order Pooling Convolutional Networks, CVPR 2019,
https://arxiv.org/abs/1811.12006

v = relu(BN(W relu(x))),  S = covariance of v over the positions,  y = x * sigmoid(W' rows(BN(S)))
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from search_spaces.attention.mechanism import Mechanism, check_option, mechanism
from search_spaces.attention.pooling import mean_to
from search_spaces.layers import CONV, NORM
from search_spaces.pricing.parts import Part

FUSIONS = ("channel", "position", "sum")
FEATURES = 4  # that the convolution of a row gives, as in the authors' code
POSITIONS = 8  # sides of the grid that the position branch compares


@mechanism(
    "gsop",
    family="conventional",
    type="channel",
    title="Global second-order pooling",
    paper="Gao, Xie, Wang, Li: Global Second-order Pooling Convolutional Networks, CVPR",
    year=2019,
    address="https://arxiv.org/abs/1811.12006",
    cost="O(C d n + d^2 n)",
    choices={"width": (8, 16, 32, 64), "stride": (1, 2)},
    effective={"width": lambda channels, settings: min(settings["width"], channels)},
)
class SecondOrderPooling(Mechanism):
    """Gates channels (or positions) by how they vary together, where squeeze-and-excitation sees only their means.

    As in the authors' code an activation comes before the first convolution, none between the rows' convolution and
    the last one of the channel branch. The position branch compares a grid of 8 positions a side; its centring is
    normalised by the number of positions, as in their code, and its map comes back by adaptive average pooling.

    Args:
        channels: channels of the feature map.
        dims: 2 or 3; the grid of the position branch is a square or a cube.
        width: number d of channels whose covariance is taken; at most ``channels``.
        stride: of the first convolution; fewer positions make the covariance cheaper.
        fusion: ``channel``, ``position``, or ``sum`` of the two results.
        norm: key of ``NORM``, the normalisation before and after the covariance.
    """

    def __init__(
        self,
        channels: int,
        *,
        dims: int,
        width: int = 16,
        stride: int = 1,
        fusion: str = "channel",
        norm: str = "batch",
    ) -> None:
        super().__init__()
        check_option("gsop fusion", fusion, FUSIONS)
        width = min(width, channels)
        branches: list[nn.Module] = []
        if fusion != "position":
            branches.append(ChannelBranch(channels, dims, width, stride, norm))
        if fusion != "channel":
            branches.append(PositionBranch(channels, dims, width, norm))
        self.branches = nn.ModuleList(branches)

    def forward(self, x: Tensor) -> Tensor:
        """``x`` and the result: ``(batch, channels, *spatial)``."""
        results = [branch(x) for branch in self.branches]
        return sum(results[1:], results[0])


class ChannelBranch(Part):
    """Gates channels by the covariance of ``width`` combinations of them."""

    def __init__(self, channels: int, dims: int, width: int, stride: int, norm: str) -> None:
        check_option("gsop norm", norm, NORM)
        super().__init__()
        self.reduce = CONV[dims](channels, width, 1, stride)
        self.norm = NORM[norm](width)
        self.rows = Rows(width, norm)
        self.expand = CONV[dims](FEATURES * width, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        v = F.relu(self.norm(self.reduce(F.relu(x)))).flatten(2)
        centred = v - v.mean(2, keepdim=True)
        covariance = centred @ centred.transpose(1, 2) / v.shape[2]
        features = self.rows(covariance)
        return x * torch.sigmoid(self.expand(features.reshape(*features.shape, *[1] * (x.dim() - 2))))


class PositionBranch(Part):
    """Gates positions by the covariance of a grid of them."""

    def __init__(self, channels: int, dims: int, width: int, norm: str) -> None:
        check_option("gsop norm", norm, NORM)
        super().__init__()
        self.grid = (POSITIONS,) * dims
        self.reduce = CONV[dims](channels, width, 1)
        self.norm = NORM[norm](width)
        self.rows = Rows(POSITIONS**dims, norm)
        self.expand = nn.Conv1d(FEATURES * POSITIONS**dims, POSITIONS**dims, 1)

    def forward(self, x: Tensor) -> Tensor:
        v = mean_to(self.norm(self.reduce(F.relu(x))), self.grid).flatten(2)
        positions, sums = v.shape[2], v.sum(1, keepdim=True)
        covariance = v.transpose(1, 2) @ v / positions - sums.transpose(1, 2) @ sums / positions**2
        features = F.relu(self.rows(covariance)).unsqueeze(2)
        gate = torch.sigmoid(self.expand(features)).reshape(-1, 1, *self.grid)
        return F.relu(x * mean_to(gate, x.shape[2:]))


class Rows(Part):
    """Normalises the rows of ``(batch, d, d)`` and turns each into some features, ``(batch, d * FEATURES)``."""

    def __init__(self, width: int, norm: str) -> None:
        super().__init__()
        self.norm = NORM[norm](width)
        self.conv = nn.Conv1d(width, FEATURES * width, width, groups=width)

    def forward(self, matrix: Tensor) -> Tensor:
        return self.conv(self.norm(matrix)).flatten(1)


def square_root(covariance: Tensor, iterations: int = 3) -> Tensor:
    """Matrix square root of ``(batch, d, d)`` by coupled Newton-Schulz iterations, as the head of GSoP-Net2.

    Li, Xie, Wang, Gao: Towards Faster Training of Global Covariance Pooling Networks, CVPR 2018,
    https://arxiv.org/abs/1712.01034
    """
    trace = covariance.diagonal(dim1=1, dim2=2).sum(1).reshape(-1, 1, 1)
    identity = torch.eye(covariance.shape[1], dtype=covariance.dtype, device=covariance.device)
    y, z = covariance / trace, identity.expand_as(covariance)
    for _ in range(iterations):
        step = (3 * identity - z @ y) / 2
        y, z = y @ step, step @ z
    return y * trace.sqrt()
