"""Initial weights of convolutions by what one input reaches: normal, of variance 2 / (positions * outputs a group)."""

from __future__ import annotations

import math

from torch import nn


def fan_out(network: nn.Module) -> None:
    """Redraw every 2D convolution of ``network``, in place; biases begin at 0.

    Other than torch's ``kaiming_normal_`` it counts the outputs of one group, so depthwise kernels are not drawn small.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            reached = math.prod(module.kernel_size) * module.out_channels // module.groups
            nn.init.normal_(module.weight, std=math.sqrt(2 / reached))
            if module.bias is not None:
                nn.init.zeros_(module.bias)
