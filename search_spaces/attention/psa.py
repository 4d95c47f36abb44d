"""Point-wise spatial attention. Zhao, Zhang, Liu, Shi, Loy, Lin, Jia: PSANet, ECCV 2018,
https://hszhao.github.io/papers/eccv18_psanet.pdf

z_i = sum_j x_j A_ji, A predicted from the features themselves: what i collects from j, or what j distributes to i
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from search_spaces.attention.mechanism import Mechanism, check_option, mechanism, squeezed
from search_spaces.errors import InputError
from search_spaces.exporting import exporting, smaller
from search_spaces.layers import CONV, LINEAR_INTERPOLATION, NORM

DIRECTIONS = {"collect": ("collect",), "distribute": ("distribute",), "both": ("collect", "distribute")}


@mechanism(
    "psa",
    family="conventional",
    type="spatial",
    title="Point-wise spatial attention",
    paper="Zhao, Zhang, Liu, Shi, Loy, Lin, Jia: PSANet, Point-wise Spatial Attention Network for Scene Parsing, ECCV",
    year=2018,
    address="https://hszhao.github.io/papers/eccv18_psanet.pdf",
    cost="O(C^2 n / r + C M n / r + C m^2 / r), m positions of the shrunken map, M of the mask",
    choices={"direction": ("collect", "distribute", "both"), "reduction": (2, 4), "mask": (7, 15)},
    effective={"reduction": squeezed},
)
class PointwiseSpatialAttention(Mechanism):
    """Every position predicts a map of weights over its surroundings, by which it collects or distributes features.

    A position outside the predicted mask gets the score 0, not minus infinity, as in the authors' code. There is one
    weight for each pair of positions, so the map is shrunk first, to ``most`` positions a side or by ``shrink``. The
    authors hand on input and result side by side; here a 1x1 convolution restores the channels.

    Args:
        channels: channels of the feature map.
        dims: 2 or 3.
        direction: ``collect``, ``distribute`` or ``both``.
        reduction: ratio of ``channels`` to the width of the features that are moved.
        mask: odd side of the predicted mask, in positions of the shrunken map.
        min_width: lower bound of the width.
        most: largest side of the shrunken map; None leaves it to ``shrink``.
        shrink: factor by which the map is shrunk.
        masks: sides of the mask, one an axis, in place of ``mask``.
        compact: whether the mask is over absolute positions; it then works at the size ``masks`` alone.
        softmax: whether weights are normalised over the sources.
        divisor: of what is moved; left out, 1 with the softmax and the size of the mask without.
        restore: whether the convolution that restores the channels is there; else there are twice as many.
        norm: key of ``NORM``.
    """

    def __init__(
        self,
        channels: int,
        *,
        dims: int,
        direction: str = "both",
        reduction: int = 2,
        mask: int = 15,
        min_width: int = 4,
        most: int | None = 8,
        shrink: int = 1,
        masks: Sequence[int] | None = None,
        compact: bool = False,
        softmax: bool = True,
        divisor: float | None = None,
        restore: bool = True,
        norm: str = "batch",
    ) -> None:
        check_option("psa direction", direction, DIRECTIONS)
        check_option("psa norm", norm, NORM)
        super().__init__()
        conv, width = CONV[dims], max(channels // reduction, min_width)
        self.masks = tuple(masks or (mask,) * dims)
        if not compact and any(side % 2 == 0 for side in self.masks):
            raise InputError(f"psa mask: expected odd sides, got {self.masks}")
        self.most, self.shrink, self.compact, self.softmax = most, shrink, compact, softmax
        self.divisor = divisor or (1 if softmax else math.prod(self.masks))
        self.directions = DIRECTIONS[direction]
        self.reduce = nn.ModuleList(
            nn.Sequential(conv(channels, width, 1, bias=False), NORM[norm](width), nn.ReLU()) for _ in self.directions
        )
        self.attention = nn.ModuleList(
            nn.Sequential(
                conv(width, width, 1, bias=False),
                NORM[norm](width),
                nn.ReLU(),
                conv(width, math.prod(self.masks), 1, bias=False),
            )
            for _ in self.directions
        )
        self.project = nn.Sequential(
            conv(width * len(self.directions), channels, 1, bias=False), NORM[norm](channels), nn.ReLU()
        )
        self.restore = (
            nn.Sequential(conv(2 * channels, channels, 1, bias=False), NORM[norm](channels), nn.ReLU())
            if restore
            else nn.Identity()
        )

    def forward(self, x: Tensor) -> Tensor:
        """``x`` and the result: ``(batch, channels, *spatial)``."""
        moved = [
            self._move(reduce(x), attention, direction)
            for reduce, attention, direction in zip(self.reduce, self.attention, self.directions, strict=True)
        ]
        return self.restore(torch.cat([x, _resized(self.project(torch.cat(moved, dim=1)), x.shape[2:])], dim=1))

    def _move(self, features: Tensor, attention: nn.Module, direction: str) -> Tensor:
        """Moved features, on the shrunken map."""
        size = [(length - 1) // self.shrink + 1 for length in features.shape[2:]]
        if self.most is not None:
            size = [smaller(length, self.most) for length in size]
        features = _resized(features, size)
        weights = self._pairs(attention(features).flatten(2), size, direction)
        weights = weights.softmax(1) if self.softmax else weights
        moved = features.flatten(2) @ weights
        return (moved if self.divisor == 1 else moved / self.divisor).unflatten(2, size)

    def _pairs(self, predicted: Tensor, size: Sequence[int], direction: str) -> Tensor:
        """``(batch, source, target)`` scores from ``(batch, places in the mask, positions)``."""
        if self.compact:
            if tuple(size) != self.masks:
                raise InputError(f"psa: a compact mask of {self.masks} works on such maps alone, got {tuple(size)}")
            return predicted if direction == "collect" else predicted.transpose(1, 2)
        place, covered = self._places(size, predicted.device)
        owner = torch.arange(predicted.shape[2], device=predicted.device)
        owned = predicted[:, place, owner] * covered  # (batch, other position, owner of the mask)
        return owned if direction == "collect" else owned.transpose(1, 2)

    def _places(self, size: Sequence[int], device: torch.device) -> tuple[Tensor, Tensor]:
        """For each (other position, owner): its place in the owner's mask, and whether the mask reaches that far."""
        positions = torch.cartesian_prod(*(torch.arange(length, device=device) for length in size))
        positions = positions.reshape(-1, len(size))
        place = torch.zeros(1, 1, dtype=torch.long, device=device)
        covered = torch.ones_like(place, dtype=torch.bool)
        for axis, side in enumerate(self.masks):
            index = positions[:, None, axis] - positions[None, :, axis] + side // 2
            covered = covered & (index >= 0) & (index < side)
            place = place * side + index.clamp(0, side - 1)
        return place, covered


def _resized(x: Tensor, size: Sequence[int]) -> Tensor:
    """Linear interpolation with aligned corners, as the authors'; ``x`` itself where the size is right."""
    if not exporting() and list(x.shape[2:]) == list(size):
        return x
    return F.interpolate(x, tuple(size), mode=LINEAR_INTERPOLATION[x.dim() - 2], align_corners=True)
