"""The recorder of a task: batches of answers go in, answers.json comes out.

Which one records is said by the form of the task's answers, and by whether its labels
are maps. A recorder sees each batch once, as the score of the split is measured.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from torch import Tensor

from bsngraph.delivered.model_facts import ModelFacts
from bsngraph.delivered.recording.amounts import AmountRecorder
from bsngraph.delivered.recording.classes import ClassRecorder
from bsngraph.delivered.recording.decisions import DecisionRecorder
from bsngraph.delivered.recording.pixels import PixelRecorder
from bsngraph.runs.rows.answers import AnyAnswers
from bsngraph.tasks import TASKS, Task
from bsngraph.training.evaluation import Watch


class Recorder(Protocol):
    """Adds up over batches what is recorded of a split."""

    def update(self, inputs: Tensor, predicted: Tensor, labels: Tensor) -> None:
        """Take a batch: inputs as the network gets them, the task's predictions of
        them, and labels.
        """

    def recorded(self) -> AnyAnswers:
        """What is recorded of all batches so far, of which there must be one."""


_BY_PREDICTION: Mapping[str, Callable[[ModelFacts, int], Recorder]] = {
    "class": ClassRecorder,
    "amounts": AmountRecorder,
    "decisions": DecisionRecorder,
}


def recorder_of(facts: ModelFacts, examples: int) -> Recorder:
    """The recorder of a split of so many examples, for a network of these facts."""
    row = TASKS[facts.task]
    if row.labels.layout == "map":
        return PixelRecorder(facts, examples)
    return _BY_PREDICTION[row.form.prediction](facts, examples)


def watching(
    recorder: Recorder, task: Task, as_taken: Callable[[Tensor], Tensor] = lambda inputs: inputs
) -> Watch:
    """What shows a recorder the batches of an evaluation; `as_taken` makes its inputs
    those that the network gets.
    """
    return lambda inputs, outputs, labels: recorder.update(as_taken(inputs), task.predicted(outputs), labels)
