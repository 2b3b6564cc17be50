"""What a run is asked, how it works and where it writes: three frozen nouns, made once
and passed whole. Where it runs is `Hardware` (bsngraph.measure).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bsngraph.costs import BudgetRequest
from bsngraph.data import Dataset
from bsngraph.errors import InputError
from bsngraph.measure import CostOptions
from bsngraph.runs import OpenMode
from bsngraph.settings import FASTEST_ADAMW, Recipe, SearchSettings
from bsngraph.settings.kinds import check_kinds


@dataclass(frozen=True, kw_only=True)
class Goal:
    """What is asked: a network for `data`, inside every budget.

    `data` is the name of a data set, or the data set itself. `task` stands for what the
    data says it is for. `costs` says where the user's own costs come from.
    """

    data: str | Dataset
    task: str | None = None
    budgets: tuple[str | BudgetRequest, ...] = ()
    costs: CostOptions = field(default_factory=CostOptions)

    def __post_init__(self) -> None:
        check_kinds(self)

    def priced_by(self, costs: CostOptions) -> Goal:
        """The same goal, with costs from elsewhere."""
        return replace(self, costs=costs)


@dataclass(frozen=True, kw_only=True)
class Method:
    """How a network is found: everything random follows from `seed`.

    `preset` names the settings that these came from. `warm_start` is the folder of
    another search of the same fabric, `weights` a file of weights by edge name. With
    `oracle` every sub-network is judged too.
    """

    recipe: Recipe = field(default_factory=Recipe)
    settings: SearchSettings = field(default_factory=SearchSettings)
    seed: int = 0
    preset: str | None = None
    warm_start: Path | None = None
    weights: Path | None = None
    oracle: bool = False

    def __post_init__(self) -> None:
        check_kinds(self)
        if not -(2**63) <= self.seed < 2**63:
            raise InputError(f"seed={self.seed} must be a whole number between -2^63 and 2^63 - 1")
        if self.warm_start is not None and self.weights is not None:
            raise InputError(
                "--weights and --warm-start exclude each other: a warm start brings its own weights"
            )


@dataclass(frozen=True)
class Destination:
    """The folder that a run writes to, and whether it is new, resumed or replaced."""

    folder: Path
    mode: OpenMode = "new"

    def __post_init__(self) -> None:
        check_kinds(self)

    @property
    def recorded(self) -> Path | None:
        """The folder of the run that goes on, if one does: it measures nothing anew."""
        return self.folder if self.mode == "resume" else None

    def refuse(self, source: Path, what: str) -> None:
        """Make sure that a run does not write to the folder that it reads from.

        Raises:
            InputError: it does; `what` says what the folder is to the run.
        """
        if source.resolve() == self.folder.resolve():
            raise InputError(f"{self.folder} is the {what}: give another --out")


def check_rates(method: Method) -> None:
    """Make sure, before anything is trained, that the fine-tuning can be.

    Raises:
        InputError: its rate is one for SGD, and the weights are moved by AdamW.
    """
    recipe, settings = method.recipe, method.settings
    if recipe.optimizer == "adamw" and settings.finetune_epochs and settings.finetune_rate > FASTEST_ADAMW:
        raise InputError(
            f"finetune-rate={settings.finetune_rate} is too high for AdamW: at most {FASTEST_ADAMW}, "
            f"usually a fifth of learning-rate={recipe.learning_rate}"
        )


def check_learning(method: Method) -> None:
    """Make sure that a search which learns nothing has something to choose by, and is
    not asked for what only learning gives.

    Raises:
        InputError: it has none, or is.
    """
    if method.recipe.epochs:
        return
    none = "epochs=0 learns nothing"
    if method.settings.finalists < 2:
        raise InputError(
            f"{none}, so finalists alone can be chosen by: give --finalists 2 or more, or --epochs"
        )
    if method.warm_start is not None:
        raise InputError(f"{none}, so a warm start has no use: leave out --warm-start, or give --epochs")
    if method.oracle:
        raise InputError(f"{none}, and --oracle judges by learned weights: leave it out, or give --epochs")


def check_training(recipe: Recipe) -> None:
    """Make sure that a training has epochs, which only a search may lack.

    Raises:
        InputError: it has none.
    """
    if not recipe.epochs:
        raise InputError("epochs=0 must be at least 1: only a search may learn nothing")


def asked_budgets(budgets: str | Sequence[str]) -> tuple[str, ...]:
    """Budgets as a goal holds them: of one text, or of several.

    Raises:
        InputError: it is neither.
    """
    if isinstance(budgets, str):
        return (budgets,)
    if not isinstance(budgets, Iterable):
        raise InputError(f"budgets={budgets!r} must be a text or a list of texts, e.g. ['macs=25%']")
    return tuple(budgets)
