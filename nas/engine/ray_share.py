"""What share of a GPU a trial gets where nobody has said: as many as its memory holds and the cores keep busy."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import ray
from ray.exceptions import GetTimeoutError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from nas.config.sections import ResourcesSection
from nas.engine.ray_cluster import SMALLEST_SHARE, Node, Resources, nodes
from nas.quantities import format_bytes
from search_spaces.errors import InputError

KEY = "resources.gpus_per_trial"
PATIENCE = 120.0  # seconds in which every node must say how much memory its GPU has: a worker imports torch for it


def resources_of(section: ResourcesSection, needed: Callable[[], int], tell: Callable[[str], object]) -> Resources:
    """The resources of a trial, with ``auto`` worked out; connected to Ray.

    Args:
        section: what the config says.
        needed: bytes of a GPU that the most demanding training is predicted to take; called where it matters.
        tell: called with a line on what was found.

    Raises:
        InputError: there is no GPU, or none answers.
    """
    share = section.gpus_per_trial
    if share == "auto":
        there = nodes()
        if not any(node.gpus for node in there):
            raise InputError(f"{KEY}: expected 0, Ray sees 0 GPUs; got auto")
        free, wanted = min(free_memory()), needed()
        trials = trials_on_a_gpu(wanted, free, there, section.cpus_per_trial, section.workers)
        share = share_of(trials)
        tell(told(wanted, free, trials))
    return Resources(section.workers, section.cpus_per_trial, share)


def trials_on_a_gpu(needed: int, free: int, there: Sequence[Node], cpus_per_trial: int, workers: int | None) -> int:
    """How many trials share a GPU.

    No more than its memory holds; nor more than there are cores for, or workers, over all GPUs: Ray fills one GPU
    before it looks at the next.

    Args:
        needed: bytes of a GPU that a trial takes.
        free: bytes of the GPU that has fewest free.
        there: the machines of the cluster.
        cpus_per_trial: cores of a trial.
        workers: most trials at once; None: as many as fit.
    """
    by_memory = free // max(needed, 1)
    with_gpu = [node for node in there if node.gpus >= 1]
    by_cores = max((math.ceil(node.cores_for(cpus_per_trial) / int(node.gpus)) for node in with_gpu), default=1)
    gpus = sum(int(node.gpus) for node in with_gpu)
    by_workers = by_cores if workers is None else math.ceil(workers / max(gpus, 1))
    return max(1, min(by_memory, by_cores, by_workers, round(1 / SMALLEST_SHARE)))


def share_of(trials: int) -> float:
    """The largest share of a GPU, in the parts that Ray counts, that so many trials can have of one."""
    parts = round(1 / SMALLEST_SHARE)
    return (parts // trials) / parts


def told(needed: int, free: int, trials: int) -> str:
    """What a user is told of it."""
    found = f"a trial takes up to {format_bytes(needed)} of a GPU by prediction, and {format_bytes(free)} are free"
    if needed > free:
        return f"{found}: one trial a GPU, and what does not fit will fail for lack of memory"
    return f"{found}: {trials} trials share one" if trials > 1 else f"{found}: one trial a GPU"


def free_memory() -> list[int]:
    """Bytes that are free on a GPU of each node that has one. Raises ``InputError`` where a node does not answer."""
    asked = [
        _free_on_this_gpu.options(
            scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
        ).remote()
        for node in ray.nodes()
        if node["Alive"] and node["Resources"].get("GPU", 0)
    ]
    try:
        return list(ray.get(asked, timeout=PATIENCE))
    except GetTimeoutError:
        for one in asked:
            ray.cancel(one, force=True)
        raise InputError(
            f"{KEY}: expected GPUs that say how much memory is free, got no answer within {PATIENCE:g} s; "
            "they may all be in use, or give a share, as 0.25"
        ) from None
    except Exception as error:  # of torch on that node, or of the node itself
        last = str(error).strip().splitlines()[-1]
        raise InputError(f"{KEY}: a GPU does not say how much memory it has: {last[:300]}") from None


@ray.remote(num_cpus=0, num_gpus=SMALLEST_SHARE, max_retries=0)
def _free_on_this_gpu() -> int:
    import torch

    free, _ = torch.cuda.mem_get_info()
    return int(free)
