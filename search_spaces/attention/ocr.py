"""Object-contextual representations. Yuan, Chen, Wang: Object-Contextual Representations for Semantic Segmentation,
ECCV 2020, https://arxiv.org/abs/1909.11065

f_k = sum_i softmax_i(logit_ki) x_i,  c_i = sum_k softmax_k(q_i k_k / sqrt(d)) v_k,  y = relu(BN(W [c; x]))
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import torch
from torch import Tensor, nn

from search_spaces.attention.dot_product import attend
from search_spaces.attention.mechanism import Mechanism, check_option, mechanism, squeezed
from search_spaces.layers import CONV, NORM, resize


def gather_regions(x: Tensor, logits: Tensor) -> Tensor:
    """``(batch, channels, regions)``: the mean of ``x`` over each soft region, by a softmax over the positions."""
    return x.flatten(2) @ logits.flatten(2).softmax(2).transpose(1, 2)


@mechanism(
    "ocr",
    family="other",
    type="category",
    title="Object-contextual representations",
    paper="Yuan, Chen, Wang: Object-Contextual Representations for Semantic Segmentation, ECCV",
    year=2020,
    address="https://arxiv.org/abs/1909.11065",
    cost="O(C^2 n / r + C K n), K classes",
    inputs="guided",
    choices={"reduction": (1, 2, 4)},
    effective={"reduction": squeezed},
)
class ObjectContext(Mechanism):
    """Every position attends to the classes' features, which are gathered from the coarse prediction's soft regions.

    Args:
        channels: channels of the result.
        dims: 2 or 3.
        prediction_channels: channels of the coarse logits, background included.
        in_channels: channels of the feature map; left out, as many as of the result.
        reduction: ratio of ``channels`` to the width of the attention.
        min_width: lower bound of that width.
        dropout: probability, after the last activation.
        norm: key of ``NORM``.
    """

    def __init__(
        self,
        channels: int,
        *,
        dims: int,
        prediction_channels: int,
        in_channels: int | None = None,
        reduction: int = 2,
        min_width: int = 4,
        dropout: float = 0.05,
        norm: str = "batch",
    ) -> None:
        check_option("ocr norm", norm, NORM)
        super().__init__()
        width, inputs = max(channels // reduction, min_width), in_channels or channels

        def layers(conv: Callable[..., nn.Module], *widths: int) -> nn.Sequential:
            found: list[nn.Module] = []
            for inputs, outputs in itertools.pairwise(widths):
                found += [conv(inputs, outputs, 1), NORM[norm](outputs), nn.ReLU(inplace=True)]
            return nn.Sequential(*found)

        self.query = layers(CONV[dims], inputs, width, width)
        self.key = layers(nn.Conv1d, inputs, width, width)
        self.value = layers(nn.Conv1d, inputs, width)
        self.expand = layers(CONV[dims], width, inputs)
        self.join = nn.Sequential(*layers(CONV[dims], 2 * inputs, channels), nn.Dropout(dropout))

    def forward(self, x: Tensor, prediction: Tensor) -> Tensor:
        """``x`` of the input's channels, ``prediction`` ``(batch, classes, *coarser)``; the spatial size is kept."""
        regions = gather_regions(x, resize(prediction, x.shape[2:]))
        context = attend(self.query(x), self.key(regions), self.value(regions))
        return self.join(torch.cat([self.expand(context), x], dim=1))
