"""Gradient norm. Abdelfattah, Mehrotra, Dudziak, Lane: Zero-Cost Proxies for Lightweight NAS, ICLR 2021,
https://arxiv.org/abs/2101.08134

sum over parameters of ||dL/dw||_2, for the loss L of one batch
"""

from __future__ import annotations

from torch import Tensor

from evaluators.losses import Criterion, training_loss
from evaluators.zero_cost.score import zero_cost
from search_spaces.hosts import Host


@zero_cost("grad_norm")
def grad_norm(network: Host, images: Tensor, labels: Tensor, criterion: Criterion) -> float:
    """The norms of each parameter's gradient after one batch, added up."""
    network.train().zero_grad()
    training_loss(network.outputs(images), images, labels, criterion).backward()
    return sum(float(one.grad.norm()) for one in network.parameters() if one.grad is not None)
