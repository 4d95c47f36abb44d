"""After the last training: what a prediction with each finalist takes, one by one and with no trial beside it."""

from __future__ import annotations

from evaluators.preprocessing import Preprocessing
from nas.config.checks import Checked
from nas.engine.ray_cluster import Resources
from nas.engine.ray_measuring import measured_there
from nas.engine.watcher import Watcher
from nas.exports.export import mirrored
from nas.profiles.inference import measure_all
from nas.records.inference_cost import read_inference_costs, write_inference_costs
from nas.run import Run


def measure_finalists(
    run: Run, layout: Preprocessing, checked: Checked, resources: Resources, here: bool, watcher: Watcher
) -> bool:
    """Measure those of a run's finals that were not yet, and keep the result in its folder; whether there were any.

    Args:
        run: with its finals in the journal.
        layout: preprocessing of the task.
        checked: config of the run.
        resources: of a trial, which a measurement on another machine gets too.
        here: whether trials ran on this machine; else a worker of the cluster measures.
        watcher: told what is measured, and what could not be.
    """
    front, known = run.final_front, read_inference_costs(run.folder)
    points = front.everything if front is not None else []
    mirror = tuple(mirrored(checked.config.model_dump(), layout.dims))
    due = [
        point.architecture
        for point in points
        if (cost := known.get(point.architecture.key)) is None or (cost.size, cost.mirror) != (layout.patch, mirror)
    ]
    if not due:
        return False
    count = f"{len(due)} network{'s' if len(due) > 1 else ''}"
    watcher.noted([f"all are trained; now predictions with {count} are timed, one after another"])
    gpu = bool(resources.gpus_per_trial)
    if here:
        found, faults = measure_all(due, layout, mirror, gpu)
    else:
        found, faults = measured_there(due, layout, mirror, gpu, resources, checked.plugins)
    if faults:
        watcher.noted(faults)
    write_inference_costs(run.folder, known | found)
    return True
