"""Amounts: how large the residuals are, and predicted against true ones."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bsngraph.delivered.model_facts import ModelFacts
from bsngraph.runs.rows.answers import (
    MOST_POINTS,
    AmountAnswers,
    AmountPoint,
    OutputAnswers,
    ResidualQuantile,
)

QUANTILES = (0.0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0)

# Of all outputs together: a regression may have thousands of them.
_MOST_POINTS_IN_ALL = 8 * MOST_POINTS

Amounts = NDArray[np.float64]


class AmountRecorder:
    """Predictions and labels (batch, outputs) of a regression, in the outputs' own
    units.
    """

    def __init__(self, facts: ModelFacts, examples: int) -> None:
        self.outputs = facts.classes
        self.labels: list[Tensor] = []
        self.predicted: list[Tensor] = []

    def update(self, inputs: Tensor, predicted: Tensor, labels: Tensor) -> None:
        self.labels.append(labels.double().cpu())
        self.predicted.append(predicted.double().cpu())

    def recorded(self) -> AmountAnswers:
        true, said = torch.cat(self.labels).numpy(), torch.cat(self.predicted).numpy()
        most = max(1, min(MOST_POINTS, _MOST_POINTS_IN_ALL // len(self.outputs)))
        shown = evenly(len(true), most)
        return AmountAnswers(
            examples=len(true),
            outputs=tuple(
                _output(name, true[:, number], said[:, number], shown)
                for number, name in enumerate(self.outputs)
            ),
        )


def evenly(count: int, most: int) -> list[int]:
    """At most so many of the numbers from 0 to `count` - 1, evenly spread."""
    wanted = min(count, most)
    return [number * count // wanted for number in range(wanted)]


def _output(name: str, true: Amounts, said: Amounts, shown: list[int]) -> OutputAnswers:
    residuals = said - true
    quantiles = np.quantile(residuals, QUANTILES).tolist()
    return OutputAnswers(
        name=name,
        rmse=float(np.sqrt(np.square(residuals).mean())),
        mae=float(np.abs(residuals).mean()),
        residuals=tuple(
            ResidualQuantile(share=share, residual=residual)
            for share, residual in zip(QUANTILES, quantiles, strict=True)
        ),
        points=tuple(AmountPoint(true=float(true[row]), predicted=float(said[row])) for row in shown),
    )
