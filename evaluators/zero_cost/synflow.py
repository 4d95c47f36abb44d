"""Synaptic flow. Tanaka, Kunin, Yamins, Ganguli: Pruning Neural Networks without any Data by Iteratively Conserving
Synaptic Flow, NeurIPS 2020, https://arxiv.org/abs/2006.05467; as a score of networks in Abdelfattah et al., ICLR 2021,
https://arxiv.org/abs/2101.08134

log sum over parameters of |w| dR/d|w|,  R = sum of the logits of an image of ones, all weights made positive
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from evaluators.losses import Criterion
from evaluators.zero_cost.score import zero_cost
from search_spaces.hosts import Host

NORMS = (_NormBase, nn.GroupNorm, nn.LayerNorm)


@zero_cost("synflow")
def synflow(network: Host, images: Tensor, labels: Tensor, criterion: Criterion) -> float:
    """How much flows through the weights, the logarithm of it: products over layers leave single precision.

    Norms are left out, as in the score of Abdelfattah et al.: they would make an image of ones nothing.
    """
    network.eval().double()
    hooks = [module.register_forward_hook(_unchanged) for module in network.modules() if isinstance(module, NORMS)]
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.abs_()
    network.zero_grad()
    network(torch.ones_like(images[:1], dtype=torch.float64)).sum().backward()
    for hook in hooks:
        hook.remove()
    flow = sum(float((one.detach() * one.grad).abs().sum()) for one in network.parameters() if one.grad is not None)
    return math.log(flow) if flow > 0 else -math.inf


def _unchanged(module: nn.Module, given: tuple[Any, ...], result: Any) -> Any:
    """The input of a norm in place of its result; a copy, as an activation may overwrite it."""
    return given[0].clone()
