"""Measuring predictions on a machine of the cluster, with what a trial gets of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ray
from ray.exceptions import RayError

from evaluators.preprocessing import Preprocessing
from nas.engine.ray_cluster import Resources
from nas.records.inference_cost import InferenceCost
from search_spaces.architecture.architecture import Architecture

Measured = tuple[dict[str, InferenceCost], list[str]]


def measured_there(
    architectures: Sequence[Architecture],
    layout: Preprocessing,
    mirror: Sequence[int],
    gpu: bool,
    resources: Resources,
    plugins: Sequence[str] = (),
) -> Measured:
    """What ``measure_all`` gives on a machine of the cluster; inside a ``Cluster``.

    A worker that is lost measures nothing, which is told in a line.
    """
    share = ray.remote(num_cpus=resources.cpus_per_trial, num_gpus=resources.gpus_per_trial, max_calls=1, max_retries=0)
    plain = [architecture.to_dict() for architecture in architectures]
    try:
        measured: Measured = ray.get(share(_measure).remote(plain, layout, mirror, gpu, tuple(plugins)))
    except RayError as error:
        return {}, [f"predictions could not be measured: {str(error).strip().splitlines()[-1]}"]
    return measured


def _measure(
    architectures: Sequence[dict[str, Any]],
    layout: Preprocessing,
    mirror: Sequence[int],
    gpu: bool,
    plugins: Sequence[str],
) -> Measured:
    from nas.profiles.inference import measure_all
    from search_spaces.plugins import import_plugins

    import_plugins(plugins)
    return measure_all([Architecture.from_dict(data) for data in architectures], layout, mirror, gpu)
