"""Settings that make a search take about as long as one has: a few epochs are measured
here, and the numbers of epochs and of finalists are scaled.

What is measured differs from machine to machine and from minute to minute, so the
numbers that are found do too. They stand in config.json as any others: from there on
the search is as reproducible as one that was given them by hand.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bsngraph.costs import BudgetRequest, parse_budget
from bsngraph.errors import InputError
from bsngraph.fabric import Architecture
from bsngraph.measure import Hardware, is_latency
from bsngraph.profile import FabricProfile
from bsngraph.runs import Json
from bsngraph.searching.choosing.shortlist import contenders_inside
from bsngraph.searching.learning.learn import new_learning
from bsngraph.searching.prepare import Job, check, prepare
from bsngraph.searching.request import Destination, Goal, Method
from bsngraph.settings import Recipe, SearchSettings
from bsngraph.supernet import compile_fabric, prune
from bsngraph.training import NetTraining, Silent, derived_seed, evaluate_net

# Of the time, for epochs; the rest is for choosing, certifying, drawing.
_FOR_EPOCHS = 0.9

# Steps that are measured, of an epoch that has more.
_STEPS = 12

_POOL = 64
#: The least of each number that is scaled, unless the usual one is less.
LEAST = {"epochs": 5, "finalists": 3, "finalist_epochs": 2, "finetune_epochs": 1}
_MOST = 10.0  # times the usual settings, however much time there is


@dataclass(frozen=True)
class EpochTimes:
    """What an epoch takes, in seconds: of learning, and of a single network."""

    learning: float
    network: float


@dataclass(frozen=True)
class FittedSettings:
    """The settings, and what they were found from; `seconds` is the time for all epochs
    that is expected.
    """

    recipe: Recipe
    settings: SearchSettings
    each: EpochTimes
    seconds: float


def fit_to_time(
    profile: FabricProfile,
    goal: Goal,
    method: Method,
    hardware: Hardware,
    seconds: float,
    fixed: Collection[str] = (),
) -> FittedSettings:
    """The method's settings, scaled to `seconds`. Those named in `fixed` stay.

    Latency budgets are not looked at: they would have to be measured first.

    Raises:
        InfeasibleBudgetError: no sub-network is inside the budgets.
        InputError: the fabric, the data or the budgets are wrong; or the shortest
            search takes longer.
    """
    untimed = replace(goal, budgets=tuple(each for each in goal.budgets if not _takes_time(each)))
    quick = replace(method, recipe=replace(method.recipe, epochs=2))
    job = prepare(profile, untimed, quick, hardware, Destination(Path()), Silent())
    with hardware.in_use():
        each = measure_epochs(job, check(job, Silent()))
    return scaled_to(
        method.recipe, method.settings, each, seconds, max(1, len(job.budgets.front_limits)), fixed
    )


def measure_epochs(job: Job, known: Architecture | None) -> EpochTimes:
    """Measure steps of both kinds; the job's recipe has two epochs, the second of which
    counts.
    """
    batch, whole = job.recipe.batch_size, job.dataset
    rows = np.arange(min(len(whole.train), _STEPS * batch))
    part = replace(job, dataset=replace(whole, train=whole.train.only(rows), rows=None))
    share = len(whole.train) / len(rows)
    learning = new_learning(part, known)
    learned: list[float] = []
    learning.run(Silent(), lambda row: learned.append(_seconds(row)))
    everything = np.ones(len(job.fabric.edges), dtype=np.bool_)
    start = time.perf_counter()
    evaluate_net(learning.net, whole, whole.validation, everything)
    looking = time.perf_counter() - start
    pruned = prune(job.profile, _typical_network(job, known))
    net = compile_fabric(pruned, seed=derived_seed(job.seed, "weights")).to(job.device)
    trained: list[float] = []
    training = NetTraining(net, part.dataset, job.recipe, job.seed, "finalist")
    training.run(Silent(), lambda row: trained.append(_seconds(row)))
    return EpochTimes(*(max(0.0, rows[-1] - looking) * share + looking for rows in (learned, trained)))


def scaled_to(
    recipe: Recipe,
    settings: SearchSettings,
    each: EpochTimes,
    seconds: float,
    networks: int,
    fixed: Collection[str] = (),
) -> FittedSettings:
    """The settings whose epochs take `seconds`, or nearly as long; `networks` are
    fine-tuned.

    Raises:
        InputError: the least settings take longer.
    """

    def found(factor: float) -> FittedSettings:
        ours, theirs = _scaled(recipe, settings, factor, fixed)
        return FittedSettings(ours, theirs, each, epochs_take(ours, theirs, each, networks))

    allowed, low, high = _FOR_EPOCHS * seconds, 0.0, _MOST
    least = found(low)
    if least.seconds > allowed:
        raise InputError(
            f"the shortest search takes about {least.seconds / _FOR_EPOCHS:.0f} s here, more than the "
            f"{seconds:.0f} s of --time: give it more, or a smaller fabric or less data"
        )
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if found(middle).seconds <= allowed else (low, middle)
    return found(low)


def epochs_take(recipe: Recipe, settings: SearchSettings, each: EpochTimes, networks: int) -> float:
    """The seconds of all epochs of a search whose finalists train one by one."""
    finalists = settings.finalists if settings.finalists > 1 else 0
    trained = finalists * settings.finalist_epochs + networks * settings.finetune_epochs
    return recipe.epochs * each.learning + trained * each.network


def _scaled(
    recipe: Recipe, settings: SearchSettings, factor: float, fixed: Collection[str]
) -> tuple[Recipe, SearchSettings]:
    """Epochs times `factor`. Of finalists and of their epochs each has half a part in
    it.
    """

    def times(name: str, usual: int, power: float) -> int:
        least = min(usual, LEAST[name])
        return usual if name in fixed else max(least, int(usual * factor**power))

    return (
        replace(recipe, epochs=times("epochs", recipe.epochs, 1)),
        replace(
            settings,
            finalists=times("finalists", settings.finalists, 0.5),
            finalist_epochs=times("finalist_epochs", settings.finalist_epochs, 0.5),
            finetune_epochs=times("finetune_epochs", settings.finetune_epochs, 1),
        ),
    )


def _typical_network(job: Job, known: Architecture | None) -> Architecture:
    """A network inside the budgets that has much to compute, as most finalists have."""
    few = replace(job, method=replace(job.method, settings=replace(job.settings, pool=_POOL)))
    live = contenders_inside(few, job.budgets).live
    if not len(live):
        return known or Architecture.of_mask(np.ones(len(job.fabric.edges), dtype=np.bool_))
    macs = next(cost for cost in job.costs if cost.name == "macs")
    return Architecture.of_mask(live[int(np.argmax(macs.of(live)))])


def _takes_time(budget: str | BudgetRequest) -> bool:
    """Whether a budget's cost is measured in time."""
    cost = (parse_budget(budget) if isinstance(budget, str) else budget).cost
    return is_latency(cost) or cost.partition(":")[0] == "makespan"


def _seconds(row: Json) -> float:
    return float(row["seconds"])
