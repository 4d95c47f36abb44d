"""The torch layers by number of spatial dimensions, in the forms that every size and batch can use."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from search_spaces.exporting import fill
from search_spaces.pricing.parts import Part, remembered

CONV: dict[int, Callable[..., nn.Conv2d | nn.Conv3d]] = {2: remembered(nn.Conv2d), 3: remembered(nn.Conv3d)}
CONVOLVE = {2: nn.functional.conv2d, 3: nn.functional.conv3d}
TRANSPOSED_CONV: dict[int, Callable[..., nn.ConvTranspose2d | nn.ConvTranspose3d]] = {
    2: remembered(nn.ConvTranspose2d),
    3: remembered(nn.ConvTranspose3d),
}
MAX_POOL: dict[int, Callable[..., nn.MaxPool2d | nn.MaxPool3d]] = {
    2: remembered(nn.MaxPool2d),
    3: remembered(nn.MaxPool3d),
}
AVG_POOL: dict[int, Callable[..., nn.AvgPool2d | nn.AvgPool3d]] = {
    2: remembered(nn.AvgPool2d),
    3: remembered(nn.AvgPool3d),
}
linear = remembered(nn.Linear)
token_norm = remembered(nn.LayerNorm)  # of tokens (batch, tokens, channels)
LINEAR_INTERPOLATION = {2: "bilinear", 3: "trilinear"}
SPATIAL_AXES = {2: (2, 3), 3: (2, 3, 4)}


class BatchNorm(Part, _BatchNorm):
    """Batch normalisation of ``(batch, channels, *any)`` that also trains on one value per channel.

    torch refuses a batch of one 1x1 map, which pooled attention branches meet at batch size 1.
    There is nothing to estimate from one value, so the running statistics are used, unchanged.

    On a CPU torch's gradient is wrong where a map, or the gradient that comes back to it, lies in memory position by
    position and an axis of length 1 has an odd stride, as after tokens became a map: for one image, and for thin maps
    (findings/batch_norm_gradient_strides.sh). Both are therefore put in order, which copies nothing that is.
    """

    def _check_input_dim(self, input: Tensor) -> None:
        if input.dim() < 2:
            raise ValueError(f"expected (batch, channels, *any), got shape {tuple(input.shape)}")

    def forward(self, input: Tensor) -> Tensor:
        if self.training and input.numel() == input.shape[1]:
            return nn.functional.batch_norm(
                input, self.running_mean, self.running_var, self.weight, self.bias, False, 0.0, self.eps
            )
        if input.device.type != "cpu" or torch.compiler.is_compiling() or not torch.is_grad_enabled():
            return super().forward(input)
        y = super().forward(input.contiguous())
        if y.requires_grad:
            y.register_hook(Tensor.contiguous)
        return y


class GroupNorm(Part, nn.GroupNorm):
    """Group normalisation of ``(batch, channels, *any)`` that also takes one value per group.

    torch's module refuses that at batch size 1, in eval mode too; the result is then the bias alone.
    """

    def forward(self, input: Tensor) -> Tensor:
        return torch.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)


class ChannelNorm(Part, nn.LayerNorm):
    """Layer normalisation of the channels of each position of ``(batch, channels, *spatial)``."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


def instance_norm(channels: int) -> GroupNorm:
    """Instance normalisation with affine parameters, as a group norm: it also takes 1x1 maps."""
    return GroupNorm(channels, channels)


def layer_norm(channels: int) -> GroupNorm:
    """Layer normalisation of each ``(channels, *any)`` with affine parameters per channel, as a group norm."""
    return GroupNorm(1, channels)


NORM: dict[str, Callable[[int], nn.Module]] = {
    "batch": BatchNorm,
    "instance": instance_norm,
    "layer": layer_norm,
    "none": nn.Identity,
}

# What they are given is overwritten, but by PReLU: hand them a norm's result or a sum, that nobody else needs.
ACTIVATION: dict[str, Callable[[], nn.Module]] = {
    "leaky_relu": functools.partial(remembered(nn.LeakyReLU), 0.01, inplace=True),
    "relu": functools.partial(remembered(nn.ReLU), inplace=True),
    "prelu": remembered(nn.PReLU),
    "silu": functools.partial(remembered(nn.SiLU), inplace=True),
}


def resize(x: Tensor, size: Sequence[int], *, align_corners: bool = False) -> Tensor:
    """Interpolate ``(batch, channels, *spatial)`` linearly to the spatial ``size``."""
    mode = LINEAR_INTERPOLATION[x.dim() - 2]
    return nn.functional.interpolate(x, size=tuple(size), mode=mode, align_corners=align_corners)


def crop(x: Tensor, like: Tensor) -> Tensor:
    """Cut ``x`` at the end of each spatial axis to the size of ``like``."""
    if torch.compiler.is_exporting():  # by negative margins: a view would be tied to whether the sizes are even
        return fill(x, [wanted - length for wanted, length in zip(like.shape[2:], x.shape[2:], strict=True)])
    for axis in range(2, x.dim()):
        x = x.narrow(axis, 0, like.shape[axis])
    return x
