"""Between levels: halving and doubling the spatial size."""

from __future__ import annotations

from torch import Tensor, nn

from search_spaces.layers import CONV, MAX_POOL, TRANSPOSED_CONV, crop, resize
from search_spaces.pricing.parts import Part

UP = ("transposed", "linear")


class Up(Part):
    """The coarser feature at the size of a finer one.

    Args:
        in_channels: channels of the coarser feature.
        channels: channels of the result.
        dims: 2 or 3.
        mode: ``transposed`` (a transposed convolution of stride 2, cropped where the finer size is odd) or ``linear``
            (a 1x1 convolution, then linear interpolation).
        kernel: of the transposed convolution, even; its neighbours overlap from 4 on.
    """

    def __init__(
        self, in_channels: int, channels: int, *, dims: int, mode: str = "transposed", kernel: int = 2
    ) -> None:
        super().__init__()
        self.mode = mode
        layer = TRANSPOSED_CONV[dims](in_channels, channels, kernel, 2, kernel // 2 - 1)
        self.layer: nn.Module = layer if mode == "transposed" else CONV[dims](in_channels, channels, 1)

    def forward(self, x: Tensor, like: Tensor) -> Tensor:
        """``x``: ``(batch, in_channels, *coarser)``; the result has the spatial size of ``like``."""
        y = self.layer(x)
        return crop(y, like) if self.mode == "transposed" else resize(y, like.shape[2:])


def halve(dims: int) -> nn.Module:
    """A maximum pooling of kernel and stride 2; odd sizes are rounded up."""
    return MAX_POOL[dims](2, 2, ceil_mode=True)
