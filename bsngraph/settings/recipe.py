"""How weights are trained: frozen, keyword-only, written to config.json as it is."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Literal

from bsngraph.settings.checking import INFINITY, check_settings
from bsngraph.settings.parsing import parse_class_weights, parse_drops
from bsngraph.settings.setting import documented, says

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Precision = Literal["float32", "bfloat16"]
WeightOptimizer = Literal["sgd", "adamw"]
ClassWeights = tuple[float, ...] | Literal["balanced"] | None

ADAMW_SHARE = 0.01
"""AdamW's usual rates, as a share of SGD's."""

FASTEST_ADAMW = 0.01
"""AdamW moves every weight by about its rate in each step: at a rate that suits SGD it
learns nothing.
"""


@documented
@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How weights are trained: by SGD with momentum or by AdamW, with weight decay and
    steps of the learning rate.

    Raises:
        InputError: every value that no training takes, at once.
    """

    epochs: int = field(
        default=60,
        metadata=says(
            "Passes over the training data. A search may have 0: it learns nothing then, and chooses by its "
            "finalists alone.",
            group="learning",
            at_least=0,
            shown="20 of a search, 60 of one for a range, 60 of a training",
        ),
    )
    batch_size: int = field(
        default=32,
        metadata=says(
            "Training examples in a step.",
            group="learning",
            at_least=2,
            why="BatchNorm and the baseline need a second example",
        ),
    )
    optimizer: WeightOptimizer = field(
        default="sgd",
        metadata=says(
            "What moves the weights: SGD with momentum, or AdamW (Loshchilov & Hutter 2019). With AdamW "
            "learning rates that are not given are a hundredth of the usual ones.",
            group="learning",
        ),
    )
    learning_rate: float = field(
        default=0.1,
        metadata=says("Learning rate of the weights in the first epoch.", group="learning", at_least=0),
    )
    momentum: float = field(
        default=0.9,
        metadata=says(
            "Momentum of the weights' SGD; AdamW's is its first beta.", group="learning", at_least=0
        ),
    )
    nesterov: bool = field(
        default=True,
        metadata=says(
            "Whether the weights' SGD has Nesterov's momentum or the plain one.",
            group="learning",
            by_option=False,
        ),
    )
    weight_decay: float = field(
        default=5e-4,
        metadata=says(
            "Weight decay of the weights' SGD, or of AdamW, which takes it times the rate from each weight.",
            group="learning",
            at_least=0,
        ),
    )
    drops: tuple[float, ...] = field(
        default=(0.6, 0.85),
        metadata=says(
            "Shares of the epochs at which the weights' learning rate drops to a tenth.",
            group="learning",
            above=0,
            below=1,
            must="be shares of the epochs between 0 and 1",
            metavar="SHARE,…",
            parse=parse_drops,
        ),
    )
    clip: float = field(
        default=5.0,
        metadata=says(
            "Largest norm of the weights' gradient, to which longer ones are shortened. Nodes that sum many "
            "edges start with large values, and one step too long would be the last. inf shortens none.",
            group="learning",
            above=0,
            at_most=INFINITY,
            why="inf shortens no gradient",
        ),
    )
    augment: bool = field(default=True, metadata=says("Augment the training data.", group="data"))
    augmentation: str | None = field(
        default=None,
        metadata=says(
            "How training data are augmented: shift=PIXELS, flip, crop=SHARE, cutout=PIXELS, mixup=ALPHA.",
            group="data",
            metavar="KIND[=AMOUNT],…",
            shown="as fits the data set",
        ),
    )
    class_weights: ClassWeights = field(
        default=None,
        metadata=says(
            "What the loss of each label or pixel is multiplied by: a number for each class, or balanced, by "
            "how rare its class is in the training data.",
            group="learning",
            at_least=0,
            must="be finite numbers, not negative, or balanced",
            metavar="balanced|W,…",
            parse=parse_class_weights,
        ),
    )
    precision: Precision = field(
        default="float32",
        metadata=says(
            "Number type of convolutions and products in training steps. bfloat16 is for GPUs; most CPUs are "
            "slower in it. Weights, losses and evaluation stay float32.",
            group="hardware",
        ),
    )

    def __post_init__(self) -> None:
        check_settings(self)
        check_settings(self, *self._conflicts())

    def _conflicts(self) -> list[str]:
        """What does not suit AdamW."""
        if self.optimizer != "adamw":
            return []
        problems = [] if self.momentum < 1 else [f"momentum={self.momentum} must be below 1 for AdamW"]
        if self.learning_rate > FASTEST_ADAMW:
            problems.append(
                f"learning-rate={self.learning_rate} is too high for AdamW: at most {FASTEST_ADAMW}, usually "
                f"{0.1 * ADAMW_SHARE}"
            )
        return problems

    def rate(self, epoch: int) -> float:
        """The learning rate of an epoch (0-based)."""
        passed = sum(epoch >= drop * self.epochs for drop in self.drops)
        return self.learning_rate * 0.1**passed


def as_dict(settings: DataclassInstance) -> dict[str, object]:
    """Settings for config.json."""
    values = {field.name: getattr(settings, field.name) for field in fields(settings)}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
