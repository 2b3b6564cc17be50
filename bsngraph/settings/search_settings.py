"""Every setting of a search beside its recipe: frozen, keyword-only, written to
config.json as it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from bsngraph.settings.checking import check_settings
from bsngraph.settings.parsing import parse_penalty
from bsngraph.settings.setting import documented, says

Baseline = Literal["leave-one-out", "batch-mean"]
EdgeOptimizer = Literal["adam", "sgd"]
PenaltyForm = Literal["relative", "absolute", "absolute-distance"]


@documented
@dataclass(frozen=True, kw_only=True)
class SearchSettings:
    """How edge probabilities Γ are learned beside the weights, and how the architecture
    is chosen.

    Raises:
        InputError: every value that no search takes, at once.
    """

    burn_in: float = field(
        default=0.2,
        metadata=says(
            "Share of the epochs in which only the weights learn.", group="learning", at_least=0, at_most=1
        ),
    )
    settle: float = field(
        default=0.6,
        metadata=says(
            "Share of the epochs after which limits are no longer lowered: from the end of the burn-in on "
            "each limit goes from the whole fabric's cost down to its aim.",
            group="budgets",
            at_least=0,
            at_most=1,
        ),
    )
    aim: float = field(
        default=0.95,
        metadata=says(
            "Share of a budget at which its limit stands once it is no longer lowered. An aim under the "
            "budget leaves the samples that are trained last inside it.",
            group="budgets",
            above=0,
            at_most=1,
            must="be a share of the budget between 0 and 1",
        ),
    )
    penalty: float = field(
        default=1.0,
        metadata=says(
            "λ, the price of exceeding a budget: auto adapts it, from START or 1 on, until the expected cost "
            "is at its limit; a NUMBER stays.",
            group="budgets",
            at_least=0,
            metavar="auto|auto:START|NUMBER",
            shown="auto",
            parse=parse_penalty,
        ),
    )
    adapt_penalty: bool = field(
        default=True,
        metadata=says(
            "Whether λ is adapted, from the penalty on, or stays there.", group="budgets", by_option=False
        ),
    )
    penalty_form: PenaltyForm = field(
        default="relative",
        metadata=says(
            "What a cost C over its budget B adds to the loss: λ·max(0, C/B-1), or the paper's λ·max(0, C-B) "
            "(absolute) and λ·|C-B| (absolute-distance).",
            group="budgets",
        ),
    )
    baseline: Baseline = field(
        default="leave-one-out",
        metadata=says(
            "What the policy gradient compares an example's loss with: the mean of the batch's other "
            "examples, or of the whole batch, as in the paper.",
            group="learning",
        ),
    )
    edge_optimizer: EdgeOptimizer = field(
        default="adam",
        metadata=says(
            "What moves the logits of the edge probabilities Γ: Adam or plain SGD.", group="learning"
        ),
    )
    edge_learning_rate: float = field(
        default=0.05,
        metadata=says(
            "Learning rate of the edge probabilities' logits, the same in every epoch.",
            group="learning",
            at_least=0,
        ),
    )
    initial_probability: float = field(
        default=0.9526,
        metadata=says(  # sigmoid(3), the paper's start
            "Edge probability at the start, for edges whose file gives none.",
            group="learning",
            above=0,
            below=1,
            must="lie between 0 and 1",
        ),
    )
    fair_share: float = field(
        default=0.5,
        metadata=says(
            "Share of each batch that has uniform samples: they keep every edge with probability 1/2 and "
            "train the weights alone.",
            group="learning",
            at_least=0,
            below=1,
            must="be a share of the batch under 1",
        ),
    )
    shards: int = field(
        default=1,
        metadata=says(
            "Equal parts of each batch, each with samples, a baseline and BatchNorm statistics of its own: "
            "as many processes as divide them can share a search (docs/scale.md), to the same result.",
            group="learning",
            at_least=1,
        ),
    )
    reopen: float = field(
        default=0.0,
        metadata=says(
            "Smallest edge probability after a warm start, so that edges dropped before can come back.",
            group="learning",
            at_least=0,
            below=1,
            must="be a probability under 1",
        ),
    )
    candidates: int = field(
        default=32,
        metadata=says(
            "Samples of the edge probabilities that are compared for the choice of the architecture.",
            group="choosing",
            at_least=0,
        ),
    )
    neighbour_rounds: int = field(
        default=1,
        metadata=says(
            "How often the best architecture so far is compared with its neighbours inside the budgets.",
            group="choosing",
            at_least=0,
        ),
    )
    finalists: int = field(
        default=12,
        metadata=says(
            "Architectures that are trained briefly from scratch before one of them is chosen: a third is "
            "diverse, the rest is what a predictor expects most of; 0 or 1 trains none. A range, "
            "macs=10%..60%, has 20 unless you say otherwise.",
            group="choosing",
            at_least=0,
        ),
    )
    pool: int = field(
        default=4096,
        metadata=says(
            "Architectures inside the budgets from which a predictor chooses finalists: all of a small "
            "fabric, so many random ones of a large one.",
            group="choosing",
            at_least=1,
        ),
    )
    finalist_epochs: int = field(
        default=8,
        metadata=says(
            "Epochs for which each finalist is trained from scratch.", group="choosing", at_least=1
        ),
    )
    finetune_epochs: int = field(
        default=30,
        metadata=says("Epochs for which the chosen network is fine-tuned.", group="delivery", at_least=0),
    )
    finetune_rate: float = field(
        default=0.02,
        metadata=says("Learning rate at the start of the fine-tuning.", group="delivery", at_least=0),
    )

    def __post_init__(self) -> None:
        check_settings(self, *self._conflicts())

    def _conflicts(self) -> list[str]:
        """Settings that exclude each other."""
        found = []
        ends = self.burn_in, self.settle
        if all(isinstance(end, (int, float)) for end in ends) and self.burn_in > self.settle:
            found.append(
                f"burn-in={self.burn_in} and settle={self.settle} must read 0 <= burn-in <= settle <= 1"
            )
        if self.adapt_penalty is True and self.penalty_form in ("absolute", "absolute-distance"):
            found.append(
                f"penalty-form={self.penalty_form} is in the cost's own unit, in which λ cannot find "
                "itself: give a penalty, a number"
            )
        return found
