"""Looks now and then how large the cluster is: what joins it is used, and what has left is not waited for."""

from __future__ import annotations

import time
from typing import Any

from ray import tune
from ray.tune.experiment import Trial as TuneTrial

from nas.engine.ray_bridge import Bridge
from nas.engine.ray_cluster import Resources, trials_at_once

EVERY = 10.0  # seconds from one look to the next


class Growth(tune.Callback):
    """Tells the source of orders how many trials fit, when that has changed."""

    def __init__(self, bridge: Bridge, resources: Resources) -> None:
        self.bridge = bridge
        self.resources = resources
        self._fit = trials_at_once(resources)
        self._next = time.monotonic() + EVERY

    def on_step_end(self, iteration: int, trials: list[TuneTrial], **info: Any) -> None:
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + EVERY
        fit = trials_at_once(self.resources)
        if fit and fit != self._fit:  # with no node left there is nobody to tell, and Ray waits for one
            self._fit = fit
            self.bridge.resized(fit)
