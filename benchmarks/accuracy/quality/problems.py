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
RANGE = "search of a range"
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
    RANGE,
    TRAININGS_ALONE,
    "preset paper",
    "preset paper, tuned rate",
)
EVERY = tuple(name for name in METHODS if name not in (BEST_RANDOM, "preset paper, tuned rate"))
WITHIN = ("magnitude", "random", "search", TRAININGS_ALONE, "preset paper")  # no other fabric is meant
FIVES, THREES = tuple(range(5)), tuple(range(3))  # seeds
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
    epochs, and three times as long for `range`, a budget from one limit to another.
    `metric` is what networks are judged by.

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
    range: str = ""
    metric: str = "accuracy"
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
    # 10,000 of the training images: 2,000 of them to choose by.
    small = "fashion-mnist,size=14,train=8000,validation=2000"
    alone = bsngraph.Recipe(epochs=10, batch_size=64, learning_rate=0.05, augmentation="shift=1,flip")
    search = bsngraph.Recipe(epochs=15, batch_size=64, learning_rate=0.05, augmentation="shift=1,flip")
    settings = bsngraph.SearchSettings(finalist_epochs=4, finetune_epochs=0)
    fewest, most = _shares(THREES, 15, 60, methods=EVERY)
    resnet = (fewest, *_shares(THREES, 30), most)
    cnf = (fewest, *_shares(THREES, 30))
    large = bsngraph.Recipe(epochs=15, batch_size=128)
    return (
        Problem("digits", "digits.dot", "digits", _digits(), range="macs=10%..50%"),
        Problem(
            "fashion-resnet",
            "resnet-1x14x14.dot",
            small,
            resnet,
            alone,
            search,
            settings,
            BRIEF,
            range="macs=10%..60%",
        ),
        Problem("fashion-cnf", "cnf-1x14x14.dot", small, cnf, alone, search, settings, BRIEF),
        Problem("sequences", "transformer.dot", "digit-sequences", _shares(FIVES, 30, methods=WITHIN)),
        Problem(
            "scenes",
            "scenes.dot",
            "digit-scenes",
            _shares(THREES, 30, methods=(*WITHIN, "darts")),
            _scenes(32),
            _scenes(20),
            metric="mean_iou",
        ),
        Problem(
            "fashion-28",
            "resnet-1x28x28.dot",
            "fashion-mnist",
            _shares(THREES, 30),
            large,
            large,
            usual=False,
        ),
    )


def _shares(seeds: tuple[int, ...], *shares: int, methods: tuple[str, ...] = METHODS) -> tuple[Series, ...]:
    """Budgets in percent of a fabric's MACs."""
    return tuple(Series(f"macs={share}%", seeds, methods) for share in shares)


def _digits() -> tuple[Series, ...]:
    by_steps = ("magnitude", "random", BEST_RANDOM, "search")
    steps = (Series(f"steps:4={count}", THREES, by_steps) for count in (4, 6, 8))
    return (*_shares(FIVES, 10, 25, 50), *steps)


def _scenes(epochs: int) -> bsngraph.Recipe:
    """Nine of ten pixels are background."""
    return bsngraph.Recipe(epochs=epochs, batch_size=16, class_weights=(0.4, *[8.0] * 10))


PROBLEMS = {problem.name: problem for problem in _problems()}
