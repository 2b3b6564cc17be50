"""Choosing again from a finished search, under other budgets:

prepare → check budgets → read what was searched → open the run → choose
    → fine-tune, if asked → deliver → certify → conclude
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bsngraph.data import Dataset, as_task, load_data
from bsngraph.delivered.named_data import named_data
from bsngraph.delivered.run_data import known_again
from bsngraph.errors import InputError, nearest
from bsngraph.fabric import read_fabric
from bsngraph.measure import CostOptions, Hardware, find_hardware
from bsngraph.measure.pricing import with_recorded
from bsngraph.profile import profile_fabric
from bsngraph.runs import OpenMode, RunFolder
from bsngraph.runs.rows.config import SearchConfig
from bsngraph.runs.run_log import RunLog
from bsngraph.searching.again.choose_again import choose_again
from bsngraph.searching.again.finalists_left import finalists_kept
from bsngraph.searching.again.searched import read_searched
from bsngraph.searching.delivering.certify import certify
from bsngraph.searching.delivering.conclude import conclude, concluded_before
from bsngraph.searching.delivering.deliver import deliver
from bsngraph.searching.delivering.result import Result
from bsngraph.searching.fine_tuning import chosen_before, fine_tune
from bsngraph.searching.fronts.deliver_front import deliver_front
from bsngraph.searching.learning.given_weights import check_weights_of_search
from bsngraph.searching.learning.learn import write_probabilities
from bsngraph.searching.opening import open_pruning
from bsngraph.searching.prepare import check, prepare
from bsngraph.searching.request import Destination, Goal, Method, asked_budgets, check_rates
from bsngraph.training import Progress, Silent

PRUNING_RECIPE = ("batch_size",)
PRUNING_SETTINGS = (
    "candidates",
    "neighbour_rounds",
    "finalists",
    "pool",
    "finalist_epochs",
    "finetune_epochs",
    "finetune_rate",
)
"""The settings that a choice takes anew; all others are those of the search."""

# How many candidates and rounds of their neighbours are compared where nothing is
# trained, so that an answer takes seconds: on the demo's fabric more of them changed
# no answer by more than 1 % of validation accuracy.
_CANDIDATES, _ROUNDS = 32, 2


def prune_run(
    path: str | Path,
    budgets: str | Sequence[str],
    *,
    out: str | Path,
    seed: int | None = None,
    device: str = "auto",
    threads: int | None = None,
    workers: int | None = None,
    costs: CostOptions | None = None,
    mode: OpenMode = "new",
    data: str | Dataset | None = None,
    weights: str | Path | None = None,
    progress: Progress | None = None,
    **changes: object,
) -> Result:
    """Choose again from what a finished search left, under other budgets, and write the
    result to the folder `out`.

    Nothing is trained unless it is asked for: the network that is best on validation
    data as it is, be it one that the search delivered, a finalist that it trained, or
    one with weights inherited from the super-network. `changes` are settings that
    differ from the search's: `finetune_epochs` (0 if not given) trains the network
    further, `finalists` (0) trains finalists first; also `finetune_rate`,
    `finalist_epochs`, `candidates`, `neighbour_rounds`, `pool`, `batch_size`. Up to
    `workers` processes train finalists, and a range's networks, side by side, on a CPU.

    `data` stands in for the data set that the run names, if that was given from Python.
    `weights` is the file that the search began with, if it did: its finalists do, too.

    Raises:
        InfeasibleBudgetError: no sub-network is inside the budgets.
        InputError: `path` holds no finished search, or a budget, a setting, the device
            or `out` is wrong.
    """
    source = RunFolder(Path(path))
    config = source.read_config()
    if not isinstance(config, SearchConfig):
        raise InputError(f"{path} holds a {config.command} run: prune chooses from a search")
    into = Destination(Path(out), mode)
    into.refuse(source.path, "folder of the search that is chosen from")
    goal = Goal(
        data=data or named_data(source),
        task=config.data.task,
        budgets=asked_budgets(budgets),
        costs=costs or CostOptions(),
    )
    hardware = find_hardware(device, threads, workers)
    method = replace(
        pruning_method(config, seed, changes), weights=None if weights is None else Path(weights)
    )
    return run_pruning(source, config, goal, method, hardware, into, progress or Silent())


def pruning_method(config: SearchConfig, seed: int | None, changes: Mapping[str, object]) -> Method:
    """The search's recipe, settings and seed, but for `changes`; nothing is trained
    unless they say so.

    Raises:
        InputError: a setting that a choice does not take, or a value that none takes.
    """
    known = (*PRUNING_RECIPE, *PRUNING_SETTINGS)
    unknown = sorted(changes.keys() - {*known})
    if unknown:
        raise InputError(f"prune has no setting {unknown[0]!r}: {nearest(unknown[0], known)}")
    settings: dict[str, Any] = {"finalists": 0, "finetune_epochs": 0}
    if not changes.get("finalists"):
        settings["candidates"] = min(config.settings.candidates, _CANDIDATES)
        settings["neighbour_rounds"] = min(config.settings.neighbour_rounds, _ROUNDS)
    settings |= {name: value for name, value in changes.items() if name in PRUNING_SETTINGS}
    recipe: dict[str, Any] = {name: value for name, value in changes.items() if name in PRUNING_RECIPE}
    return Method(
        recipe=replace(config.recipe, **recipe),
        settings=replace(config.settings, **settings),
        seed=config.seed if seed is None else seed,
    )


def run_pruning(
    source: RunFolder,
    config: SearchConfig,
    goal: Goal,
    method: Method,
    hardware: Hardware,
    into: Destination,
    progress: Progress,
) -> Result:
    """The stages of a choice from the search in `source`, one call each.

    Raises:
        BsngraphError: as `prune_run` says.
    """
    check_rates(method)
    profile = profile_fabric(read_fabric(source.file("fabric.dot")))
    recorded = with_recorded(goal.costs, profile, source.path)
    data = searched_data(source, config, goal.data, progress)
    job = prepare(profile, replace(goal.priced_by(recorded), data=data), method, hardware, into, progress)
    if method.settings.finalists:
        check_weights_of_search(job.given_weights, config.weights, source.path)
    with hardware.in_use():
        known = check(job, progress)
        searched = read_searched(job, source, config, known)
        learned = searched.learned
        with open_pruning(job, into, config) as run:
            if run.finished:
                return concluded_before(job, run, progress)
            log = RunLog(run, into.mode, weighted=method.recipe.class_weights is not None)
            write_probabilities(job, run, learned)
            alone = (*searched.alone(job), *finalists_kept(job, learned.net, log))
            chosen = chosen_before(job, learned, log, alone) or choose_again(job, searched, log, progress)
            ready = fine_tune(job, learned, chosen, log, progress)
            front = deliver_front(job, run, ready, progress)
            delivered = ready[-1] if front is None else front.main
            deliver(job, run, delivered.net)
            certificate = certify(job, run, progress)
            multipliers = learned.multipliers.by_name()
            return conclude(job, run, delivered, certificate, log, progress, multipliers, front)


def searched_data(
    source: RunFolder, config: SearchConfig, data: str | Dataset, progress: Progress
) -> Dataset:
    """The data with the splits of the search in `source`.

    Raises:
        InputError: unknown data, or data in which examples of the search are missing or
            changed.
    """
    dataset = load_data(data, notify=progress.note) if isinstance(data, str) else data
    found, notes = known_again(source, as_task(dataset, config.data.task))
    for note in notes:
        progress.note(note)
    return found
