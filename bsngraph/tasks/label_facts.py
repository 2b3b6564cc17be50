"""What a task asks of data, and what losses and metrics need to know of labels."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor


class LabelledExamples(Protocol):
    """Examples with labels, as a split holds them."""

    @property
    def labels(self) -> Tensor: ...

    def label_counts(self, classes: int) -> Tensor:
        """How often each class is a label: (classes,) int64."""


class LabelledData(Protocol):
    """What a task asks of a data set."""

    @property
    def name(self) -> str: ...

    @property
    def task(self) -> str: ...

    @property
    def class_names(self) -> tuple[str, ...]: ...

    @property
    def ignore_label(self) -> int | None: ...

    @property
    def input_shape(self) -> tuple[int, ...]: ...

    @property
    def train(self) -> LabelledExamples: ...


@dataclass(frozen=True)
class LabelFacts:
    """What losses and metrics need to know about labels.

    `class_names` are the classes, or the outputs of a regression. `class_weights`
    (classes,) multiply the loss of each label or pixel. `mean` and `std` (outputs,) are
    those of the training labels, for a task whose labels are standardised.
    """

    class_names: tuple[str, ...]
    ignore_label: int | None = None
    class_weights: Tensor | None = None
    mean: Tensor = field(default_factory=lambda: torch.zeros(()))
    std: Tensor = field(default_factory=lambda: torch.ones(()))
