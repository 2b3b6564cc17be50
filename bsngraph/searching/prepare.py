"""What a run works on, checked as a whole before anything is trained or written."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from bsngraph.costs import (
    BudgetRequest,
    Budgets,
    Cost,
    Sources,
    amount,
    best_found,
    check_budgets,
    check_units,
    complete_costs,
    parse_budget,
    resolve_budgets,
)
from bsngraph.data import Dataset, as_task, load_data, parse_augmentation
from bsngraph.delivered.run_data import known_again
from bsngraph.errors import InputError
from bsngraph.fabric import Architecture, Fabric
from bsngraph.measure import CostOptions, Hardware, LatencyTable
from bsngraph.measure.pricing import find_sources, with_recorded
from bsngraph.profile import FabricProfile, profile_fabric
from bsngraph.runs import RunFolder
from bsngraph.searching.learning.given_weights import GivenWeights, read_given_weights
from bsngraph.searching.request import Destination, Goal, Method
from bsngraph.settings import Recipe, SearchSettings
from bsngraph.tasks import Task, check_fits, task_of
from bsngraph.training import Progress


@dataclass(frozen=True)
class Job:
    """A fabric with its shapes, data that fits it, budgets with their limits, and how
    and where to train.

    `latencies` is the table behind costs in milliseconds, if they were asked for.
    `given_weights` are what training begins with, if a file of weights was given.
    """

    profile: FabricProfile
    dataset: Dataset
    budgets: Budgets
    method: Method
    hardware: Hardware
    cost_options: CostOptions
    sources: Sources
    latencies: LatencyTable | None
    given_weights: GivenWeights | None

    @property
    def fabric(self) -> Fabric:
        return self.profile.fabric

    @property
    def recipe(self) -> Recipe:
        return self.method.recipe

    @property
    def settings(self) -> SearchSettings:
        return self.method.settings

    @property
    def seed(self) -> int:
        return self.method.seed

    @property
    def device(self) -> torch.device:
        return self.hardware.device

    @property
    def learns(self) -> bool:
        """Whether θ and Γ are learned; without that a search chooses by finalists
        alone, and no network can inherit its weights.
        """
        return self.recipe.epochs > 0

    @property
    def task(self) -> Task:
        """What is trained for, with the recipe's weights of the classes."""
        return task_of(self.dataset, self.recipe.class_weights, self.device)

    @property
    def costs(self) -> tuple[Cost, ...]:
        """Every cost that is reported: the table's, complete annotations, the user's
        own, the budgets'.
        """
        every = (
            *complete_costs(self.profile),
            *self.sources.own.values(),
            *(budget.cost for budget in self.budgets),
        )
        return tuple({cost.name: cost for cost in every}.values())


def prepare(
    fabric: Fabric | FabricProfile,
    goal: Goal,
    method: Method,
    hardware: Hardware,
    into: Destination,
    progress: Progress,
) -> Job:
    """Check everything that can be checked before training, and measure latencies if
    budgets ask for them.

    Raises:
        FabricError: shapes that do not fit.
        InputError: unknown data, cost or task, a fabric or class weights that do not
            fit the data.
    """
    profile = fabric if isinstance(fabric, FabricProfile) else profile_fabric(fabric)
    requests = [_parsed(budget) for budget in goal.budgets]
    check_units(requests)  # before data are read, which may take long
    dataset = _dataset(goal, method.recipe, progress)
    if into.recorded is not None:
        dataset = _as_recorded(RunFolder(into.recorded), dataset, progress)
    check_fits(profile, dataset)
    task_of(dataset, method.recipe.class_weights)
    _check_shards(dataset, method)
    options = with_recorded(goal.costs, profile, into.recorded)
    sources, latencies = find_sources(profile, requests, options, hardware, progress)
    budgets = resolve_budgets(profile, requests, sources)
    given = read_given_weights(profile, method.weights, progress)
    dataset = dataset.to(hardware.device)
    return Job(profile, dataset, budgets, method, hardware, options, sources, latencies, given)


def check(job: Job, progress: Progress) -> Architecture | None:
    """An architecture inside the budgets, a range at its lower end, if one is known
    before anything is trained.

    Raises:
        InfeasibleBudgetError: there is none.
    """
    for budget in job.budgets:
        if budget.slack:
            whole = amount(budget.cost.total, budget.cost)
            progress.note(f"budget {budget.text} is slack: the whole fabric costs {whole}")
    known = check_budgets(job.fabric, job.budgets)
    if known is None:
        said = best_found(job.fabric, job.budgets)
        progress.note(f"none feasible yet: {said}; that is not proved, so the search goes on looking")
    return known


def _dataset(goal: Goal, recipe: Recipe, progress: Progress) -> Dataset:
    """The data, for the task that is asked, augmented as the recipe says."""
    data = goal.data
    dataset = load_data(data, notify=progress.note) if isinstance(data, str) else data
    if goal.task is not None:
        dataset = as_task(dataset, goal.task)
    if recipe.augmentation is not None:
        dataset = dataset.with_augmentation(parse_augmentation(recipe.augmentation))
    return dataset


def _as_recorded(run: RunFolder, dataset: Dataset, progress: Progress) -> Dataset:
    """The data with the splits of the run that goes on, if it came to record them."""
    if not run.file("splits.json").exists() or run.read_config().data.task != dataset.task:
        return dataset
    found, notes = known_again(run, dataset)
    for note in notes:
        progress.note(note)
    return found


def _check_shards(dataset: Dataset, method: Method) -> None:
    """Make sure that a batch divides into shards that each have a second example."""
    batch, shards = min(method.recipe.batch_size, len(dataset.train)), method.settings.shards
    if shards > 1 and (batch % shards or batch < 2 * shards):
        raise InputError(
            f"a batch of {batch} examples cannot be {shards} shards of equal size with two examples or more: "
            f"give a --batch-size that is a multiple of {shards} and at least {2 * shards}, or other --shards"
        )


def _parsed(budget: str | BudgetRequest) -> BudgetRequest:
    return parse_budget(budget) if isinstance(budget, str) else budget
