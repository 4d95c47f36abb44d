"""Predictions measured by a worker of the cluster."""

from __future__ import annotations

from evaluators.labelling import Labelling
from evaluators.preprocessing import Preprocessing
from nas.engine.ray_cluster import Cluster, Resources
from nas.engine.ray_measuring import measured_there
from search_spaces.architecture.architecture import Architecture


def test_a_worker_measures_what_it_is_asked_to(cluster: Cluster) -> None:
    layout = Preprocessing(2, 1, Labelling.exclusive(["organ"]), None, None, (16, 16))
    networks = [Architecture.create("unet", 2, {"depth": 1, "width": width}) for width in (4, 6)]
    found, faults = measured_there(networks, layout, (), False, Resources())
    assert list(found) == [network.key for network in networks]
    assert all(cost.cpu_ms > 0 for cost in found.values())
    assert faults == []
