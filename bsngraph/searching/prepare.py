"""What a run works on, checked as a whole before anything is trained or written."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version

import torch

from bsngraph._version import __version__
from bsngraph.costs import Budget, BudgetRequest, Cost, Sources, complete_costs, parse_budget, resolve_budgets
from bsngraph.data import Dataset, load_data, parse_augmentation
from bsngraph.fabric import Fabric
from bsngraph.measure import CostOptions, Hardware, LatencyTable, find_hardware
from bsngraph.measure.pricing import find_sources
from bsngraph.profile import FabricProfile, profile_fabric
from bsngraph.runs import Json
from bsngraph.settings import Recipe, SearchSettings, as_dict
from bsngraph.tasks import Task, as_task, task_of
from bsngraph.tasks.fit import check_fits
from bsngraph.training import Progress, Silent


@dataclass(frozen=True)
class Job:
    """A fabric with its shapes, data that fits it, budgets with their limits, and how
    to train.

    `latencies` is the table behind costs in milliseconds, where they were asked for.
    """

    profile: FabricProfile
    dataset: Dataset
    budgets: tuple[Budget, ...]
    recipe: Recipe
    settings: SearchSettings
    seed: int
    hardware: Hardware
    cost_options: CostOptions
    sources: Sources
    latencies: LatencyTable | None

    @property
    def device(self) -> torch.device:
        return self.hardware.device

    @property
    def threads(self) -> int:
        return self.hardware.threads

    @property
    def fabric(self) -> Fabric:
        return self.profile.fabric

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

    def config(self, command: str, **more: object) -> Json:
        """What config.json says of the job."""
        return {
            "command": command,
            "fabric": self.fabric.name,
            "data": {
                "name": self.dataset.name,
                "task": self.dataset.task,
                "ignore_label": self.dataset.ignore_label,
                "classes": list(self.dataset.class_names),
                "mean": list(self.dataset.mean),
                "std": list(self.dataset.std),
                "fingerprint": self.dataset.fingerprint(),
                "examples": {
                    "train": len(self.dataset.train),
                    "validation": len(self.dataset.validation),
                    "test": len(self.dataset.test),
                },
            },
            "budgets": [
                {
                    "text": budget.text,
                    "cost": budget.cost.name,
                    "relation": budget.relation,
                    "limit": budget.limit,
                }
                for budget in self.budgets
            ],
            "costs": {
                "own": list(self.cost_options.own),
                "timeout_s": self.cost_options.timeout_s,
                "latency_batch": self.cost_options.latency_batch,
            },
            "recipe": as_dict(self.recipe),
            "settings": as_dict(self.settings),
            "seed": self.seed,
            "device": str(self.device),
            "threads": self.threads,
            "versions": versions(),
            **more,
        }


def prepare(
    fabric: Fabric | FabricProfile,
    data: str | Dataset,
    budgets: Sequence[str | BudgetRequest],
    *,
    recipe: Recipe,
    settings: SearchSettings,
    seed: int,
    device: str,
    threads: int | None,
    costs: CostOptions | None = None,
    progress: Progress | None = None,
    task: str | None = None,
) -> Job:
    """Check everything that can be checked before training; measure latencies where
    budgets ask for them.

    `task` overrides what the data says it is for.

    Raises:
        FabricError: shapes that do not fit.
        InputError: unknown data, cost, task or device, a fabric or class weights that
            do not fit the data.
    """
    profile = fabric if isinstance(fabric, FabricProfile) else profile_fabric(fabric)
    progress = progress or Silent()
    dataset = load_data(data, notify=progress.note) if isinstance(data, str) else data
    if task is not None:
        dataset = as_task(dataset, task)
    if recipe.augmentation is not None:
        dataset = dataset.with_augmentation(parse_augmentation(recipe.augmentation))
    check_fits(profile, dataset)
    task_of(dataset, recipe.class_weights)
    requests = [parse_budget(budget) if isinstance(budget, str) else budget for budget in budgets]
    hardware = find_hardware(device, threads)
    options = costs or CostOptions()
    sources, latencies = find_sources(profile, requests, options, hardware, progress)
    resolved = resolve_budgets(profile, requests, sources)
    return Job(
        profile,
        dataset.to(hardware.device),
        resolved,
        recipe,
        settings,
        seed,
        hardware,
        options,
        sources,
        latencies,
    )


def versions() -> dict[str, str]:
    """What the results depend on."""
    packages = {name: version(name) for name in ("torch", "numpy", "scipy", "scikit-learn")}
    machine = f"{platform.machine()}, {os.cpu_count()} cores"
    return {"bsngraph": __version__, "python": platform.python_version(), "machine": machine, **packages}
