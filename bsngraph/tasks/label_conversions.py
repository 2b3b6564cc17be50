"""Labels of one task as another task takes them: `--task`.

Each conversion takes the labels of all examples with the classes' names, and gives both
as the other task has them.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from bsngraph.errors import InputError

_Names = tuple[str, ...]
Conversion = Callable[[Tensor, _Names], tuple[Tensor, _Names]]


def classes_to_amounts(labels: Tensor, names: _Names) -> tuple[Tensor, _Names]:
    """The number of a class as an amount: (n,) → (n, 1)."""
    return labels.float()[:, None], ("label",)


def classes_to_decisions(labels: Tensor, names: _Names) -> tuple[Tensor, _Names]:
    """Of all classes, the one that applies: (n,) → (n, classes)."""
    return torch.nn.functional.one_hot(labels.long(), len(names)).float(), names


def decisions_to_amounts(labels: Tensor, names: _Names) -> tuple[Tensor, _Names]:
    """Each yes or no as 1 or 0."""
    return labels.float(), names


def amounts_to_classes(labels: Tensor, names: _Names) -> tuple[Tensor, _Names]:
    """Whole numbers from 0 on, one an example, as classes: (n, 1) → (n,).

    Raises:
        InputError: the amounts are others.
    """
    if labels.shape[1] != 1 or not bool((labels == labels.round()).all()) or float(labels.min()) < 0:
        raise InputError("its labels are not classes: each example needs one whole number, 0 or more")
    return labels[:, 0].long(), tuple(map(str, range(int(labels.max()) + 1)))


def amounts_to_decisions(labels: Tensor, names: _Names) -> tuple[Tensor, _Names]:
    """0 as no and 1 as yes.

    Raises:
        InputError: there are other amounts.
    """
    if not bool(((labels == 0) | (labels == 1)).all()):
        raise InputError("its labels are not yes or no: all must be 0 or 1")
    return labels, names
