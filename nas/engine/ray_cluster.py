"""The Ray that trials run on: one of our own on this machine, or a cluster that is asked for."""

from __future__ import annotations

import logging
import math
import os
import signal
import socket
import subprocess
import sys
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import ray

from evaluators.cores import allowed_cores
from search_spaces.errors import InputError

# Our journal is the record of a run; Tune's own loggers and snapshots would only cost time beside it. With a searcher
# Tune starts one actor at a time unless it is told that many trials may wait; our source says how many run.
QUIET = {
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "1000000",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_MAX_PENDING_TRIALS_PG": "1000",
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_DEDUP_LOGS": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_worker_niceness": "0",  # Ray's 15 makes trials wait for whatever else runs, where the cores were given to them
}
ADDRESS = "RAY_ADDRESS"
PATIENCE = 40  # seconds in which a cluster must answer; Ray itself tries for a quarter of an hour, deaf to Ctrl-C
CLIENT_PORT = 10001  # of Ray where an address is ray://HOST
KNOCK = 5  # seconds in which somebody must listen at its port
SMALLEST_SHARE = 1e-4  # of a GPU: Ray counts in these
SPOKEN_FOR = (signal.SIGINT, signal.SIGTERM)  # signals that end a search, which are not left to Ray


@dataclass(frozen=True)
class Resources:
    """What one trial gets, and the most trials at once (None: as many as fit)."""

    workers: int | None = None
    cpus_per_trial: int = 1
    gpus_per_trial: float = 0.0

    @property
    def wanted(self) -> Node:
        """What a node must have free for one trial."""
        return Node(self.cpus_per_trial, self.gpus_per_trial)


@dataclass(frozen=True)
class Node:
    """Cores and GPUs of one machine of a cluster."""

    cpus: float
    gpus: float

    def fits(self, resources: Resources) -> int:
        """How many trials run on it at once."""
        by_core = self.cores_for(resources.cpus_per_trial)
        share = resources.gpus_per_trial
        if not share:
            return by_core
        # A share is counted as Ray does, in whole parts: 1 // 0.2 is 4 in floating point.
        parts = round(share / SMALLEST_SHARE)
        by_gpu = int(self.gpus) * (round(1 / SMALLEST_SHARE) // parts) if share <= 1 else int(self.gpus // share)
        return min(by_core, by_gpu)

    def cores_for(self, cpus_per_trial: int) -> int:
        """How many trials its cores are enough for."""
        return int(self.cpus // cpus_per_trial)

    def __str__(self) -> str:
        return _counted(self.cpus, "core") + (f" and {_counted(self.gpus, 'GPU')}" if self.gpus else "")


def asked_address(address: str | None) -> str | None:
    """The address of the cluster that a user asked for, or that Ray's variable names; None for a Ray of our own."""
    asked = address or os.environ.get(ADDRESS) or "local"
    return None if asked == "local" else asked


class Cluster:
    """A connection to Ray: a local one started here, or a running cluster. Use as a context.

    A Ray that somebody else runs on this machine is left alone unless its address is given. Where this process is
    connected already (``ray.init`` in a notebook), that connection is used, and stays.

    Ray is started in the thread that enters and not in one beside it: starting forks, and a fork while another
    thread is inside OpenBLAS never returns.

    Attributes:
        address: of the cluster asked for; None for a Ray of our own, or that of this process.
        here: whether trials run on this machine alone.
    """

    def __init__(self, address: str | None = None) -> None:
        connected = ray.is_initialized()
        self.address = address if connected else asked_address(address)
        self.here = self.address is None and not connected
        self._ours = False

    def __enter__(self) -> Cluster:
        """Raises ``InputError`` when Ray cannot be started, or does not answer within seconds."""
        os.environ.update({name: value for name, value in QUIET.items() if name not in os.environ})
        if self.address is not None:
            self._check_answers(self.address)
        if ray.is_initialized():
            if self.address is not None:
                raise self._fault("this process is connected to a Ray already; expected no address, or ray.shutdown()")
            return self
        own: dict[str, Any] = {"num_cpus": allowed_cores(), "include_dashboard": False} if self.address is None else {}
        try:
            with _handlers_kept():
                ray.init(address=self.address or "local", log_to_driver=False, logging_level=logging.ERROR, **own)
        except Exception as error:  # Ray raises many kinds; to the user they are one
            raise self._fault(str(error)) from error
        self._ours = True
        return self

    def __exit__(self, *_: object) -> None:
        if self._ours:
            ray.shutdown()
            self._ours = False

    def workers(self, resources: Resources) -> int:
        """How many trials run at once, each on one node. Raises ``InputError`` when not even one fits."""
        fit = trials_at_once(resources)
        if fit == 0:
            raise InputError(_no_room(nodes(), resources))
        return fit

    def _check_answers(self, address: str) -> None:
        """Connect in a process that can be ended, as Ray's own attempts cannot."""
        if address != "auto":
            self._check_listens(address)
        attempt = f"import logging, ray; ray.init({address!r}, log_to_driver=False, logging_level=logging.ERROR)"
        try:
            done = subprocess.run(
                [sys.executable, "-c", attempt], capture_output=True, text=True, timeout=PATIENCE, check=False
            )
            failed, said = done.returncode != 0, done.stderr
        except subprocess.TimeoutExpired as error:
            failed, said = True, f"{(error.stderr or b'').decode(errors='replace')}\nno answer within {PATIENCE} s"
        if failed and "unauthenticated" in said.lower():
            raise self._fault(
                "it wants a token; expected RAY_AUTH_MODE=token and the token of the cluster, as RAY_AUTH_TOKEN or in "
                "~/.ray/auth_token"
            )
        if failed:
            raise self._fault(said.strip().splitlines()[-1] if said.strip() else "no reason given")

    def _check_listens(self, address: str) -> None:
        try:
            parts = urllib.parse.urlsplit(address if "//" in address else f"//{address}")
            port = parts.port or (CLIENT_PORT if parts.scheme == "ray" else None)
        except ValueError:
            port = None
        if port is None or not parts.hostname:
            raise self._fault("expected HOST:PORT, or 'auto'")
        try:
            socket.create_connection((parts.hostname, port), KNOCK).close()
        except OSError as error:
            raise self._fault(f"nobody listens there ({error})") from None

    def _fault(self, reason: str) -> InputError:
        where = f"Ray at '{self.address}'" if self.address else "a local Ray"
        return InputError(f"could not start {where}: {' '.join(reason.split())[:300]}")


def _counted(count: float, thing: str) -> str:
    return f"{count:g} {thing}{'' if count == 1 else 's'}"


def free() -> Node:
    """What nobody uses, all nodes together."""
    found = ray.available_resources()
    return Node(found.get("CPU", 0), found.get("GPU", 0))


def trials_at_once(resources: Resources) -> int:
    """How many trials the nodes that there are now have room for, or fewer where that is asked for."""
    fit = sum(node.fits(resources) for node in nodes())
    return min(fit, resources.workers or fit)


def nodes() -> list[Node]:
    """The machines that belong to the cluster now."""
    resources = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    return [Node(found.get("CPU", 0), found.get("GPU", 0)) for found in resources]


def _no_room(nodes: list[Node], resources: Resources) -> str:
    """Why no trial fits any node: the key, what was expected, what came."""
    sizes = ", ".join(map(str, nodes))
    cpus, gpus = (max((getattr(node, name) for node in nodes), default=0) for name in ("cpus", "gpus"))
    several = f"; the nodes have {sizes}" if len(nodes) > 1 else ""
    if cpus < resources.cpus_per_trial:
        return f"resources.cpus_per_trial: expected at most {cpus:g}, got {resources.cpus_per_trial}{several}"
    if math.ceil(resources.gpus_per_trial) > gpus:
        most = f"at most {gpus:g}" if gpus else "0"
        given = f"Ray sees {_counted(sum(node.gpus for node in nodes), 'GPU')}; got {resources.gpus_per_trial:g}"
        return f"resources.gpus_per_trial: expected {most}, {given}{several}"
    return f"resources: a trial takes {resources.wanted}, which no node has together; they have {sizes}"


@contextmanager
def _handlers_kept() -> Iterator[None]:
    """Ray puts its own handlers in place of the caller's, and they end the process with a trace, or just so."""
    before = {number: signal.getsignal(number) for number in SPOKEN_FOR}
    try:
        yield
    except SystemExit:
        raise KeyboardInterrupt from None
    finally:
        for number, handler in before.items():
            with suppress(ValueError):  # not in the main thread, where Ray sets none either
                signal.signal(number, handler)
