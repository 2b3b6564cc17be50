"""Choosing again from a finished search, under other budgets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bsngraph.data import Dataset
from bsngraph.errors import InputError
from bsngraph.fabric import read_fabric
from bsngraph.measure import CostOptions
from bsngraph.measure.pricing import with_recorded
from bsngraph.runs import OpenMode, RunFolder, open_run, reading
from bsngraph.runs.checkpoint import read_checkpoint
from bsngraph.runs.run_log import RunLog
from bsngraph.searching.choosing.choose import choose_and_deliver
from bsngraph.searching.delivering.deliver import write_probabilities
from bsngraph.searching.delivering.result import Result
from bsngraph.searching.prepare import prepare
from bsngraph.searching.stages import (
    finished,
    keep_fabric,
    known_inside,
    new_learning,
    profiled,
    settings_of,
    tell_budgets,
)
from bsngraph.training import Progress, Silent


def prune_run(
    path: str | Path,
    budgets: Sequence[str],
    *,
    out: str | Path,
    device: str = "auto",
    threads: int | None = None,
    costs: CostOptions | None = None,
    mode: OpenMode = "new",
    data: str | Dataset | None = None,
    progress: Progress | None = None,
) -> Result:
    """Choose again from a finished search's Γ and weights, under other budgets, and
    write the result to the folder `out`.

    `data` stands in for the data set that the run names, where that was given from
    Python.

    Raises:
        InfeasibleBudgetError: no sub-network is inside the budgets.
        InputError: `path` holds no finished search, or a budget, the device or `out` is
            wrong.
    """
    found = RunFolder(Path(path))
    config = found.read_json("config.json")
    if config.get("command") != "search":
        raise InputError(f"{path} holds a {config.get('command')} run: prune chooses from a search")
    if found.path.resolve() == Path(out).resolve():
        raise InputError(f"{out} is the folder of the search that is chosen from: give another --out")
    with reading(found, "config.json"):
        recipe, settings = settings_of(config)
        name, task, seed = str(config["data"]["name"]), str(config["data"]["task"]), int(config["seed"])
    progress, profile = progress or Silent(), profiled(read_fabric(found.file("fabric.dot")))
    job = prepare(
        profile,
        data or name,
        budgets,
        recipe=recipe,
        settings=settings,
        seed=seed,
        device=device,
        threads=threads,
        task=task,
        costs=with_recorded(costs, profile, found.path),
        progress=progress,
    )
    tell_budgets(job, progress)
    with job.hardware.in_use():
        learning = new_learning(job, known_inside(job, progress))
        with reading(found, "checkpoint.pt"):
            learning.load(read_checkpoint(found, job.device)["search"])
        if learning.epoch < job.recipe.epochs:
            raise InputError(
                f"{path}: the search stopped after epoch {learning.epoch} of {job.recipe.epochs}: finish "
                "it by --resume first"
            )
        run = open_run(Path(out), job.config("prune", chosen_from=config), mode)
        keep_fabric(job, run)
        if run.finished:
            return finished(job, run, progress)
        write_probabilities(job, run, learning.distribution)
        return choose_and_deliver(job, run, learning, RunLog(run, mode), progress)
