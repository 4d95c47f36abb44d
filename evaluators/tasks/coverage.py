"""Which classes the parts of a task can teach and score: said before anything is trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from evaluators.tasks.faults import raise_faults
from evaluators.tasks.task import SPLITS, Task


def check_coverage(task: Task, counts: Mapping[str, Sequence[np.ndarray]], scored: Sequence[str]) -> list[str]:
    """Refuse what cannot be learnt or scored at all, and tell what can be scored in part.

    Args:
        task: the task.
        counts: for each part, voxels of each label index of each case: ``numpy.bincount(label, minlength=256)``.
        scored: the parts on which networks are to be compared.

    Returns:
        A line for every class that a scored part never shows, though it shows another.

    Raises:
        InputError: one line for each class that no training case shows, and for each scored part without foreground.
    """
    shown = {
        part: [sum(bool(row[count_of > 0].any()) for count_of in counts[part]) for row in task.labelling.membership]
        for part in SPLITS
    }
    training = len(counts["train"])
    faults = [
        f"task '{task.name}': class '{name}' is in none of the {training} training cases; "
        "drop it from the classes, or check the label values and the split"
        for name, cases in zip(task.classes, shown["train"], strict=True)
        if not cases
    ]
    notes = []
    every = [one for part in SPLITS for one in counts[part]]
    showing = sum(bool(task.labelling.shown(one)) for one in every)
    advice = "move cases that show some there, or leave the split to the tool"
    if showing <= len(scored):
        advice = f"only {showing} of all {len(every)} cases show some, too few for each part to have one"
    for part in scored:
        if counts[part] and not any(shown[part]):
            faults.append(
                f"task '{task.name}': none of the {len(counts[part])} {part} cases shows any foreground, so nothing "
                f"can be scored on them; {advice}"
            )
        elif counts[part]:
            notes += [
                f"class '{name}' is in none of the {len(counts[part])} {part} cases: it is not scored there"
                for name, cases in zip(task.classes, shown[part], strict=True)
                if not cases
            ]
    raise_faults(faults)
    return notes
