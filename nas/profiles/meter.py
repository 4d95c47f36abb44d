"""Counting, for each part of a network, the operations of a forward pass and what it keeps for the backward pass.

On torch's meta device, so that neither time nor memory is spent.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from nas.profiles.parts import Assembled, PartKey, tensors
from search_spaces.pricing.flop_counter import FlopCounter


class Meter(FlopCounter):
    """Counts for each part the operations of one forward pass, and the bytes that it leaves for the backward pass.

    What happens between two parts (a concatenation, a pooling) counts with the part that it leads to.
    """

    def __init__(self, assembled: Assembled) -> None:
        super().__init__()
        self.assembled = assembled
        self.flops_of: dict[PartKey | None, int] = defaultdict(int)
        self.kept_by: dict[PartKey | None, int] = defaultdict(int)
        self.shapes: dict[PartKey, tuple[int, ...]] = {}
        self._within: list[PartKey | None] = [None]
        self._last: PartKey | None = None
        # Storages are told apart by identity, so all that were seen are held.
        self._makers: dict[torch.UntypedStorage, PartKey | None] = {}
        self._counted: set[torch.UntypedStorage] = set()

    @property
    def largest(self) -> int:
        """Bytes of the largest tensor that any pass has made."""
        return max((storage.nbytes() for storage in self._makers), default=0)

    def run(self, image: Sequence[int], training: bool) -> None:
        """One pass; in training with the graph that a backward pass would need."""
        network, owners = self.assembled.network.train(training), self.assembled.owners()
        given = torch.empty(1, *image, device="meta")
        known = (given, *network.parameters(), *network.buffers())
        self._counted |= {tensor.untyped_storage() for tensor in known}
        whole = {module: key for key, module in self.assembled.parts.items()}
        hooks = []
        for module in network.modules():
            hooks.append(module.register_forward_pre_hook(self._enter(owners.get(module))))
            hooks.append(module.register_forward_hook(self._leave(whole.get(module))))
        try:
            keeping = torch.autograd.graph.saved_tensors_hooks(self._keep, lambda kept: kept)
            with torch.device("meta"), torch.set_grad_enabled(training), keeping, _FusedAttention(training), self:
                network.outputs(given)
        finally:
            for hook in hooks:
                hook.remove()
        self._settle(self._last)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        before = self.flops
        result = super().__torch_dispatch__(func, types, args, kwargs)
        self.flops_of[self._within[-1]] += self.flops - before
        for tensor in tensors(result):
            self._makers.setdefault(tensor.untyped_storage(), self._within[-1])
        return result

    def _keep(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        if storage not in self._counted:
            self._counted.add(storage)
            self.kept_by[self._makers.get(storage) or self._within[-1]] += storage.nbytes()

    def _enter(self, part: PartKey | None) -> Any:
        def enter(module: nn.Module, args: Any) -> None:
            self._within.append(part)
            if part is not None:
                self._last = part
                self._settle(part)

        return enter

    def _leave(self, part: PartKey | None) -> Any:
        def leave(module: nn.Module, args: Any, result: Any) -> None:
            self._within.pop()
            if part is not None:
                first = next(tensors(result))
                self.shapes.setdefault(part, tuple(first.shape[1:]))

        return leave

    def _settle(self, part: PartKey | None) -> None:
        """Hand what was counted between the parts to ``part``."""
        self.flops_of[part] += self.flops_of.pop(None, 0)
        self.kept_by[part] += self.kept_by.pop(None, 0)


class _Fused(torch.autograd.Function):
    """What fused attention keeps: its inputs, its result, and one number a query. There is no backward pass to it."""

    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        found = query.new_empty(*query.shape[:-1], value.shape[-1])
        ctx.save_for_backward(query, key, value, found, query.new_empty(query.shape[:-1]))
        return found


class _FusedAttention(TorchFunctionMode):
    """Keeps torch's attention whole where a kernel does it at once: on the meta device torch takes it to pieces.

    With a mask that is learnt (a bias of positions) the kernels for the CPU do not; nor does this.
    """

    def __init__(self, active: bool) -> None:
        super().__init__()
        self.active = active

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if self.active and func is F.scaled_dot_product_attention and (kwargs or {}).get("attn_mask") is None:
            return _Fused.apply(*args[:3])
        return func(*args, **(kwargs or {}))
