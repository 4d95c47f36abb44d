"""A network that holds many candidates of one host, which share the weights of what they have in common.

Guo et al.: Single Path One-Shot Neural Architecture Search with Uniform Sampling, ECCV 2020,
https://arxiv.org/abs/1904.00420: every step of training draws one candidate and moves the weights of that one alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from search_spaces.architecture.architecture import Architecture
from search_spaces.architecture.placement import Placement, placed_in
from search_spaces.errors import InputError
from search_spaces.hosts import Host, Outputs
from search_spaces.hosts.host import BLOCK

Choice = tuple[str, tuple[Placement, ...]]  # slot, and what sits in it


class OwnResult(nn.Module):
    """A block in a stage that was built for a convolution, whose result the activation after it overwrites."""

    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        self.block = block

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, channels, *spatial)`` to the same; a copy, as the block's gradient may need what it gave."""
        y: Tensor = self.block(x)
        return y.clone()


class Supernet(Host):
    """A plain network and the mechanisms that candidates put into it; in training one candidate after another.

    It holds the mechanisms that the given candidates have and no others: memory grows with what is trained, not with
    the space. A mechanism with other hyper-parameters is another one.

    Args:
        plain: the candidates' host and options, without attention.
        paths: the candidates that training goes through, a step each.
        in_channels, classes, seed: see ``Architecture.build``; each mechanism begins with the weights that it has in a
            candidate of its own.

    Attributes:
        network: of the candidate that was taken last; all modules are shared.
    """

    def __init__(
        self, plain: Architecture, paths: Sequence[Architecture], in_channels: int, classes: int, seed: int
    ) -> None:
        super().__init__({})
        self.network = plain.build(in_channels, classes, seed)
        self._paths, self._steps = list(paths), 0
        self._held: dict[Choice, nn.Module] = {}
        self._places: dict[str, str] = {}  # slot to where it is in the network
        for path in dict.fromkeys(paths):
            self._adopt(path, in_channels, classes, seed)
        self._empty = {place: self._at(place) for place in self._places.values()}
        self.shared = nn.ModuleList([*self._held.values(), *(one for one in self._empty.values() if one is not None)])

    def _adopt(self, path: Architecture, in_channels: int, classes: int, seed: int) -> None:
        """Hold what a candidate has that is not held yet."""
        new = [choice for choice in path.attention if choice not in self._held]
        if new:
            built = path.build(in_channels, classes, seed)
            places = placed_in(built)
            for choice in new:
                self._places[choice[0]] = places[choice[0]]
                module = built.get_submodule(places[choice[0]])
                self._held[choice] = OwnResult(module) if choice[0].startswith(BLOCK) else module

    def _at(self, place: str) -> nn.Module | None:
        """What stands in the plain network where a slot is: a convolution, or in most slots nothing."""
        return dict(self.network.named_modules()).get(place)

    def take(self, candidate: Architecture) -> None:
        """Make ``network`` that of ``candidate``. Raises ``InputError`` on a mechanism that is not held."""
        missing = [choice for choice in candidate.attention if choice not in self._held]
        if missing:
            slot, series = missing[0]
            raise InputError(
                f"supernet: expected what one of its {len(self._paths)} steps has drawn, "
                f"got {' > '.join(map(str, series))} in slot '{slot}', which none has; more shared_steps draw more"
            )
        wanted = {self._places[choice[0]]: self._held[choice] for choice in candidate.attention}
        for place, empty in self._empty.items():
            where, _, name = place.rpartition(".")
            parent, module = self.network.get_submodule(where), wanted.get(place, empty)
            if module is not None:
                parent.add_module(name, module)
            elif hasattr(parent, name):
                delattr(parent, name)

    def outputs(self, image: Tensor) -> Outputs:
        """See ``Host.outputs``; in training, of the next candidate."""
        if self.training:
            self.take(self._paths[self._steps])
            self._steps += 1
        return self.network.outputs(image)


@torch.no_grad()
def recalibrate(network: nn.Module, images: Iterable[Tensor]) -> None:
    """Give batch norms the statistics of these batches ``(batch, channels, *spatial)``, and leave eval mode as it was.

    Running statistics of shared weights are those of all candidates mixed.
    """
    norms = [module for module in network.modules() if isinstance(module, _BatchNorm)]
    if not norms:
        return
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the mean of all batches
        norm.train()
    for batch in images:
        network(batch)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
        norm.eval()
