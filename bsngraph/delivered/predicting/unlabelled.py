"""Examples without labels, as the test examples of a data set for a network's task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from bsngraph.data import Augmentation, Dataset, Split
from bsngraph.delivered.model_facts import ModelFacts
from bsngraph.tasks import TASKS


@dataclass(frozen=True)
class Unlabelled:
    """Examples as the test split of `dataset`, and what each is called: the name of its
    file, or the number of its line.
    """

    dataset: Dataset
    names: Sequence[str]
    called: Literal["file", "line"]


def without_labels(origin: str, inputs: Tensor, facts: ModelFacts) -> Dataset:
    """Inputs (n, …) as a data set whose labels say nothing."""
    shape = tuple(inputs.shape[1:])
    split = Split(inputs, TASKS[facts.task].labels.blank(len(inputs), len(facts.classes), shape))
    channels = len(facts.mean)
    return Dataset(
        origin,
        facts.classes,
        (0.0,) * channels,  # their own; the network's take their place
        (1.0,) * channels,
        split,
        split,
        split,
        Augmentation(),
        facts.task,
        facts.ignore_label,
    )
