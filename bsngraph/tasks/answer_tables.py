"""How predictions and labels are written in a table, a row an example.

Predictions that are a class for each pixel are written as pictures instead.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

_Names = tuple[str, ...]


@dataclass(frozen=True)
class AnswerTable:
    """The columns of a table of predictions.

    `columns(class_names)` are the columns of a prediction; those of the known labels
    are called the same, with `true` for `predicted`. `cells(answer, class_names)` is
    one prediction or label in them. Probabilities, if the task has them, have a column
    for each class.
    """

    columns: Callable[[_Names], list[str]]
    cells: Callable[[Tensor, _Names], list[str]]


def _predicted(class_names: _Names) -> list[str]:
    return ["predicted"]


def _class_name(answer: Tensor, class_names: _Names) -> list[str]:
    return [class_names[int(answer)]]


def _names_that_apply(answer: Tensor, class_names: _Names) -> list[str]:
    return [";".join(name for name, applies in zip(class_names, answer.tolist(), strict=True) if applies)]


ONE_CLASS = AnswerTable(columns=_predicted, cells=_class_name)

SEVERAL_CLASSES = AnswerTable(columns=_predicted, cells=_names_that_apply)

EACH_AMOUNT = AnswerTable(
    columns=lambda class_names: [f"predicted {name}" for name in class_names],
    cells=lambda answer, class_names: [f"{value:.6g}" for value in answer.tolist()],
)
