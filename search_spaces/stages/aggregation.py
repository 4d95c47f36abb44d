"""Global aggregation: a new map each of whose positions attends to every position of the old one.

Wang, Zou, Shen, Ji: Non-local U-Nets for Biomedical Image Segmentation, AAAI 2020, https://arxiv.org/abs/1812.04103

y = W concat_h softmax(q_h k_h' / sqrt(d)) v_h:  q of a 1x1, a strided or a transposed convolution, k and v of 1x1
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from search_spaces.attention.dot_product import attend
from search_spaces.attention.mechanism import check_option
from search_spaces.errors import InputError
from search_spaces.layers import CONV, NORM, TRANSPOSED_CONV, crop
from search_spaces.pricing.parts import Part

STEPS = ("same", "down", "up")


class Resample(Part):
    """A convolution that keeps, halves (rounded up) or doubles the size, with the borders of the authors' framework.

    Args:
        in_channels: channels of the input.
        channels: channels of the result.
        dims: 2 or 3.
        step: ``same`` (1x1), ``down`` (3x3, stride 2: of even sizes only the end is padded) or ``up`` (transposed,
            3x3, stride 2, cut at the end).
        bias: whether there is one.
    """

    def __init__(self, in_channels: int, channels: int, *, dims: int, step: str, bias: bool = True) -> None:
        super().__init__()
        check_option("aggregation step", step, STEPS)
        self.step = step
        kernel, stride = (1, 1) if step == "same" else (3, 2)
        layer = TRANSPOSED_CONV[dims] if step == "up" else CONV[dims]
        self.layer: nn.Module = layer(in_channels, channels, kernel, stride, bias=bias)

    def forward(self, x: Tensor, like: Tensor | None = None) -> Tensor:
        """``(batch, in_channels, *spatial)``; going up, the result has the spatial size of ``like``."""
        if self.step == "down":
            x = F.pad(x, [pad for length in reversed(x.shape[2:]) for pad in (length % 2, 1)])
        y = self.layer(x)
        return y if like is None else crop(y, like)


class Aggregation(Part):
    """The aggregation block: as it makes the queries, it keeps, halves or doubles the size.

    The authors' bias of the keys is left out, it adds the same to all scores of a query; so is their dropout of half
    of the weights, which no other attention here has.

    Args:
        in_channels: channels of the input.
        channels: channels of the result.
        dims: 2 or 3.
        step: see ``Resample``.
        heads: number of heads, which divides both widths.
        width: channels of queries and keys; left out, ``channels``.
        value_width: channels of the values; left out, ``width``.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        *,
        dims: int,
        step: str = "same",
        heads: int = 1,
        width: int | None = None,
        value_width: int | None = None,
    ) -> None:
        super().__init__()
        width = width or channels
        value_width = value_width or width
        if width % heads or value_width % heads:
            raise InputError(f"aggregation heads: expected widths that {heads} divides; got {width} and {value_width}")
        conv, self.heads = CONV[dims], heads
        self.query = Resample(in_channels, width, dims=dims, step=step)
        self.key = conv(in_channels, width, 1, bias=False)
        self.value = conv(in_channels, value_width, 1)
        self.project = conv(value_width, channels, 1)

    def forward(self, x: Tensor, like: Tensor | None = None) -> Tensor:
        """``(batch, in_channels, *spatial)`` to ``(batch, channels, *other)``; ``like`` as in ``Resample``."""
        return self.project(attend(self.query(x, like), self.key(x), self.value(x), self.heads))


class AggregationStage(Part):
    """Normalised and activated input through an aggregation block, beside a shorter way: y = s(t) + A(t).

    Where the size is kept the shorter way is the input itself (y = x + A(t), the authors' bottom block), else a
    convolution of the same step without bias.

    Args:
        in_channels: channels of the input.
        channels: channels of the result; ``in_channels`` where the size is kept.
        dims: 2 or 3.
        step: see ``Resample``.
        heads: see ``Aggregation``; the authors have 2 at the bottom and 1 on the way up.
        norm: key of ``NORM``; the authors' is ``batch``.
    """

    def __init__(
        self, in_channels: int, channels: int, *, dims: int, step: str, heads: int = 1, norm: str = "batch"
    ) -> None:
        super().__init__()
        self.norm = NORM[norm](in_channels)
        self.aggregation = Aggregation(in_channels, channels, dims=dims, step=step, heads=heads)
        self.shortcut = None if step == "same" else Resample(in_channels, channels, dims=dims, step=step, bias=False)

    def forward(self, x: Tensor, like: Tensor | None = None) -> Tensor:
        """``(batch, in_channels, *spatial)`` to ``(batch, channels, *other)``; ``like`` as in ``Resample``."""
        t = F.relu6(self.norm(x))
        return self.aggregation(t, like) + (x if self.shortcut is None else self.shortcut(t, like))
