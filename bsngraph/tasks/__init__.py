"""Tasks: what a network is trained for, its labels, losses and metrics. No forward pass
is made here, and nothing is known of data sets but their labels.
"""

from bsngraph.tasks.fit import check_fits
from bsngraph.tasks.label_facts import LabelFacts
from bsngraph.tasks.metrics import Meter, Metric
from bsngraph.tasks.task import Outputs, Task, first, task_of
from bsngraph.tasks.task_table import TASKS, TaskRow

__all__ = [
    "TASKS",
    "LabelFacts",
    "Meter",
    "Metric",
    "Outputs",
    "Task",
    "TaskRow",
    "check_fits",
    "first",
    "task_of",
]
