"""How much of a GPU the trainings of a search will take, by prediction."""

from __future__ import annotations

from evaluators.planning.rules import batch_of
from evaluators.preprocessing import PreparedTask
from nas.config.checks import Checked, admits
from nas.profiles.training_memory import bytes_on_a_gpu, demanding, training_bytes
from search_spaces.architecture.architecture import Architecture


def gpu_bytes(checked: Checked, task: PreparedTask) -> int:
    """Bytes of a GPU that the most demanding of what may be trained takes.

    Measured are the largest plain networks of each host, some of what the space offers with many slots filled, and what
    the config names. Whatever takes more, and is out of memory beside others, is tried once more alone.
    """
    config, layout = checked.config, task.preprocessing
    channels, classes, patch = layout.channels, len(layout.classes), layout.patch

    def within(architecture: Architecture) -> bool:
        return admits(checked, architecture, patch)

    def macs(architecture: Architecture) -> int:
        return architecture.cost(channels, classes, patch).macs

    batch = config.training.batch or batch_of(patch)
    found = [*demanding(checked.space, within, macs, config.seed), *checked.start.values()]
    return bytes_on_a_gpu(max(training_bytes(one, channels, classes, patch, batch) for one in found))
