"""Every setting of a search, with its default: frozen, keyword-only, written to config.json as it is."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal, get_args

from bsngraph.errors import InputError
from bsngraph.tasks.label_facts import ClassWeights

Baseline = Literal["leave-one-out", "batch-mean"]
EdgeOptimizer = Literal["adam", "sgd"]
Precision = Literal["float32", "bfloat16"]
PenaltyForm = Literal["relative", "absolute", "absolute-distance"]


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How weights are trained: SGD with momentum and weight decay, the rate divided by 10 at each of `drops` (shares of the epochs).

    `clip` bounds the norm of the gradient: nodes that sum many edges start with large values, and one step too long would be the last.
    `nesterov` says which form of momentum it is.
    `augmentation` stands for the data set's own, as `parse_augmentation` reads it. `class_weights`
    multiply the loss of each label, or of each pixel: a number a class, or balanced, by how rare each is in training. With `precision`
    bfloat16, torch's autocast runs convolutions and products of training steps in that type; weights, losses and evaluation stay float32.
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
            problems.append(f"batch-size={self.batch_size} must be at least 2: BatchNorm and the baseline need a second example")
        for name in ("learning_rate", "momentum", "weight_decay"):
            if not 0 <= getattr(self, name) < float("inf"):
                problems.append(f"{name.replace('_', '-')}={getattr(self, name)} must be a finite number, not negative")
        if not self.clip > 0:
            problems.append(f"clip={self.clip} must be a positive number, or inf for none")
        weights = self.class_weights
        if not (weights in (None, "balanced") or (isinstance(weights, tuple) and all(0 <= weight < float("inf") for weight in weights))):
            problems.append(f"class-weights={weights} must be finite numbers, not negative, or balanced")
        if self.precision not in get_args(Precision):
            problems.append(f"precision={self.precision} must be one of {', '.join(get_args(Precision))}")
        if any(not 0 < drop < 1 for drop in self.drops):
            problems.append(f"drops={','.join(map(str, self.drops))} must be shares of the epochs between 0 and 1")
        if problems:
            raise InputError("; ".join(problems))

    def rate(self, epoch: int) -> float:
        """The learning rate of an epoch (0-based)."""
        passed = sum(epoch >= drop * self.epochs for drop in self.drops)
        return self.learning_rate * 0.1**passed


@dataclass(frozen=True, kw_only=True)
class SearchSettings:
    """How edge probabilities are learned beside the weights, and how the architecture is chosen.

    `burn_in`: share of the epochs in which only the weights learn. `settle`: share of the epochs after which each limit
    stands at `aim` times its budget; between the two it is lowered from the whole fabric. The penalty pulls the expected cost to about
    its limit and leaves some samples above; aiming under the budget leaves the ones that were trained last inside it. `penalty`: λ of
    λ·max(0, C/B − 1), or of the paper's λ·max(0, C − B) and λ·|C − B| where `penalty_form` is absolute or absolute-distance; where
    `adapt_penalty` holds, λ is adapted from there. `edge_optimizer`: what moves the logits of Γ, Adam or plain SGD, at the constant rate
    `edge_learning_rate`. `initial_probability`: where Γ starts, on edges whose file does not say.
    `fair_share`: share of each batch whose samples keep every decision open, p = ½, and teach the weights alone.
    `reopen`: after a warm start Γ is brought up to this, so that what was dropped can come back. `candidates`: samples of Γ that are
    compared for the choice; `neighbour_rounds`: how often the best one is compared with its neighbours; `finalists`: how many are trained
    from scratch for `finalist_epochs` each before the choice (0 or 1: none), `explorer_share` of them drawn without regard to Γ and shared
    weights, the others the best by these. `finetune_epochs`: for the chosen network, at `finetune_rate`.
    """

    burn_in: float = 0.2
    settle: float = 0.6
    aim: float = 0.95
    penalty: float = 1.0
    adapt_penalty: bool = True
    penalty_form: PenaltyForm = "relative"
    baseline: Baseline = "leave-one-out"
    edge_optimizer: EdgeOptimizer = "adam"
    edge_learning_rate: float = 0.05
    initial_probability: float = 0.9526  # sigmoid(3), the paper's start
    fair_share: float = 0.5
    reopen: float = 0.0
    candidates: int = 64
    neighbour_rounds: int = 4
    finalists: int = 12
    explorer_share: float = 0.5
    finalist_epochs: int = 8
    finetune_epochs: int = 30
    finetune_rate: float = 0.02

    def __post_init__(self) -> None:
        problems = []
        if not 0 <= self.burn_in <= self.settle <= 1:
            problems.append(f"burn-in={self.burn_in} and settle={self.settle} must read 0 <= burn-in <= settle <= 1")
        if not 0 < self.aim <= 1:
            problems.append(f"aim={self.aim} must be a share of the budget between 0 and 1")
        if self.adapt_penalty and self.penalty_form != "relative":
            problems.append(
                f"penalty-form={self.penalty_form} is in the cost's own unit, in which λ cannot find itself: give a penalty, a number"
            )
        if not 0 < self.initial_probability < 1:
            problems.append(f"initial-probability={self.initial_probability} must lie between 0 and 1")
        if not 0 <= self.fair_share < 1:
            problems.append(f"fair-share={self.fair_share} must be a share of the batch under 1")
        if not 0 <= self.explorer_share <= 1:
            problems.append(f"explorer-share={self.explorer_share} must be a share of the finalists, at most 1")
        if not 0 <= self.reopen < 1:
            problems.append(f"reopen={self.reopen} must be a probability under 1")
        for name in ("penalty", "edge_learning_rate", "finetune_rate"):
            if not 0 <= getattr(self, name) < float("inf"):
                problems.append(f"{name.replace('_', '-')}={getattr(self, name)} must be a finite number, not negative")
        for name in ("candidates", "neighbour_rounds", "finalists", "finetune_epochs"):
            if getattr(self, name) < 0:
                problems.append(f"{name.replace('_', '-')}={getattr(self, name)} must not be negative")
        if self.finalist_epochs < 1:
            problems.append(f"finalist-epochs={self.finalist_epochs} must be at least 1")
        if problems:
            raise InputError("; ".join(problems))

    @property
    def explorers(self) -> int:
        """How many of the finalists are drawn without regard to Γ and shared weights."""
        return int(self.explorer_share * self.finalists) if self.finalists > 1 else 0


def as_dict(settings: Recipe | SearchSettings) -> dict[str, object]:
    """Settings for config.json."""
    values = {field.name: getattr(settings, field.name) for field in fields(settings)}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
