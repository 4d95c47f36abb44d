"""Omni-dimensional dynamic convolution. Li, Zhou, Yao: Omni-Dimensional Dynamic Convolution, ICLR 2022,
https://arxiv.org/abs/2209.07947

y = a_f * conv(a_c * x; sum_i a_i a_s * W_i): attention over input channels, filters, places in the kernel and kernels
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from search_spaces.attention.mechanism import Mechanism, check_option, mechanism, squeezed
from search_spaces.exporting import exporting
from search_spaces.layers import CONV, CONVOLVE, NORM, SPATIAL_AXES


@mechanism(
    "odconv",
    family="multi-scale",
    type="branch",
    title="Omni-dimensional dynamic convolution",
    paper="Li, Zhou, Yao: Omni-Dimensional Dynamic Convolution, ICLR",
    year=2022,
    address="https://arxiv.org/abs/2209.07947",
    cost="O(C^2 k^dims (n + N))",
    inputs="block",
    choices={"kernels": (1, 2, 4), "reduction": (4, 8, 16), "dilation": (1,)},
    effective={"reduction": squeezed},
)
class OmniDimensionalConvolution(Mechanism):
    """A convolution whose kernel is put together for each image from several, weighed along all four dimensions.

    The authors cool the temperature of the weights from 30 to 1 over the first ten epochs; ``temperature`` can be set
    at any time. As theirs, no attention over places for 1x1 kernels, over kernels where there is one, over filters
    where the convolution is depthwise.

    Args:
        channels: channels of the result.
        dims: 2 or 3.
        in_channels: channels of the input; left out, as many as of the result.
        stride: of the convolution.
        kernels: number N of kernels.
        reduction: squeeze ratio r.
        min_width: lower bound of the squeezed width; the authors' is 16.
        kernel: side of a kernel.
        dilation: of the kernels. A setting and no choice.
        groups: of the convolution.
        temperature: what all scores are divided by.
        norm: key of ``NORM``.
    """

    def __init__(
        self,
        channels: int,
        *,
        dims: int,
        in_channels: int | None = None,
        stride: int = 1,
        kernels: int = 4,
        reduction: int = 8,
        min_width: int = 8,
        kernel: int = 3,
        dilation: int = 1,
        groups: int = 1,
        temperature: float = 1.0,
        norm: str = "batch",
    ) -> None:
        check_option("odconv norm", norm, NORM)
        super().__init__()
        conv, inputs = CONV[dims], in_channels or channels
        width = max(inputs // reduction, min_width)
        self.axes, self.stride, self.groups, self.temperature = SPATIAL_AXES[dims], stride, groups, temperature
        self.dilation, self.padding = dilation, dilation * (kernel // 2)
        self.weight = nn.Parameter(torch.empty(kernels, channels, inputs // groups, *(kernel,) * dims))
        self.squeeze = nn.Sequential(conv(inputs, width, 1, bias=False), NORM[norm](width), nn.ReLU(inplace=True))
        self.channel = conv(width, inputs, 1)
        depthwise = inputs == channels == groups
        self.filter = None if depthwise else conv(width, channels, 1)
        self.place = conv(width, kernel**dims, 1) if kernel > 1 else None
        self.kernel = conv(width, kernels, 1) if kernels > 1 else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Kaiming normal by the fan-out of each kernel, as the authors."""
        for kernel in self.weight:
            nn.init.kaiming_normal_(kernel, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, in_channels, *spatial)`` to ``(batch, channels, *spatial)``."""
        batch, dims = x.shape[0], len(self.axes)
        pooled = self.squeeze(x.mean(self.axes, keepdim=True))
        weight = self._weight(pooled).expand(batch, *self.weight.shape[1:])
        weighed = x * torch.sigmoid(self.channel(pooled) / self.temperature)
        if exporting():
            y = self._exported(weighed, weight)
        else:  # one grouped convolution: every image is a group of its own
            y = CONVOLVE[dims](
                weighed.reshape(1, -1, *x.shape[2:]),
                weight.reshape(-1, *weight.shape[2:]),
                None,
                self.stride,
                self.padding,
                self.dilation,
                batch * self.groups,
            )
            y = y.reshape(batch, -1, *y.shape[2:])
        return y if self.filter is None else y * torch.sigmoid(self.filter(pooled) / self.temperature)

    def _exported(self, x: Tensor, weight: Tensor) -> Tensor:
        """``x`` convolved with the ``weight`` of each image, for any number of images.

        A convolution has a fixed number of groups. So the surroundings of each position are put side by side, by a
        convolution with kernels of a single one, and multiplied with the weights.
        """
        sides = weight.shape[3:]
        taps = torch.eye(sides.numel(), dtype=x.dtype, device=x.device).reshape(-1, 1, *sides)
        taps = taps.repeat(x.shape[1], *[1] * (taps.dim() - 1))
        around = CONVOLVE[len(sides)](x, taps, None, self.stride, self.padding, self.dilation, x.shape[1])
        columns = around.flatten(2).unflatten(1, (self.groups, -1))  # (batch, groups, channels * places, positions)
        found = weight.flatten(2).unflatten(1, (self.groups, -1)) @ columns
        return found.flatten(1, 2).unflatten(2, around.shape[2:])

    def _weight(self, pooled: Tensor) -> Tensor:
        """The kernels put together for each image, ``(batch or 1, out, in, *sides)``."""
        weight: Tensor = self.weight
        if self.kernel is not None:
            shares = (self.kernel(pooled) / self.temperature).softmax(1).flatten(1)
            weight = (shares @ weight.flatten(1)).unflatten(1, weight.shape[1:])
        if self.place is not None:
            places = torch.sigmoid(self.place(pooled) / self.temperature)
            weight = weight * places.reshape(-1, 1, 1, *weight.shape[3:])
        return weight
