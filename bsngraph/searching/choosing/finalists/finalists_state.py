"""Finalists between two epochs: typed, as checkpoint.pt holds them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from bsngraph.runs import Json
from bsngraph.runs.checkpoint import decode_state
from bsngraph.training import TrainingState
from bsngraph.typed_files import Count, Finite

ChosenBy = Literal["shared weights", "magnitudes", "gamma", "random", "prediction"]

# The smallest loss that has a logarithm here.
_LEAST_LOSS = 1e-12


@dataclass(frozen=True)
class Finalist:
    """A network that is trained: its live edges, and why it is.

    `predicted` are mean and deviation of the logarithm of its validation loss, as they
    were expected before it was trained; None where nothing was expected.
    """

    live: tuple[Count, ...]
    chosen_by: ChosenBy
    predicted: tuple[Finite, Finite] | None = None


@dataclass(frozen=True)
class Trained:
    """What a finalist's training gave on validation data."""

    loss: Finite
    metrics: dict[str, Finite]


@dataclass(frozen=True, eq=False)
class FinalistsState:
    """The finalists so far: everything needed to go on exactly.

    `finalists` are those decided on, `results` of those whose training ended, in the
    same order. `weights` are what some of these learned, by their number as text;
    `training` is the state of the next one, None if it has not begun. What others
    learned beside it is not kept: they begin again.
    """

    finalists: tuple[Finalist, ...]
    results: tuple[Trained, ...] = ()
    weights: dict[str, dict[str, Tensor]] = field(default_factory=dict)
    training: TrainingState | None = None

    @property
    def scores(self) -> NDArray[np.float64]:
        """−log of the validation loss of each that was trained: larger is better."""
        losses = np.array([result.loss for result in self.results], dtype=np.float64)
        return -np.log(np.maximum(losses, _LEAST_LOSS))

    def to_checkpoint(self) -> dict[str, Any]:
        """Tensors and plain values only, as checkpoint.pt holds them."""
        return {
            "finalists": [
                {
                    "live": list(each.live),
                    "chosen_by": each.chosen_by,
                    "predicted": None if each.predicted is None else list(each.predicted),
                }
                for each in self.finalists
            ],
            "results": [{"loss": each.loss, "metrics": dict(each.metrics)} for each in self.results],
            "weights": self.weights,
            "training": None if self.training is None else self.training.to_checkpoint(),
        }

    @staticmethod
    def from_checkpoint(value: object, file: Path) -> FinalistsState:
        """What `to_checkpoint` gave.

        Raises:
            InputError: it is something else; the text names `file` and the place.
        """
        return decode_state(value, FinalistsState, file)

    def with_next(self, finalist: Finalist) -> FinalistsState:
        """The state with one more to train."""
        return replace(self, finalists=(*self.finalists, finalist))

    def after(self, row: Json, training: TrainingState, epochs: int) -> FinalistsState:
        """The state after one of the `epochs` of the finalist under way."""
        if training.epoch < epochs:
            return replace(self, training=training)
        prefix = "validation_"
        metrics = {
            name.removeprefix(prefix): value
            for name, value in row.items()
            if name.startswith(prefix) and name != "validation_loss"
        }
        weights = {**self.weights, str(len(self.results)): training.net}
        results = (*self.results, Trained(row["validation_loss"], metrics))
        return replace(self, results=results, weights=weights, training=None)

    def keeping(self, numbers: set[int]) -> FinalistsState:
        """The state with the weights of these alone."""
        kept = {number: weights for number, weights in self.weights.items() if int(number) in numbers}
        return replace(self, weights=kept)
