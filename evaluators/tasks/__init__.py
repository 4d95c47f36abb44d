"""Segmentation tasks: ``open_task`` opens one by name or path, ``Task.read`` reads one of its cases."""

from evaluators.tasks.opening import open_task
from evaluators.tasks.task import Case, Sample, Task
from evaluators.tasks.task_format import TASK_FORMATS

__all__ = ["TASK_FORMATS", "Case", "Sample", "Task", "open_task"]
