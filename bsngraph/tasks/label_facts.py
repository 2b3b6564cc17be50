"""What losses and metrics need to know about the labels of a data set."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor


@dataclass(frozen=True)
class LabelFacts:
    """What losses and metrics need to know about labels: for regression `mean` and
    `std` (outputs,), of the training split.

    `class_names` are the outputs' names for regression. `class_weights` (classes,)
    multiply the loss of each label or pixel.
    """

    class_names: tuple[str, ...]
    ignore_label: int | None = None
    class_weights: Tensor | None = None
    mean: Tensor = field(default_factory=lambda: torch.zeros(()))
    std: Tensor = field(default_factory=lambda: torch.ones(()))
