"""Steps that several kinds of run share."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from bsngraph.costs import amount, best_found, check_budgets
from bsngraph.delivered.evaluate import load_net
from bsngraph.errors import InputError
from bsngraph.fabric import Architecture, Fabric, write_fabric
from bsngraph.fabric.writing.fabric_to_dot import fabric_to_dot
from bsngraph.profile import FabricProfile, profile_fabric
from bsngraph.runs import Json, RunFolder, reading
from bsngraph.runs.run_log import RunLog
from bsngraph.searching.delivering.result import Result
from bsngraph.searching.learning.search_learning import Learning
from bsngraph.searching.learning.warm_start import WarmStart, read_warm_start
from bsngraph.searching.prepare import Job
from bsngraph.settings import Recipe, SearchSettings
from bsngraph.supernet import compile_fabric, prune
from bsngraph.training import Progress, derived_seed


def profiled(fabric: Fabric | FabricProfile) -> FabricProfile:
    """The profile of a fabric."""
    return fabric if isinstance(fabric, FabricProfile) else profile_fabric(fabric)


def known_inside(job: Job, progress: Progress) -> Architecture | None:
    """An architecture inside the budgets, where one is known.

    Raises:
        InfeasibleBudgetError: there is none.
    """
    known = check_budgets(job.fabric, job.budgets)
    if known is None:
        progress.note(
            f"none feasible yet: {best_found(job.fabric, job.budgets)}; that is not proved, so the search "
            "goes on looking"
        )
    return known


def new_learning(job: Job, known: Architecture | None) -> Learning:
    """A search that has not begun."""
    net = compile_fabric(job.profile, seed=derived_seed(job.seed, "weights")).to(job.device)
    return Learning(net, job.dataset, job.budgets, job.costs, job.recipe, job.settings, job.seed, known)


def warm_start_of(path: str | Path, out: Path, profile: FabricProfile) -> WarmStart:
    """What another run learned."""
    if Path(path).resolve() == out.resolve():
        raise InputError(f"{out} is the run that is started from: give another --out")
    return read_warm_start(path, profile)


def keep_epoch(job: Job, run: RunFolder, learning: Learning, log: RunLog, row: Json) -> None:
    """Write an epoch: its best architecture inside the budgets, its metrics, its
    checkpoint.
    """
    if learning.incumbent.architecture is not None:
        write_fabric(prune(job.profile, learning.incumbent.architecture), run.file("incumbent.dot"))
    log.keep(row, search=learning.state())


def tell_budgets(job: Job, progress: Progress) -> None:
    """Say which budgets are slack."""
    for budget in job.budgets:
        if budget.slack:
            progress.note(
                f"budget {budget.text} is slack: the whole fabric costs "
                f"{amount(budget.cost.total, budget.cost)}"
            )


def finished(job: Job, run: RunFolder, progress: Progress) -> Result:
    """What a run delivered that had ended when it was resumed: its test data is not
    read again.
    """
    progress.note(f"{run.path} had ended already: this is what it delivered")
    net = load_net(run)
    with reading(run, "architecture.dot"):
        live = tuple(sorted(job.fabric.edge_index[edge.name] for edge in net.fabric.edges))
    return Result(
        run, Architecture(len(job.fabric.edges), live), net.to(job.device), run.read_json("result.json")
    )


def keep_fabric(job: Job, run: RunFolder) -> None:
    """Write fabric.dot, splits.json, and latencies.json where there are any; a run that
    is resumed must have the same fabric.

    Raises:
        InputError: it has another.
    """
    if job.latencies is not None:
        run.write_json("latencies.json", job.latencies.to_json())
    path, text = run.file("fabric.dot"), fabric_to_dot(job.profile.annotated())
    if path.exists() and path.read_bytes() != text.encode("utf-8"):
        raise InputError(
            f"{path} is not the fabric given: resume with the run's own fabric and --set, or start "
            "another run in a new --out"
        )
    write_fabric(job.profile.annotated(), path)
    run.write_json("splits.json", job.dataset.splits_record())


def settings_of(config: Json) -> tuple[Recipe, SearchSettings]:
    """The recipe and settings that a config.json records."""
    recipe = {field.name: config["recipe"][field.name] for field in fields(Recipe)}
    settings = {field.name: config["settings"][field.name] for field in fields(SearchSettings)}
    weights = recipe["class_weights"]
    tuples = {
        "drops": tuple(recipe["drops"]),
        "class_weights": tuple(weights) if isinstance(weights, list) else weights,
    }
    return Recipe(**recipe | tuples), SearchSettings(**settings)
