"""NASWOT. Mellor, Turner, Storkey, Crowley: Neural Architecture Search without Training, ICML 2021,
https://arxiv.org/abs/2006.04647

log |det K|,  K_ij = number of activations that have the same sign for images i and j
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from evaluators.losses import Criterion
from evaluators.zero_cost.score import zero_cost
from search_spaces.hosts import Host

BENT = (nn.ReLU, nn.LeakyReLU, nn.PReLU, nn.SiLU, nn.GELU, nn.ELU, nn.ReLU6, nn.Hardswish)  # at 0


@zero_cost("naswot")
def naswot(network: Host, images: Tensor, labels: Tensor, criterion: Criterion) -> float:
    """How differently the images of a batch pass through the activations of the network.

    Activations that are no modules of their own are not seen. Minus infinity for two images that pass alike.
    """
    count = len(images)
    equal = torch.zeros(count, count, dtype=torch.float64, device=images.device)

    def compare(module: nn.Module, given: tuple[Any, ...]) -> None:
        if len(given[0]) == count:  # else what it activates is not one thing an image
            positive = (given[0].flatten(1) > 0).double()
            equal.add_(positive @ positive.T + (1 - positive) @ (1 - positive).T)

    hooks = [module.register_forward_pre_hook(compare) for module in network.modules() if isinstance(module, BENT)]
    with torch.no_grad():
        network.train()(images)
    for hook in hooks:
        hook.remove()
    return float(torch.linalg.slogdet(equal).logabsdet)
