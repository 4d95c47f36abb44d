"""A network in training: step by step, with an average of its weights, and a state from which it goes on elsewhere."""

from __future__ import annotations

from collections import deque

import torch
from safetensors.torch import load, save
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from evaluators.inference import half_precision
from evaluators.losses import Criterion, training_loss
from search_spaces.hosts import Host

AVERAGED = 0.05  # share of all steps over which weights are averaged where a network is scored on the way


class Optimisation:
    """AdamW with one cycle of the learning rate over ``steps``.

    Attributes:
        network: being trained, in place.
        done: steps so far.
        average: the network with the mean of its recent weights, in eval mode, where ``averaged``: in the middle of a
            cycle the rate is high, and single weights say little of what comes of them.
    """

    def __init__(
        self,
        network: Host,
        criterion: Criterion,
        steps: int,
        *,
        learning_rate: float,
        weight_decay: float,
        warmup: float,
        clip: float,
        averaged: bool = False,
    ) -> None:
        self.network = network.train()
        self.criterion = criterion
        self.clip = clip
        self.done = 0
        self.device = next(network.parameters()).device
        self._optimiser = torch.optim.AdamW(network.parameters(), learning_rate, weight_decay=weight_decay, fused=True)
        warmup = max(warmup, 1.5 / (steps + 1))  # torch divides by zero at exactly one step of warm-up
        self._schedule = torch.optim.lr_scheduler.OneCycleLR(
            self._optimiser, learning_rate, total_steps=steps + 1, pct_start=warmup, cycle_momentum=False
        )
        self._precision = half_precision(self.device)
        self._scaler = torch.amp.GradScaler(self.device.type, enabled=self._precision.fast_dtype is torch.float16)
        self._recent: deque[Tensor] = deque(maxlen=max(steps // 10, 1))
        self._averaged: AveragedModel | None = None
        if averaged:
            decay = max(1 - 1 / max(AVERAGED * steps, 1), 0.0)
            self._averaged = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=True).eval()

    @property
    def average(self) -> nn.Module:
        assert self._averaged is not None
        return self._averaged.module

    def step(self, images: Tensor, labels: Tensor) -> Tensor:
        """One step on a batch; returns the loss, not yet waited for."""
        with self._precision:
            outputs = self.network.outputs(images)
        loss = training_loss(outputs, images, labels, self.criterion)
        self._optimiser.zero_grad(set_to_none=True)
        self._scaler.scale(loss).backward()
        self._scaler.unscale_(self._optimiser)
        nn.utils.clip_grad_norm_(self.network.parameters(), self.clip, foreach=True)
        self._scaler.step(self._optimiser)
        self._scaler.update()
        self._schedule.step()
        self.done += 1
        if self._averaged is not None:
            self._averaged.update_parameters(self.network)
        self._recent.append(loss.detach())
        return loss.detach()

    @property
    def mean_loss(self) -> float:
        """Of the last tenth of all steps."""
        return float(torch.stack(list(self._recent)).mean())

    def state(self) -> bytes:
        """All that going on needs, as the content of a safetensors file; the next batches follow from their seed."""
        tensors = {f"network/{name}": value for name, value in self.network.state_dict().items()}
        if self._averaged is not None:
            tensors |= {f"average/{name}": value for name, value in self._averaged.state_dict().items()}
        for index, values in self._optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser/{index}/{name}": value for name, value in values.items()}
        tensors |= {f"scaler/{name}": torch.tensor(value) for name, value in self._scaler.state_dict().items()}
        tensors["random/cpu"] = torch.get_rng_state()
        if self.device.type == "cuda":
            tensors["random/cuda"] = torch.cuda.get_rng_state(self.device)
        tensors["losses"] = torch.stack(list(self._recent))
        tensors["done"] = torch.tensor(self.done)
        tensors["rate"] = torch.tensor(self._schedule.get_last_lr()[0], dtype=torch.float64)
        return save({name: value.detach().cpu().contiguous() for name, value in tensors.items()})

    def restore(self, state: bytes) -> None:
        """Go on from ``state`` of an optimisation of the same network with the same arguments."""
        tensors = load(state)

        def part(prefix: str) -> dict[str, Tensor]:
            return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}

        self.network.load_state_dict(part("network/"))
        if self._averaged is not None:
            self._averaged.load_state_dict(part("average/"))
        held = self._optimiser.state_dict()
        values: dict[int, dict[str, Tensor]] = {}
        for name, value in part("optimiser/").items():
            index, key = name.split("/")
            values.setdefault(int(index), {})[key] = value
        self._optimiser.load_state_dict({**held, "state": values})
        if scaler := part("scaler/"):
            self._scaler.load_state_dict({name: value.item() for name, value in scaler.items()})
        self._recent.extend(tensors.get("losses", torch.zeros(0)).to(self.device))
        self.done = int(tensors["done"])
        self._schedule.load_state_dict(
            {**self._schedule.state_dict(), "last_epoch": self.done, "_step_count": self.done + 1}
        )
        for group in self._optimiser.param_groups:
            group["lr"] = float(tensors["rate"])
        torch.set_rng_state(tensors["random/cpu"])
        if self.device.type == "cuda" and "random/cuda" in tensors:
            torch.cuda.set_rng_state(tensors["random/cuda"], self.device)
