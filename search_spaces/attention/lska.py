"""Large separable kernel attention. Lau, Po, Rehman: Large Separable Kernel Attention, ESWA 2024,
https://arxiv.org/abs/2309.01439

y = x * W dw_dilated(dw(x)), with each depthwise convolution as lines along one axis after the other
"""

from __future__ import annotations

from torch import Tensor

from search_spaces.attention.lka import LAYERS
from search_spaces.attention.mechanism import Mechanism, check_option, mechanism


@mechanism(
    "lska",
    family="conventional",
    type="spatial",
    title="Large separable kernel attention",
    paper="Lau, Po, Rehman: Large Separable Kernel Attention, Rethinking Large Kernel Attention in CNN, ESWA",
    year=2024,
    address="https://arxiv.org/abs/2309.01439",
    cost="O(C^2 n + C n (k + K))",
    choices={"reach": (7, 11, 23), "form": ("gate", "attention")},
)
class LargeSeparableKernelAttention(Mechanism):
    """Large-kernel attention at a cost that grows with the sides of its kernels alone.

    The authors' size is the reach of both kernels: their 23 is what VAN calls 21.

    Args:
        channels: channels of the feature map.
        dims: 2 or 3; lines run along the last axis first.
        reach: positions an axis that the kernels cover, see ``lka``.
        form: ``gate``, ``attention`` or ``block``, see ``lka``.
    """

    def __init__(self, channels: int, *, dims: int, reach: int = 23, form: str = "gate") -> None:
        check_option("lska form", form, LAYERS)
        super().__init__()
        self.layer = LAYERS[form](channels, dims=dims, reach=reach, separable=True)

    def forward(self, x: Tensor) -> Tensor:
        """``x`` and the result: ``(batch, channels, *spatial)``."""
        return self.layer(x)
