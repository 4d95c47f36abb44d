"""Which Ray is used, and what fits on it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from nas.engine import ray_cluster
from nas.engine.ray_cluster import Cluster, Node, Resources, asked_address
from search_spaces.errors import InputError

ROOT = Path(__file__).parents[3]


def test_more_cores_or_gpus_than_there_are_are_refused(cluster):
    with pytest.raises(InputError, match=r"resources\.cpus_per_trial: expected at most \d+, got 1000"):
        cluster.workers(Resources(cpus_per_trial=1000))


def test_as_many_trials_run_at_once_as_fit_or_fewer_where_that_is_asked_for(cluster):
    fits = cluster.workers(Resources())
    assert fits >= 1
    assert cluster.workers(Resources(workers=1)) == 1
    assert cluster.workers(Resources(workers=1000)) == fits
    assert cluster.workers(Resources(cpus_per_trial=fits)) == 1


def test_a_cluster_that_cannot_be_reached_is_one_line():
    with pytest.raises(InputError, match="could not start Ray at '127.0.0.1:1'") as caught, Cluster("127.0.0.1:1"):
        pass
    assert "\n" not in str(caught.value)


# -- which Ray ---------------------------------------------------------------------------------------------


def in_a_process(code: str, **variables: str) -> str:
    """What the last line of a fresh process says."""
    done = subprocess.run(
        [sys.executable, "-c", f"import os, ray\nfrom nas.engine.ray_cluster import *\n{code}"],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=200,
        check=True,
    )
    return done.stdout.strip().splitlines()[-1]


def test_only_what_is_asked_for_is_joined(monkeypatch):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    assert [asked_address(address) for address in (None, "", "local", "auto", "a:1")] == [
        None,
        None,
        None,
        "auto",
        "a:1",
    ]
    monkeypatch.setenv("RAY_ADDRESS", "b:2")
    assert [asked_address(address) for address in (None, "a:1", "local")] == ["b:2", "a:1", None]


def test_a_ray_that_runs_on_the_machine_is_left_alone_and_ours_has_the_cores_that_are_allowed(cluster):
    """The fixture's Ray runs meanwhile."""
    others = ray_cluster.ray.get_runtime_context().gcs_address
    code = "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n" if hasattr(os, "sched_setaffinity") else ""
    code += "import signal; before = signal.getsignal(signal.SIGTERM)\n"
    code += "with Cluster() as ours:\n"
    code += "    nice = ray.get(ray.remote(lambda: os.nice(0)).remote())\n"
    code += "    kept = signal.getsignal(signal.SIGTERM) is before\n"
    code += "    print(ray.get_runtime_context().gcs_address, ours.workers(Resources()), nice - os.nice(0), kept)\n"
    address, workers, niceness, kept = in_a_process(code, RAY_ADDRESS="").split()
    assert address != others
    assert (niceness, kept) == ("0", "True")
    if hasattr(os, "sched_setaffinity"):
        assert workers == "1"


def test_a_ray_that_this_process_has_started_is_used_and_stays(cluster):
    with Cluster() as joined:
        assert not joined.here
        assert joined.workers(Resources()) == cluster.workers(Resources())
    assert ray_cluster.ray.is_initialized()


@pytest.fixture
def mute() -> Iterator[str]:
    """An address at which somebody listens and says nothing."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(5)
        yield f"127.0.0.1:{listening.getsockname()[1]}"


def test_an_address_at_which_no_ray_answers_fails_within_seconds(mute, monkeypatch):
    monkeypatch.setattr(ray_cluster, "PATIENCE", 3)
    began = time.monotonic()
    with pytest.raises(InputError, match=f"could not start Ray at '{mute}': no answer within 3 s") as caught:
        Cluster(mute).__enter__()
    assert time.monotonic() - began < 30
    assert "\n" not in str(caught.value)


def test_a_cluster_that_wants_a_token_is_told_with_where_that_goes(mute, monkeypatch):
    refused = SimpleNamespace(returncode=1, stderr="RpcError: Unauthenticated: missing token")
    monkeypatch.setattr(ray_cluster.subprocess, "run", lambda *_, **__: refused)
    with pytest.raises(InputError, match="it wants a token; expected RAY_AUTH_MODE=token and the token of the cluster"):
        Cluster(mute).__enter__()


@pytest.mark.parametrize("address", ["nowhere", "host:port", "ray://", ":"])
def test_what_is_no_address_is_said(address):
    with pytest.raises(InputError, match="expected HOST:PORT, or 'auto'"):
        Cluster(address).__enter__()


# -- what fits ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("share", "trials"),
    [(0.5, 2), (0.3, 3), (0.25, 4), (0.2, 5), (0.1, 10), (0.05, 20), (0.01, 100), (0.6, 1), (1, 1), (1 / 3, 3), (2, 0)],
)
def test_a_share_of_a_gpu_is_counted_exactly(share, trials):
    assert Node(1000, 1).fits(Resources(gpus_per_trial=share)) == trials
    assert Node(1000, 3).fits(Resources(gpus_per_trial=share)) == (3 * trials if share <= 1 else 1)


@pytest.mark.parametrize(
    ("nodes", "resources", "fault"),
    [
        ([Node(1, 0)] * 3, Resources(cpus_per_trial=2), "resources.cpus_per_trial: expected at most 1, got 2; the "
         "nodes have 1 core, 1 core, 1 core"),
        ([Node(4, 1), Node(8, 0)], Resources(cpus_per_trial=8, gpus_per_trial=0.5), "resources: a trial takes 8 cores "
         "and 0.5 GPUs, which no node has together; they have 4 cores and 1 GPU, 8 cores"),
        ([Node(4, 1)], Resources(gpus_per_trial=2), "resources.gpus_per_trial: expected at most 1, Ray sees "
         "1 GPU; got 2"),
        ([Node(4, 0)], Resources(gpus_per_trial=0.1), "resources.gpus_per_trial: expected 0, Ray sees 0 GPUs; got 0.1"),
    ],
)  # fmt: skip
def test_a_trial_that_fits_no_node_is_refused_with_the_sizes_of_the_nodes(monkeypatch, nodes, resources, fault):
    monkeypatch.setattr(ray_cluster, "nodes", lambda: nodes)
    with pytest.raises(InputError) as caught:
        Cluster().workers(resources)
    assert str(caught.value) == fault


def test_trials_are_counted_node_by_node(monkeypatch):
    monkeypatch.setattr(ray_cluster, "nodes", lambda: [Node(3, 0), Node(3, 0), Node(1, 0)])
    assert Cluster().workers(Resources(cpus_per_trial=2)) == 2
