"""What a network answers where bsngraph is not: probabilities and classes, amounts, or
decisions, in place of the scores that losses and metrics take.

Every task has one of these forms. An answer holds `probabilities`, if the task has
them, and the prediction under the form's `prediction`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from bsngraph.tasks.label_facts import LabelFacts

PROBABILITIES = "probabilities"

_LEAST = torch.finfo(torch.float32).tiny
_NEAR_ONE = 1 - torch.finfo(torch.float32).eps / 2


@dataclass(frozen=True)
class AnswerForm:
    """A form of answers.

    `prediction` is what the task's predictions are called. `probabilities(outputs)`
    has a probability for each class; None for a task that has none.
    `outputs(answer, facts)` gives back, to rounding, outputs of the network that losses
    and metrics take.
    """

    prediction: str
    probabilities: Callable[[Tensor], Tensor] | None
    outputs: Callable[[Mapping[str, Tensor], LabelFacts], Tensor]

    @property
    def names(self) -> tuple[str, ...]:
        """What an answer holds, in its order."""
        return (self.prediction,) if self.probabilities is None else (PROBABILITIES, self.prediction)


def _log_probabilities(answer: Mapping[str, Tensor], facts: LabelFacts) -> Tensor:
    return answer[PROBABILITIES].clamp(min=_LEAST).log()


def _standardised(answer: Mapping[str, Tensor], facts: LabelFacts) -> Tensor:
    return (answer["amounts"] - facts.mean) / facts.std


def _log_odds(answer: Mapping[str, Tensor], facts: LabelFacts) -> Tensor:
    return answer[PROBABILITIES].clamp(_LEAST, _NEAR_ONE).logit()


ONE_OF_THE_CLASSES = AnswerForm(
    prediction="class",
    probabilities=lambda scores: scores.softmax(dim=1),
    outputs=_log_probabilities,
)

THE_AMOUNTS = AnswerForm(prediction="amounts", probabilities=None, outputs=_standardised)

WHAT_APPLIES = AnswerForm(
    prediction="decisions",
    probabilities=lambda logits: logits.sigmoid(),
    outputs=_log_odds,
)
