"""Every setting of a search, with its default: frozen, keyword-only, written to
config.json as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bsngraph.errors import InputError

Baseline = Literal["leave-one-out", "batch-mean"]
EdgeOptimizer = Literal["adam", "sgd"]
PenaltyForm = Literal["relative", "absolute", "absolute-distance"]


@dataclass(frozen=True, kw_only=True)
class SearchSettings:
    """How edge probabilities are learned beside the weights, and how the architecture
    is chosen.

    `burn_in`: share of the epochs in which only the weights learn. `settle`: share of
    the epochs after which each limit stands at `aim` times its budget; between the two
    it is lowered from the whole fabric. The penalty pulls the expected cost to about
    its limit and leaves some samples above; aiming under the budget leaves the ones
    that were trained last inside it. `penalty`: λ of λ·max(0, C/B − 1), or of the
    paper's λ·max(0, C − B) and λ·|C − B| where `penalty_form` is absolute or
    absolute-distance; where `adapt_penalty` holds, λ is adapted from there.
    `edge_optimizer`: what moves the logits of Γ, Adam or plain SGD, at the constant
    rate `edge_learning_rate`. `initial_probability`: where Γ starts, on edges whose
    file does not say. `fair_share`: share of each batch whose samples keep every
    decision open, p = ½, and teach the weights alone. `reopen`: after a warm start Γ is
    brought up to this, so that what was dropped can come back. `candidates`: samples of
    Γ that are compared for the choice; `neighbour_rounds`: how often the best one is
    compared with its neighbours; `finalists`: how many are trained from scratch for
    `finalist_epochs` each before the choice (0 or 1: none), `explorer_share` of them
    drawn without regard to Γ and shared weights, the others the best by these.
    `finetune_epochs`: for the chosen network, at `finetune_rate`.
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
            problems.append(
                f"burn-in={self.burn_in} and settle={self.settle} must read 0 <= burn-in <= settle <= 1"
            )
        if not 0 < self.aim <= 1:
            problems.append(f"aim={self.aim} must be a share of the budget between 0 and 1")
        if self.adapt_penalty and self.penalty_form != "relative":
            problems.append(
                f"penalty-form={self.penalty_form} is in the cost's own unit, in which λ cannot find "
                "itself: give a penalty, a number"
            )
        if not 0 < self.initial_probability < 1:
            problems.append(f"initial-probability={self.initial_probability} must lie between 0 and 1")
        if not 0 <= self.fair_share < 1:
            problems.append(f"fair-share={self.fair_share} must be a share of the batch under 1")
        if not 0 <= self.explorer_share <= 1:
            problems.append(
                f"explorer-share={self.explorer_share} must be a share of the finalists, at most 1"
            )
        if not 0 <= self.reopen < 1:
            problems.append(f"reopen={self.reopen} must be a probability under 1")
        for name in ("penalty", "edge_learning_rate", "finetune_rate"):
            if not 0 <= getattr(self, name) < float("inf"):
                problems.append(
                    f"{name.replace('_', '-')}={getattr(self, name)} must be a finite number, not negative"
                )
        for name in ("candidates", "neighbour_rounds", "finalists", "finetune_epochs"):
            if getattr(self, name) < 0:
                problems.append(f"{name.replace('_', '-')}={getattr(self, name)} must not be negative")
        if self.finalist_epochs < 1:
            problems.append(f"finalist-epochs={self.finalist_epochs} must be at least 1")
        if problems:
            raise InputError("; ".join(problems))

    @property
    def explorers(self) -> int:
        """How many of the finalists are drawn without regard to Γ and shared
        weights.
        """
        return int(self.explorer_share * self.finalists) if self.finalists > 1 else 0
