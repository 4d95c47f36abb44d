"""Interaction-aggregation-update. Hou, Chang, Ma, Shan, Chen: IAUnet, TNNLS 2021, https://arxiv.org/abs/2009.01035

z = x + BN(W softmax_C(x x') x),  y = z + BN(W' [mean_k p_k; g(mean z)]): p_k are parts of the image that exchange
messages, and slice by slice in a volume
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from search_spaces.attention.mechanism import Mechanism, check_option, mechanism
from search_spaces.initialisation import zero_last
from search_spaces.layers import CONV, NORM, linear

PARTS = 4
OWN = -1e8  # score of a part with itself, as the authors'


@mechanism(
    "iau",
    family="other",
    type="temporal",
    title="Interaction-aggregation-update",
    paper="Hou, Chang, Ma, Shan, Chen: IAUnet, Global Context-Aware Feature Learning, TNNLS",
    year=2021,
    address="https://arxiv.org/abs/2009.01035",
    cost="O(C^2 n + C^2 D^2)",
    choices={"parts": (2, 4, 8)},
)
class InteractionAggregationUpdate(Mechanism):
    """Channels, then parts of the image, tell each other what they saw; starts as the identity.

    In 3D the slices along the depth are the sequence of the authors' video form: channels of all slices interact, and
    a part exchanges messages with the other parts of its slice and with itself in the other slices.

    The products of channels are not scaled in the authors' code, and saturate on large maps; ``scaled`` divides them by
    the number of positions.

    Args:
        channels: channels of the feature map.
        dims: 2 or 3.
        parts: number of soft parts, found by a 1x1 convolution.
        scaled: see above.
        min_width: lower bound of half the channels, the width of messages.
        norm: key of ``NORM``.
    """

    def __init__(
        self,
        channels: int,
        *,
        dims: int,
        parts: int = PARTS,
        scaled: bool = True,
        min_width: int = 1,
        norm: str = "batch",
    ) -> None:
        check_option("iau norm", norm, NORM)
        super().__init__()
        conv, half = CONV[dims], max(channels // 2, min_width)
        self.dims, self.scaled = dims, scaled
        self.channel = conv(channels, channels, 1)
        self.channel_norm = NORM[norm](channels)
        self.masks = nn.Sequential(conv(channels, parts, 1), NORM[norm](parts), nn.Sigmoid())
        self.embed = linear(channels, half)
        self.relation = nn.Sequential(nn.Conv2d(2 * half, 1, 1), NORM[norm](1))
        self.update = nn.Sequential(nn.Conv1d(2 * half, half, 1), NORM[norm](half), nn.ReLU(inplace=True))
        self.context = conv(2 * half, channels, 1)
        self.context_norm = NORM[norm](channels)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Zero the last layer of both steps, so that the mechanism starts as the identity."""
        zero_last(self.channel, self.channel_norm)
        zero_last(self.context, self.context_norm)

    def forward(self, x: Tensor) -> Tensor:
        """``x`` and the result: ``(batch, channels, *spatial)``."""
        return self.attend(x)[0]

    def attend(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The result, and the soft parts ``(batch, parts, *spatial)``."""
        z = x + self.channel_norm(self.channel(self._interact(x)))
        masks = self.masks(z)
        values, shares = (self._slices(part).transpose(1, 2) for part in (z, masks))
        parts = self.embed(shares @ values.transpose(2, 3))  # (batch, slices, parts, half)
        whole = self.embed(z.flatten(2).mean(2))  # (batch, half)
        exchanged = self._exchange(parts, whole)
        context = torch.cat([exchanged, whole.unsqueeze(2).expand_as(exchanged)], dim=1)  # one for each slice
        context = context.reshape(*context.shape[:2], *[exchanged.shape[2], 1, 1][-self.dims :])
        return z + self.context_norm(self.context(context)), masks

    def _slices(self, x: Tensor) -> Tensor:
        """``(batch, channels, slices, positions of a slice)``; an image is one slice."""
        return (x.unsqueeze(2) if self.dims == 2 else x).flatten(3)

    def _interact(self, x: Tensor) -> Tensor:
        """Each channel (of each slice) as a mean over all channels, weighed by their products."""
        rows = self._slices(x).flatten(1, 2)
        products = rows @ rows.transpose(1, 2)
        weights = (products / rows.shape[2] if self.scaled else products).softmax(2)
        return (weights @ rows).reshape(x.shape)

    def _exchange(self, parts: Tensor, whole: Tensor) -> Tensor:
        """The mean over the parts of each slice after their messages, ``(batch, half, slices)``."""
        slices, count = parts.shape[1:3]
        nodes = parts.flatten(1, 2)  # (batch, slices * parts, half)
        differences = (nodes[:, :, None] - nodes[:, None]).abs().movedim(3, 1)
        pairs = torch.cat([differences, whole[:, :, None, None].expand_as(differences)], dim=1)
        scores = self.relation(pairs).squeeze(1)
        scores = scores + OWN * self._apart(slices, count, scores.device).to(scores.dtype)
        received = scores.softmax(2) @ nodes
        updated = self.update(torch.cat([nodes, received], dim=2).transpose(1, 2))
        return updated.unflatten(2, (slices, count)).mean(3)

    def _apart(self, slices: int, count: int, device: torch.device) -> Tensor:
        """Whether two nodes exchange nothing; other parts of a slice do, and a part in other slices."""
        index, part = torch.arange(slices, device=device), torch.arange(count, device=device)
        same_slice = (index.unsqueeze(1) == index)[:, None, :, None]
        same_part = (part.unsqueeze(1) == part)[:, None]
        return (same_slice == same_part).flatten(2).flatten(0, 1)
