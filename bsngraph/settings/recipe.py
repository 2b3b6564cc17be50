"""How weights are trained: frozen, keyword-only, written to config.json as it is."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Literal, get_args

from bsngraph.errors import InputError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Precision = Literal["float32", "bfloat16"]
ClassWeights = tuple[float, ...] | Literal["balanced"] | None


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How weights are trained: SGD with momentum and weight decay, the rate divided by
    10 at each of `drops` (shares of the epochs).

    `clip` bounds the norm of the gradient: nodes that sum many edges start with large
    values, and one step too long would be the last. `nesterov` says which form of
    momentum it is. `augmentation` stands for the data set's own, as
    `parse_augmentation` reads it. `class_weights` multiply the loss of each label, or
    of each pixel: a number a class, or balanced, by how rare each is in training. With
    `precision` bfloat16, torch's autocast runs convolutions and products of training
    steps in that type; weights, losses and evaluation stay float32.
    """

    epochs: int = 60
    batch_size: int = 32
    learning_rate: float = 0.1
    momentum: float = 0.9
    nesterov: bool = True
    weight_decay: float = 5e-4
    drops: tuple[float, ...] = (0.6, 0.85)
    clip: float = 5.0
    augment: bool = True
    augmentation: str | None = None
    class_weights: ClassWeights = None
    precision: Precision = "float32"

    def __post_init__(self) -> None:
        problems = []
        if self.epochs < 1:
            problems.append(f"epochs={self.epochs} must be at least 1")
        if self.batch_size < 2:
            problems.append(
                f"batch-size={self.batch_size} must be at least 2: BatchNorm and the baseline need a "
                "second example"
            )
        for name in ("learning_rate", "momentum", "weight_decay"):
            if not 0 <= getattr(self, name) < float("inf"):
                problems.append(
                    f"{name.replace('_', '-')}={getattr(self, name)} must be a finite number, not negative"
                )
        if not self.clip > 0:
            problems.append(f"clip={self.clip} must be a positive number, or inf for none")
        weights = self.class_weights
        if not (
            weights in (None, "balanced")
            or (isinstance(weights, tuple) and all(0 <= weight < float("inf") for weight in weights))
        ):
            problems.append(f"class-weights={weights} must be finite numbers, not negative, or balanced")
        if self.precision not in get_args(Precision):
            problems.append(f"precision={self.precision} must be one of {', '.join(get_args(Precision))}")
        if any(not 0 < drop < 1 for drop in self.drops):
            problems.append(
                f"drops={','.join(map(str, self.drops))} must be shares of the epochs between 0 and 1"
            )
        if problems:
            raise InputError("; ".join(problems))

    def rate(self, epoch: int) -> float:
        """The learning rate of an epoch (0-based)."""
        passed = sum(epoch >= drop * self.epochs for drop in self.drops)
        return self.learning_rate * 0.1**passed


def as_dict(settings: DataclassInstance) -> dict[str, object]:
    """Settings for config.json."""
    values = {field.name: getattr(settings, field.name) for field in fields(settings)}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
