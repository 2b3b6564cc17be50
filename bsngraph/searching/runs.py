"""The four kinds of run: search a fabric, choose again from a search, train a network, measure a delivered one.

A search reads as: prepare → check budgets → learn θ and Γ → choose the architecture → fine-tune it → measure and
deliver. After every epoch everything needed to go on is on disk.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np

from bsngraph.costs import amount, best_found, check_budgets
from bsngraph.data import Dataset
from bsngraph.delivered.evaluate import load_net
from bsngraph.errors import InputError
from bsngraph.fabric import Architecture, Fabric, architecture_of, read_fabric, write_fabric
from bsngraph.fabric.writing.fabric_to_dot import fabric_to_dot
from bsngraph.measure import CostOptions
from bsngraph.measure.pricing import with_recorded
from bsngraph.profile import FabricProfile, profile_fabric
from bsngraph.runs import Json, OpenMode, RunFolder, open_run, reading
from bsngraph.runs.checkpoint import read_checkpoint
from bsngraph.runs.run_log import RunLog
from bsngraph.searching.choosing import choose_and_deliver
from bsngraph.searching.delivery import Result, deliver, write_probabilities
from bsngraph.searching.job import Job, prepare
from bsngraph.searching.learning import Learning
from bsngraph.searching.oracle import every_architecture
from bsngraph.searching.presets import resolve_settings
from bsngraph.searching.settings import SearchSettings
from bsngraph.searching.warm_start import WarmStart, read_warm_start
from bsngraph.supernet import compile_fabric, prune
from bsngraph.training import NetTraining, Progress, Recipe, Silent, derived_seed


def search(
    fabric: Fabric | FabricProfile,
    data: str | Dataset,
    budgets: Sequence[str] = (),
    *,
    out: str | Path,
    task: str | None = None,
    seed: int = 0,
    recipe: Recipe | None = None,
    settings: SearchSettings | None = None,
    preset: str | None = None,
    warm_start: str | Path | None = None,
    oracle: bool = False,
    device: str = "auto",
    threads: int | None = None,
    costs: CostOptions | None = None,
    mode: OpenMode = "new",
    progress: Progress | None = None,
) -> Result:
    """Find the best sub-network of a fabric inside the budgets, and write it to the folder `out`.

    `budgets` read like those of the command line, `["macs=25%", "latency=5ms"]`; `costs` says where the user's own come from. `task` is
    what the network is for, where that is not what the data says: regression on numbered classes, for example. Where
    `recipe` or `settings` are not given they are those of `preset` (a name in `PRESETS`), or the defaults. `warm_start` is
    the folder of another search of the same fabric, whose weights and Γ this one starts from. With `oracle` every sub-network of a
    fabric of at most 14 decisions is judged as well, for oracle.csv and oracle.json. The same seed, machine,
    device, versions and threads give the same result, bit for bit on the CPU, also when the run is interrupted and resumed
    (`mode="resume"`); where latency is a cost, with the same table of it.

    Raises:
        InfeasibleBudgetError: no sub-network is inside the budgets; nothing was trained or written.
        FabricError, InputError: something about the fabric, the data, the budgets or the folder is wrong.
        RunFailedError: the loss stopped being finite.
    """
    progress, profile = progress or Silent(), _profiled(fabric)
    usual_recipe, usual_settings = resolve_settings(preset, warm=warm_start is not None)
    job = prepare(
        profile,
        data,
        budgets,
        recipe=recipe or usual_recipe,
        settings=settings or usual_settings,
        seed=seed,
        device=device,
        threads=threads,
        task=task,
        costs=with_recorded(costs, profile, Path(out) if mode == "resume" else None),
        progress=progress,
    )
    _tell_budgets(job, progress)
    if oracle:
        every_architecture(profile.fabric)
    before = None if warm_start is None else _warm_start(warm_start, Path(out), profile)
    with job.hardware.in_use():
        known = _check_budgets(job, progress)
        run = open_run(Path(out), job.config("search", preset=preset, warm_start=before and before.record(), oracle=oracle), mode)
        _keep_fabric(job, run)
        if run.finished:
            return _finished(job, run, progress)
        log = RunLog(run, mode)
        learning = _new_learning(job, known)
        if before is not None:
            learning.start_from(before)
        if log.state.get("search"):
            with reading(run, "checkpoint.pt"):
                learning.load(log.state["search"])
        learning.run(progress, lambda row: _keep_epoch(job, run, learning, log, row))
        write_probabilities(job, run, learning.distribution)
        return choose_and_deliver(job, run, learning, log, progress, oracle=oracle)


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
    """Choose again from a finished search's Γ and weights, under other budgets, and write the result to the folder `out`.

    `data` stands in for the data set that the run names, where that was given from Python.

    Raises:
        InfeasibleBudgetError: no sub-network is inside the budgets.
        InputError: `path` holds no finished search, or a budget, the device or `out` is wrong.
    """
    found = RunFolder(Path(path))
    config = found.read_json("config.json")
    if config.get("command") != "search":
        raise InputError(f"{path} holds a {config.get('command')} run: prune chooses from a search")
    if found.path.resolve() == Path(out).resolve():
        raise InputError(f"{out} is the folder of the search that is chosen from: give another --out")
    with reading(found, "config.json"):
        recipe, settings = _settings_of(config)
        name, task, seed = str(config["data"]["name"]), str(config["data"]["task"]), int(config["seed"])
    progress, profile = progress or Silent(), _profiled(read_fabric(found.file("fabric.dot")))
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
    _tell_budgets(job, progress)
    with job.hardware.in_use():
        learning = _new_learning(job, _check_budgets(job, progress))
        with reading(found, "checkpoint.pt"):
            learning.load(read_checkpoint(found, job.device)["search"])
        if learning.epoch < job.recipe.epochs:
            raise InputError(f"{path}: the search stopped after epoch {learning.epoch} of {job.recipe.epochs}: finish it by --resume first")
        run = open_run(Path(out), job.config("prune", chosen_from=config), mode)
        _keep_fabric(job, run)
        if run.finished:
            return _finished(job, run, progress)
        write_probabilities(job, run, learning.distribution)
        return choose_and_deliver(job, run, learning, RunLog(run, mode), progress)


def train(
    fabric: Fabric | FabricProfile,
    data: str | Dataset,
    *,
    out: str | Path,
    task: str | None = None,
    seed: int = 0,
    recipe: Recipe | None = None,
    device: str = "auto",
    threads: int | None = None,
    mode: OpenMode = "new",
    progress: Progress | None = None,
) -> Result:
    """Train the network of a fabric with every edge kept, from scratch, by the recipe that searches use.

    Raises:
        FabricError, InputError: something about the fabric, the data or the folder is wrong.
        RunFailedError: the loss stopped being finite.
    """
    job = prepare(
        fabric, data, (), recipe=recipe or Recipe(), settings=SearchSettings(), seed=seed, device=device, threads=threads, task=task
    )
    progress = progress or Silent()
    with job.hardware.in_use():
        run = open_run(Path(out), job.config("train"), mode)
        _keep_fabric(job, run)
        if run.finished:
            return _finished(job, run, progress)
        log = RunLog(run, mode)
        whole = architecture_of(job.fabric, np.ones(len(job.fabric.edges), dtype=np.bool_))
        net = compile_fabric(prune(job.profile, whole), seed=derived_seed(seed, "weights")).to(job.device)
        training = NetTraining(net, job.dataset, job.recipe, seed, "training")
        if log.state.get("training"):
            with reading(run, "checkpoint.pt"):
                training.load(log.state["training"])
        training.run(progress, lambda row: log.keep(row, training=training.state()))
        return deliver(job, run, whole, net, log.seconds(), progress)


# --- the steps of a search


def _profiled(fabric: Fabric | FabricProfile) -> FabricProfile:
    return fabric if isinstance(fabric, FabricProfile) else profile_fabric(fabric)


def _check_budgets(job: Job, progress: Progress) -> Architecture | None:
    """An architecture inside the budgets, where one is known.

    Raises:
        InfeasibleBudgetError: there is none.
    """
    known = check_budgets(job.fabric, job.budgets)
    if known is None:
        progress.note(f"none feasible yet: {best_found(job.fabric, job.budgets)}; that is not proved, so the search goes on looking")
    return known


def _new_learning(job: Job, known: Architecture | None) -> Learning:
    net = compile_fabric(job.profile, seed=derived_seed(job.seed, "weights")).to(job.device)
    return Learning(net, job.dataset, job.budgets, job.costs, job.recipe, job.settings, job.seed, known)


def _warm_start(path: str | Path, out: Path, profile: FabricProfile) -> WarmStart:
    if Path(path).resolve() == out.resolve():
        raise InputError(f"{out} is the run that is started from: give another --out")
    return read_warm_start(path, profile)


def _keep_epoch(job: Job, run: RunFolder, learning: Learning, log: RunLog, row: Json) -> None:
    """Write an epoch: its best architecture inside the budgets, its metrics, its checkpoint."""
    if learning.incumbent.architecture is not None:
        write_fabric(prune(job.profile, learning.incumbent.architecture), run.file("incumbent.dot"))
    log.keep(row, search=learning.state())


def _tell_budgets(job: Job, progress: Progress) -> None:
    for budget in job.budgets:
        if budget.slack:
            progress.note(f"budget {budget.text} is slack: the whole fabric costs {amount(budget.cost.total, budget.cost)}")


def _finished(job: Job, run: RunFolder, progress: Progress) -> Result:
    """What a run delivered that had ended when it was resumed: its test data is not read again."""
    progress.note(f"{run.path} had ended already: this is what it delivered")
    net = load_net(run)
    with reading(run, "architecture.dot"):
        live = tuple(sorted(job.fabric.edge_index[edge.name] for edge in net.fabric.edges))
    return Result(run, Architecture(len(job.fabric.edges), live), net.to(job.device), run.read_json("result.json"))


def _keep_fabric(job: Job, run: RunFolder) -> None:
    """Write fabric.dot, splits.json, and latencies.json where there are any; a run that is resumed must have the same fabric.

    Raises:
        InputError: it has another.
    """
    if job.latencies is not None:
        run.write_json("latencies.json", job.latencies.to_json())
    path, text = run.file("fabric.dot"), fabric_to_dot(job.profile.annotated())
    if path.exists() and path.read_bytes() != text.encode("utf-8"):
        raise InputError(f"{path} is not the fabric given: resume with the run's own fabric and --set, or start another run in a new --out")
    write_fabric(job.profile.annotated(), path)
    run.write_json("splits.json", job.dataset.splits_record())


def _settings_of(config: Json) -> tuple[Recipe, SearchSettings]:
    """The recipe and settings that a config.json records."""
    recipe = {field.name: config["recipe"][field.name] for field in fields(Recipe)}
    settings = {field.name: config["settings"][field.name] for field in fields(SearchSettings)}
    weights = recipe["class_weights"]
    tuples = {"drops": tuple(recipe["drops"]), "class_weights": tuple(weights) if isinstance(weights, list) else weights}
    return Recipe(**recipe | tuples), SearchSettings(**settings)
