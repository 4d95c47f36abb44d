"""Channel-wise feature pyramid. Lou, Loew: CFPNet, ICIP 2021, https://arxiv.org/abs/2103.12212

z = f(conv3x3 f(x)), branch k = [a; b; c]: a = g(z), b = g(a), c = g(b) with a dilated convolution g of few channels,
y = x + W f([s_1; ...; s_4]), s_k = branch 1 + ... + branch k: the wider the branch, the more narrower ones smooth it
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from search_spaces.layers import CONV, NORM
from search_spaces.pricing.parts import Part
from search_spaces.stages.refinement import conv_prelu

PARTS = 16  # a branch is made of 1, 1 and 2 sixteenths of the channels


class ChannelPyramid(Part):
    """Four branches of ever wider dilation, each of three convolutions whose results lie side by side.

    As in CaraNet's code every normalisation (epsilon 1e-3 there, torch's 1e-5 here) is followed by a PReLU with a slope
    a channel. Channels that are no multiple of 16 come in from and go out to the next smaller one, at least 16.

    Args:
        channels: channels of the input and the result.
        dims: 2 or 3.
        norm: key of ``NORM``.
        dilation: d of the dilations 1, d/4 + 1, d/2 + 1 and d + 1.
    """

    def __init__(self, channels: int, *, dims: int, norm: str = "batch", dilation: int = 8) -> None:
        super().__init__()
        part = max(channels // PARTS, 1)
        self.before = nn.Sequential(NORM[norm](channels), nn.PReLU(channels))
        self.squeeze = conv_prelu(channels, 4 * part, dims=dims, norm=norm)
        self.branches = nn.ModuleList(
            nn.ModuleList(
                conv_prelu(inputs * part, outputs * part, dims=dims, norm=norm, dilation=step, groups=part)
                for inputs, outputs in ((4, 1), (1, 1), (1, 2))
            )
            for step in (1, dilation // 4 + 1, dilation // 2 + 1, dilation + 1)
        )
        self.after = nn.Sequential(NORM[norm](PARTS * part), nn.PReLU(PARTS * part))
        self.join = CONV[dims](PARTS * part, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """``x`` and the result: ``(batch, channels, *spatial)``."""
        squeezed = self.squeeze(self.before(x))
        sums: list[Tensor] = []
        for branch in self.branches:
            found = [squeezed]
            for convolve in branch:  # type: ignore[attr-defined]
                found.append(convolve(found[-1]))
            joined = torch.cat(found[1:], dim=1)
            sums.append(sums[-1] + joined if sums else joined)
        return x + self.join(self.after(torch.cat(sums, dim=1)))
