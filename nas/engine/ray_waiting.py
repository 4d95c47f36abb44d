"""Says what a search waits for while no trial can begin."""

from __future__ import annotations

import time
from typing import Any

from ray import tune
from ray.tune.experiment import Trial as TuneTrial

from nas.engine.ray_bridge import Bridge
from nas.engine.ray_cluster import Resources, free
from nas.quantities import format_duration
from search_spaces.errors import InputError

FIRST_WORD = 30.0  # seconds without any trial at work, after which it is said
STARTING = 120.0  # seconds that workers may take to start where there is room: that is no waiting for a node


class Waiting(tune.Callback):
    """Says what is waited for where no trial can begin, as others use the cluster, and gives up in the end."""

    def __init__(self, bridge: Bridge, resources: Resources) -> None:
        self.bridge = bridge
        self.resources = resources
        self._since: float | None = None
        self._longest: float | None = None
        self._next = FIRST_WORD

    def on_step_end(self, iteration: int, trials: list[TuneTrial], **info: Any) -> None:
        ours = [trial for trial in trials if trial.trial_id in self.bridge.running]
        if not ours or any(trial.status == TuneTrial.RUNNING for trial in ours):
            self._since, self._next = None, FIRST_WORD
            return
        if self._since is None:
            self._since, self._longest = time.monotonic(), self.bridge.longest_wait()
        waited = time.monotonic() - self._since
        if self._longest is not None and waited > max(self._longest, STARTING):
            self.bridge.failure = InputError(f"limits.time is over: {self._lacks(waited)}")
            raise self.bridge.failure
        if waited > self._next:
            self._next *= 4
            self.bridge.tell(self._lacks(waited))

    def _lacks(self, waited: float) -> str:
        return (
            f"no trial has begun for {format_duration(waited)}; each waits for {self.resources.wanted} on one node, "
            f"and free are {free()}"
        )
