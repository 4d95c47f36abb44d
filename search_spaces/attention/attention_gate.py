"""Attention gate. Oktay et al.: Attention U-Net, MIDL 2018, https://arxiv.org/abs/1804.03999

grid:            a = up(sigmoid(psi relu(theta x + up(phi g)))),  y = BN(W (a * x)),  theta with stride 2
same_resolution: a = sigmoid(BN psi relu(BN theta x + up(BN phi g))),  y = a * x
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from search_spaces.attention.mechanism import Mechanism, check_option, mechanism, squeezed
from search_spaces.exporting import at_least
from search_spaces.layers import CONV, BatchNorm, resize
from search_spaces.pricing.parts import Part

VARIANTS = ("grid", "same_resolution")


def positions_softmax(scores: Tensor) -> Tensor:
    """Softmax of ``(batch, 1, *spatial)`` over the positions."""
    return scores.flatten(2).softmax(-1).reshape(scores.shape)


ACTIVATION: dict[str, Callable[[Tensor], Tensor]] = {"relu": torch.relu, "softplus": F.softplus}
NORMALISE: dict[str, Callable[[Tensor], Tensor]] = {"sigmoid": torch.sigmoid, "softmax": positions_softmax}


class GridGate(Part):
    """The authors' gate: the map is computed on a grid coarser than ``x``; a convolution ends it."""

    def __init__(
        self,
        channels: int,
        gate_channels: int,
        width: int,
        *,
        dims: int,
        normalise: str,
        activation: str,
        stride: int | Sequence[int],
    ) -> None:
        super().__init__()
        conv = CONV[dims]
        self.stride = (stride,) * dims if isinstance(stride, int) else tuple(stride)
        self.normalise, self.activation = NORMALISE[normalise], ACTIVATION[activation]
        step: Any = self.stride  # torch's own hints ask for a tuple of known length
        self.theta = conv(channels, width, step, step, bias=False)
        self.phi = conv(gate_channels, width, 1)
        self.psi = conv(width, 1, 1)
        self.project = conv(channels, channels, 1)
        self.norm = BatchNorm(channels)

    def attention(self, x: Tensor, gate: Tensor) -> Tensor:
        theta = self.theta(at_least(x, self.stride))
        scores = self.psi(self.activation(theta + resize(self.phi(gate), theta.shape[2:])))
        return resize(self.normalise(scores), x.shape[2:])

    def forward(self, x: Tensor, gate: Tensor) -> Tensor:
        return self.norm(self.project(x * self.attention(x, gate)))


class SameResolutionGate(Part):
    """The widespread gate (MONAI, LeeJunHyun): the map has the resolution of ``x``; nothing follows the product.

    Interpolation and a 1x1 convolution commute, so the gate is interpolated after it, on fewer channels;
    the batch statistics are those of the interpolated gate, as where it is interpolated first.
    """

    def __init__(
        self, channels: int, gate_channels: int, width: int, *, dims: int, normalise: str, activation: str
    ) -> None:
        super().__init__()
        conv = CONV[dims]
        self.normalise, self.activation = NORMALISE[normalise], ACTIVATION[activation]
        self.theta = conv(channels, width, 1)
        self.theta_norm = BatchNorm(width)
        self.phi = conv(gate_channels, width, 1)
        self.phi_norm = BatchNorm(width)
        self.psi = conv(width, 1, 1)
        self.psi_norm = BatchNorm(1)

    def attention(self, x: Tensor, gate: Tensor) -> Tensor:
        theta = self.theta_norm(self.theta(x))
        phi = self.phi_norm(resize(self.phi(gate), x.shape[2:]))
        return self.normalise(self.psi_norm(self.psi(self.activation(theta + phi))))

    def forward(self, x: Tensor, gate: Tensor) -> Tensor:
        return x * self.attention(x, gate)


@mechanism(
    "attention_gate",
    family="gate",
    type="spatial",
    title="Attention gate",
    paper="Oktay et al.: Attention U-Net, Learning Where to Look for the Pancreas, MIDL",
    year=2018,
    address="https://arxiv.org/abs/1804.03999",
    inputs="gated",
    cost="O(C^2 n)",
    choices={"variant": VARIANTS, "reduction": (1, 2, 4), "gates": (1, 2)},
    effective={"reduction": squeezed},
)
class AttentionGate(Mechanism):
    """Weights the positions of a skip feature by what a coarser, deeper feature sees there.

    Args:
        channels: channels of the feature map.
        dims: 2 or 3.
        gate_channels: channels of the gating feature, of any size; it is interpolated linearly.
        variant: ``grid`` (the authors') or ``same_resolution``, see above.
        reduction: ratio of ``channels`` to the width in which the two are compared.
        min_width: lower bound of that width.
        stride: stride and kernel of the grid gate's theta, one or one per axis. An axis shorter than its stride is
            filled up with zeros.
        normalise: what makes weights of scores, ``sigmoid`` or ``softmax`` over the positions.
        activation: of the sum of both, ``relu`` or ``softplus``.
        gates: number of parallel gates; more than one are fused.
        fuse: whether a 1x1 convolution, batch normalisation and ReLU follow, as in the authors' final networks.
    """

    def __init__(
        self,
        channels: int,
        *,
        dims: int,
        gate_channels: int,
        variant: str = "grid",
        reduction: int = 2,
        min_width: int = 4,
        stride: int | Sequence[int] = 2,
        normalise: str = "sigmoid",
        activation: str = "relu",
        gates: int = 1,
        fuse: bool = False,
    ) -> None:
        super().__init__()
        check_option("attention_gate variant", variant, VARIANTS)
        check_option("attention_gate normalise", normalise, NORMALISE)
        check_option("attention_gate activation", activation, ACTIVATION)
        width = max(channels // reduction, min_width)
        form: dict[str, Any] = {"dims": dims, "normalise": normalise, "activation": activation}

        def build() -> GridGate | SameResolutionGate:
            if variant == "grid":
                return GridGate(channels, gate_channels, width, stride=stride, **form)
            return SameResolutionGate(channels, gate_channels, width, **form)

        self.gates = nn.ModuleList(build() for _ in range(gates))
        self.fuse: nn.Module | None = None
        if fuse or gates > 1:
            self.fuse = nn.Sequential(
                CONV[dims](gates * channels, channels, 1), BatchNorm(channels), nn.ReLU(inplace=True)
            )

    def attention(self, x: Tensor, gate: Tensor) -> Tensor:
        """The weights, ``(batch, gates, *spatial of x)``."""
        return torch.cat([module.attention(x, gate) for module in self.gates], dim=1)  # type: ignore[operator]

    def forward(self, x: Tensor, gate: Tensor) -> Tensor:
        """``x`` and the result: ``(batch, channels, *spatial)``; ``gate``: ``(batch, gate_channels, *any)``."""
        gated = [module(x, gate) for module in self.gates]
        return gated[0] if self.fuse is None else self.fuse(torch.cat(gated, dim=1))
