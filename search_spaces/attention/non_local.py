"""Non-local block. Wang, Girshick, Gupta, He: Non-local Neural Networks, CVPR 2018, https://arxiv.org/abs/1711.07971

y_i = x_i + BN(W sum_j f(x_i, x_j) g(x_j)),  f = softmax_j(theta_i . phi_j) in the embedded Gaussian form
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from search_spaces.attention.dot_product import attention
from search_spaces.attention.mechanism import Mechanism, check_option, mechanism, squeezed
from search_spaces.exporting import at_least
from search_spaces.initialisation import zero_last
from search_spaces.layers import CONV, NORM, linear

MODES = ("embedded_gaussian", "gaussian", "dot_product", "concatenation")
POOL = {2: F.max_pool2d, 3: F.max_pool3d}


@mechanism(
    "non_local",
    family="self-similarity",
    type="spatial",
    title="Non-local block",
    paper="Wang, Girshick, Gupta, He: Non-local Neural Networks, CVPR",
    year=2018,
    address="https://arxiv.org/abs/1711.07971",
    cost="O(C^2 n / r + C n^2 / r)",
    choices={"mode": ("embedded_gaussian", "dot_product"), "reduction": (1, 2, 4), "subsample": (1, 2)},
    effective={"reduction": squeezed},
)
class NonLocal(Mechanism):
    """Adds to every position a weighted sum over all positions; starts as the identity.

    The weights of position i over the m positions j that are attended to, by ``mode``:

    - ``embedded_gaussian``: softmax over j of theta_i . phi_j
    - ``gaussian``: softmax over j of x_i . x_j
    - ``dot_product``: theta_i . phi_j / m; without a softmax the sums can be reordered, so the cost is O(C n)
    - ``concatenation``: relu(w . [theta_i; phi_j]) / m

    The last normalisation (without one, the last convolution) is zero at first.

    Args:
        channels: channels of the feature map.
        dims: 2 or 3.
        mode: how two positions are compared, see above.
        reduction: ratio r of the embedding's width to ``channels``.
        subsample: window of the max pooling of phi and g. As in the authors' code it spans the last two axes; an
            axis shorter than the window is pooled whole.
        min_width: lower bound of the embedding's width.
        scaled: whether the softmax forms divide the products by the square root of their length.
        norm: key of ``NORM``, the normalisation after the last convolution.
    """

    def __init__(
        self,
        channels: int,
        *,
        dims: int,
        mode: str = "embedded_gaussian",
        reduction: int = 2,
        subsample: int = 1,
        min_width: int = 4,
        scaled: bool = False,
        norm: str = "batch",
    ) -> None:
        super().__init__()
        check_option("non_local mode", mode, MODES)
        check_option("non_local norm", norm, NORM)
        conv, width = CONV[dims], max(channels // reduction, min_width)
        self.mode = mode
        self.scale = None if scaled else 1.0
        self.window = (1,) * (dims - 2) + (subsample,) * 2
        self.theta = nn.Identity() if mode == "gaussian" else conv(channels, width, 1)
        self.phi = nn.Identity() if mode == "gaussian" else conv(channels, width, 1)
        self.g = conv(channels, width, 1)
        if mode == "concatenation":
            self.theta_score = linear(width, 1, bias=False)
            self.phi_score = linear(width, 1, bias=False)
        self.project = conv(width, channels, 1)
        self.norm = NORM[norm](channels)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Zero the last layer that has parameters, so that the block starts as the identity."""
        zero_last(self.project, self.norm)

    def forward(self, x: Tensor) -> Tensor:
        """``x`` and the result: ``(batch, channels, *spatial)``."""
        theta = _positions(self.theta(x))
        phi = _positions(self._pool(self.phi(x)))
        g = _positions(self._pool(self.g(x)))
        y = self._attend(theta, phi, g).transpose(1, 2).unflatten(2, x.shape[2:])
        return x + self.norm(self.project(y))

    def _attend(self, theta: Tensor, phi: Tensor, g: Tensor) -> Tensor:
        """Weighted sums of ``g``; all are ``(batch, positions, width)``."""
        if self.mode == "dot_product":
            return theta @ (phi.transpose(1, 2) @ (g / g.shape[1]))
        if self.mode == "concatenation":
            pairs = self.theta_score(theta) + self.phi_score(phi).transpose(1, 2)
            return torch.relu(pairs) @ (g / g.shape[1])
        return attention(theta.unsqueeze(1), phi.unsqueeze(1), g.unsqueeze(1), scale=self.scale).squeeze(1)  # one head

    def _pool(self, x: Tensor) -> Tensor:
        if max(self.window) == 1:
            return x
        return POOL[len(self.window)](at_least(x, self.window, float("-inf")), self.window)


def _positions(x: Tensor) -> Tensor:
    """``(batch, channels, *spatial)`` to ``(batch, positions, channels)``."""
    return x.flatten(2).transpose(1, 2)
