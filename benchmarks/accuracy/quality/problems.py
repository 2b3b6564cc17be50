"""What is compared on what: data, the fabric, recipes, and budgets with their seeds and
methods.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from pathlib import Path

import bsngraph
from bsngraph.costs import Budget, parse_budget, resolve_budgets

FABRICS = Path(__file__).parents[3] / "fabrics"
BEST_RANDOM = "best of 10 random"
TRAININGS_ALONE = "search without shared weights"
METHODS = (
    "narrowed",
    "resnet-8",
    "resnet-14",
    "resnet-20",
    "magnitude",
    "darts",
    "random",
    BEST_RANDOM,
    "search",
    TRAININGS_ALONE,
    "preset paper",
    "preset paper, tuned rate",
)
RANDOM = 10  # networks for each seed
BRIEF = 5  # epochs of 125 steps each: as many steps as the usual epochs on the digits


@dataclass(frozen=True)
class Series:
    """A budget, and what is compared under it."""

    budget: str
    seeds: tuple[int, ...]
    methods: tuple[str, ...] = METHODS


@dataclass(frozen=True)
class Problem:
    """A fabric and data, how networks are trained from scratch (`recipe`), and how
    methods that learn choose (`search`, `settings`). Our search learns for `brief`
    epochs.

    Without fine-tuning: it comes after the choice, and what was chosen is trained from
    scratch here.
    """

    name: str
    fabric: str
    data: str
    series: tuple[Series, ...]
    recipe: bsngraph.Recipe = field(default_factory=bsngraph.Recipe)
    search: bsngraph.Recipe = field(default_factory=bsngraph.Recipe)
    settings: bsngraph.SearchSettings = field(
        default_factory=lambda: bsngraph.SearchSettings(finetune_epochs=0)
    )
    brief: int = 20
    usual: bool = True

    @functools.cached_property
    def profile(self) -> bsngraph.FabricProfile:
        return bsngraph.profile_fabric(bsngraph.read_fabric(FABRICS / self.fabric))

    @functools.cached_property
    def dataset(self) -> bsngraph.Dataset:
        return bsngraph.load_data(self.data)

    def resolved(self, budget: str) -> Budget:
        """A budget with its limit."""
        (found,) = resolve_budgets(self.profile, [parse_budget(budget)])
        return found


def _problems() -> tuple[Problem, ...]:
    fives, threes = tuple(range(5)), tuple(range(3))
    digits = (
        *(Series(f"macs={share}%", fives) for share in (10, 25, 50)),
        *(
            Series(f"steps:4={steps}", threes, ("magnitude", "random", BEST_RANDOM, "search"))
            for steps in (4, 6, 8)
        ),
    )
    # 10,000 of the training images: 2,000 of them to choose by.
    small = "fashion-mnist,size=14,train=8000,validation=2000"
    alone = bsngraph.Recipe(epochs=10, batch_size=64, learning_rate=0.05, augmentation="shift=1,flip")
    search = bsngraph.Recipe(epochs=15, batch_size=64, learning_rate=0.05, augmentation="shift=1,flip")
    settings = bsngraph.SearchSettings(finalist_epochs=4, finetune_epochs=0)
    third = (Series("macs=30%", threes),)
    large = bsngraph.Recipe(epochs=15, batch_size=128)
    return (
        Problem("digits", "digits.dot", "digits", digits),
        Problem("fashion-resnet", "resnet-1x14x14.dot", small, third, alone, search, settings, BRIEF),
        Problem("fashion-cnf", "cnf-1x14x14.dot", small, third, alone, search, settings, BRIEF),
        Problem("fashion-28", "resnet-1x28x28.dot", "fashion-mnist", third, large, large, usual=False),
    )


PROBLEMS = {problem.name: problem for problem in _problems()}
