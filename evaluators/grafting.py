"""Mechanisms grafted into a trained network without changing what it computes.

y = (1 - g) before(x) + g mechanism(x), with g = 0 at first. ``before`` is what stands in the network where the slot is
empty: the feature as it is, or for a block the convolution that the block replaces. So any mechanism, residual or not,
is the identity of the trained network at first (as in Chen, Goodfellow, Shlens: Net2Net, ICLR 2016,
https://arxiv.org/abs/1511.05641), and at g = 1 the network is the candidate itself.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from search_spaces.architecture.placement import placed_in
from search_spaces.hosts import Host, Outputs


class Unattended(nn.Module):
    """What an empty slot gives: the feature as it is, of a pyramid the finest."""

    def forward(self, x: Tensor | list[Tensor]) -> Tensor:
        """``(batch, channels, *spatial)``, or a list of all levels, to ``(batch, channels, *spatial)``."""
        return x[0] if isinstance(x, list) else x


class Gated(nn.Module):
    """A mechanism and what was in its place, joined by a gate that is closed at first.

    Args:
        mechanism: what the slot holds.
        before: what stands there in the network without it.
        learnt: the factor before a learnt gate; None: the gate is set from outside.

    Attributes:
        gate: a number; of a learnt one, before its factor. The steps of AdamW do not depend on the size of a gradient,
            so that a factor before a parameter is a factor before its learning rate.
    """

    gate: Tensor

    def __init__(self, mechanism: nn.Module, before: nn.Module, learnt: float | None) -> None:
        super().__init__()
        self.mechanism, self.before, self.factor = mechanism, before, learnt
        if learnt is None:
            self.register_buffer("gate", torch.zeros(()))
        else:
            self.gate = nn.Parameter(torch.zeros(()))

    def forward(self, x: Any, *others: Any) -> Tensor:
        """As ``PlacedAttention.forward``; of a block ``(batch, channels, *spatial)`` to the same."""
        gate = self.gate if self.factor is None else self.factor * self.gate
        return (1 - gate) * self.before(x) + gate * self.mechanism(x, *others)  # exact at 0 and at 1


class Grafted(Host):
    """A candidate with the weights of a trained plain network of its host, its mechanisms gated.

    Args:
        candidate: the network, whose modules are taken over.
        plain: the trained network of the same host and options without attention; its convolutions are taken over where
            the candidate has blocks.
        opening: steps of training over which the gates open evenly; None: they are learnt.
        rate: of learnt gates, how many times the learning rate of other weights.
    """

    seen: Tensor

    def __init__(self, candidate: Host, plain: Host, opening: int | None, rate: float) -> None:
        super().__init__({})
        places = list(placed_in(candidate).values())
        trained = {
            name: value
            for name, value in plain.state_dict().items()
            if not any(name.startswith(f"{path}.") for path in places)
        }
        candidate.load_state_dict({**candidate.state_dict(), **trained})
        standing = dict(plain.named_modules())
        for path in places:
            before = standing.get(path, Unattended())
            gated = Gated(candidate.get_submodule(path), before, rate if opening is None else None)
            candidate.set_submodule(path, gated)
        self.network, self.opening = candidate, opening
        self.register_buffer("seen", torch.zeros(()))  # steps of training

    def outputs(self, image: Tensor) -> Outputs:
        """See ``Host.outputs``; in training, first the gates open by one step."""
        if self.training and self.opening is not None:
            self.seen += 1
            for module in self.network.modules():
                if isinstance(module, Gated):
                    module.gate.copy_((self.seen / self.opening).clamp(max=1))
        return self.network.outputs(image)
