"""The four kinds of run: search a fabric, choose again from a search, train a network, measure a delivered one.

A search reads as: prepare → check budgets → learn θ and Γ → choose the architecture → fine-tune it → measure and
deliver. After every epoch everything needed to go on is on disk.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.torch import load_file

from bsngraph.costs import FabricProfile, amount, check_budgets
from bsngraph.data import Dataset
from bsngraph.errors import InputError
from bsngraph.fabric import Architecture, Fabric, architecture_of, read_fabric, write_fabric
from bsngraph.fabric.fabric_to_dot import fabric_to_dot
from bsngraph.searching.delivery import Result, deliver, write_probabilities
from bsngraph.searching.evaluation import Score, evaluate_net, recompute_batch_norm
from bsngraph.searching.job import Job, prepare, running
from bsngraph.searching.learning import Learning
from bsngraph.searching.model_facts import read_facts
from bsngraph.searching.progress import Progress, Silent
from bsngraph.searching.randomness import derived_seed, generator_for
from bsngraph.searching.run_folder import Json, OpenMode, RunFolder, open_run
from bsngraph.searching.selection import choose, propose
from bsngraph.searching.settings import Recipe, SearchSettings
from bsngraph.searching.training import NetTraining
from bsngraph.supernet import SuperNet, compile_fabric, load_named_weights, prune, prune_net


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
    device: str = "auto",
    threads: int | None = None,
    mode: OpenMode = "new",
    progress: Progress | None = None,
) -> Result:
    """Find the best sub-network of a fabric inside the budgets, and write it to the folder `out`.

    `budgets` read like those of the command line, `["macs=25%"]`. `task` is what the network is for, where that is not what the data
    says: regression on numbered classes, for example. The same seed, machine, device, versions and threads give the same result, bit
    for bit on the CPU, also when the run is interrupted and resumed (`mode="resume"`).

    Raises:
        InfeasibleBudgetError: no sub-network is inside the budgets; nothing was trained or written.
        FabricError, InputError: something about the fabric, the data, the budgets or the folder is wrong.
        RunFailedError: the loss stopped being finite.
    """
    job = prepare(
        fabric,
        data,
        budgets,
        recipe=recipe or Recipe(),
        settings=settings or SearchSettings(),
        seed=seed,
        device=device,
        threads=threads,
        task=task,
    )
    progress = progress or Silent()
    _tell_budgets(job, progress)
    with running(job):
        check_budgets(job.fabric, job.budgets)
        run = open_run(Path(out), job.config("search"), mode)
        _keep_fabric(job, run)
        if run.finished:
            return _finished(job, run, progress)
        log = _Log(run, mode)
        learning = _new_learning(job)
        if log.state.get("search"):
            with _reading(run, "checkpoint.pt"):
                learning.load(log.state["search"])
        learning.run(progress, lambda row: log.keep(row, search=learning.state()))
        write_probabilities(job, run, learning.distribution)
        return _choose_and_deliver(job, run, learning, log, progress)


def prune_run(
    path: str | Path,
    budgets: Sequence[str],
    *,
    out: str | Path,
    device: str = "auto",
    threads: int | None = None,
    mode: OpenMode = "new",
    data: Dataset | None = None,
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
    with _reading(found, "config.json"):
        recipe, settings = _settings_of(config)
        name, task, seed = str(config["data"]["name"]), str(config["data"]["task"]), int(config["seed"])
    job = prepare(
        read_fabric(found.file("fabric.dot")),
        data or name,
        budgets,
        recipe=recipe,
        settings=settings,
        seed=seed,
        device=device,
        threads=threads,
        task=task,
    )
    progress = progress or Silent()
    _tell_budgets(job, progress)
    with running(job):
        check_budgets(job.fabric, job.budgets)
        learning = _new_learning(job)
        with _reading(found, "checkpoint.pt"):
            learning.load(found.read_checkpoint(job.device)["search"])
        if learning.epoch < job.recipe.epochs:
            raise InputError(f"{path}: the search stopped after epoch {learning.epoch} of {job.recipe.epochs}: finish it by --resume first")
        run = open_run(Path(out), job.config("prune", chosen_from=config), mode)
        _keep_fabric(job, run)
        if run.finished:
            return _finished(job, run, progress)
        write_probabilities(job, run, learning.distribution)
        return _choose_and_deliver(job, run, learning, _Log(run, mode), progress)


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
    with running(job):
        run = open_run(Path(out), job.config("train"), mode)
        _keep_fabric(job, run)
        if run.finished:
            return _finished(job, run, progress)
        log = _Log(run, mode)
        whole = architecture_of(job.fabric, np.ones(len(job.fabric.edges), dtype=np.bool_))
        net = compile_fabric(prune(job.profile, whole), seed=derived_seed(seed, "weights")).to(job.device)
        training = NetTraining(net, job.dataset, job.recipe, seed, "training")
        if log.state.get("training"):
            with _reading(run, "checkpoint.pt"):
                training.load(log.state["training"])
        training.run(progress, lambda row: log.keep(row, training=training.state()))
        return deliver(job, run, whole, net, log.seconds(), progress)


@dataclass(frozen=True)
class Evaluation:
    """A delivered network measured again: its test score and costs."""

    dataset: str
    score: Score
    costs: Mapping[str, float]


def evaluate_run(path: str | Path, *, data: str | Dataset | None = None, device: str = "auto", threads: int | None = None) -> Evaluation:
    """Measure a run's delivered network (architecture.dot with model.safetensors) on the test split, from its files alone.

    Raises:
        InputError: `path` holds no finished run, its files do not fit each other, or the data is not here.
    """
    run = RunFolder(Path(path))
    config = run.read_json("config.json")
    with _reading(run, "config.json"):
        name = str(config["data"]["name"])
    net, facts = load_net(run), read_facts(run.file("model.safetensors"))
    job = prepare(
        net.profile,
        data or name,
        (),
        task=facts.task,
        recipe=Recipe(),
        settings=SearchSettings(),
        seed=0,
        device=device,
        threads=threads,
    )
    dataset = facts.normalising(job.dataset)
    with running(job):
        net.to(job.device)
        task = facts.bound_task(job.device)
        score = evaluate_net(net, dataset, dataset.test, np.ones(len(net.fabric.edges), dtype=np.bool_), task)
    return Evaluation(job.dataset.name, score, {cost.name: cost.total for cost in job.costs})


def load_net(run: RunFolder | str | Path) -> SuperNet:
    """A run's delivered network with its weights, on the CPU, in evaluation mode.

    Raises:
        InputError: its files are missing or do not fit each other.
    """
    folder = run if isinstance(run, RunFolder) else RunFolder(Path(run))
    architecture, model = folder.file("architecture.dot"), folder.file("model.safetensors")
    if not (architecture.exists() and model.exists()):
        raise InputError(f"{folder.path}: there is no finished network in it (architecture.dot, model.safetensors)")
    net = compile_fabric(read_fabric(architecture), seed=0)
    try:
        weights = load_file(model)
    except (SafetensorError, OSError) as error:
        raise InputError(f"{model}: cannot be read as safetensors ({error})") from None
    load_named_weights(net, weights)
    return net.eval()


# --- the steps of a search


def _new_learning(job: Job) -> Learning:
    net = compile_fabric(job.profile, seed=derived_seed(job.seed, "weights")).to(job.device)
    return Learning(net, job.dataset, job.budgets, job.costs, job.recipe, job.settings, job.seed)


def _choose_and_deliver(job: Job, run: RunFolder, learning: Learning, log: _Log, progress: Progress) -> Result:
    """The second half of a search: architecture, fine-tuning, delivery."""
    before = log.state.get("finetune")
    architecture = Architecture(len(job.fabric.edges), tuple(before["live"])) if before else _choose(job, learning, progress)
    net = prune_net(learning.net, architecture)
    recompute_batch_norm(net, job.dataset, np.ones(len(net.fabric.edges), dtype=np.bool_))
    if job.settings.finetune_epochs:
        recipe = replace(job.recipe, epochs=job.settings.finetune_epochs, learning_rate=job.settings.finetune_rate)
        tuning = NetTraining(net, job.dataset, recipe, job.seed, "finetune")
        if before:
            tuning.load(before)
        live = list(architecture.live)
        tuning.run(progress, lambda row: log.keep(row, search=learning.state(), finetune={"live": live, **tuning.state()}))
    return deliver(job, run, architecture, net, log.seconds(), progress)


def _choose(job: Job, learning: Learning, progress: Progress) -> Architecture:
    progress.note("choosing the architecture on validation data …")
    net = copy.deepcopy(learning.net)  # candidates replace its BatchNorm statistics
    proposals = propose(learning.distribution, net, job.budgets, job.settings.candidates, generator_for(job.seed, "candidates"))
    best, *others = choose(net, job.dataset, proposals, job.budgets, job.task)
    progress.note(
        f"chose the best of {1 + len(others)} architectures inside the budget by validation loss: "
        f"{len(set(best.architecture.live) & set(job.fabric.searchable))} of {len(job.fabric.searchable)} searchable edges, "
        f"validation {best.score.shown(1)} with the shared weights"
    )
    return best.architecture


def _tell_budgets(job: Job, progress: Progress) -> None:
    for budget in job.budgets:
        if budget.slack:
            progress.note(f"budget {budget.text} is slack: the whole fabric costs {amount(budget.cost.total, budget.cost)}")


class _Log:
    """A run's metrics and checkpoint, kept in step: the checkpoint decides which rows of the metrics count."""

    def __init__(self, run: RunFolder, mode: OpenMode) -> None:
        self.run = run
        resumed = mode == "resume" and run.file("checkpoint.pt").exists()
        self.state: Json = run.read_checkpoint() if resumed else {"rows": 0, "seconds": 0.0}
        with _reading(run, "checkpoint.pt"):
            self.rows: list[Json] = run.read_metrics()[: int(self.state["rows"])]
            self.started = time.perf_counter() - float(self.state["seconds"])

    def seconds(self) -> float:
        """Wall-clock seconds of the run so far, those before an interruption included."""
        return time.perf_counter() - self.started

    def keep(self, row: Json, **state: Any) -> None:
        """Write an epoch's metrics, then its checkpoint."""
        self.rows.append(row)
        self.run.write_metrics(self.rows)
        self.run.write_checkpoint({"rows": len(self.rows), "seconds": self.seconds(), **state})


def _finished(job: Job, run: RunFolder, progress: Progress) -> Result:
    """What a run delivered that had ended when it was resumed: its test data is not read again."""
    progress.note(f"{run.path} had ended already: this is what it delivered")
    net = load_net(run)
    with _reading(run, "architecture.dot"):
        live = tuple(sorted(job.fabric.edge_index[edge.name] for edge in net.fabric.edges))
    return Result(run, Architecture(len(job.fabric.edges), live), net.to(job.device), run.read_json("result.json"))


def _keep_fabric(job: Job, run: RunFolder) -> None:
    """Write fabric.dot, and splits.json: which examples train, choose and test. A run that is resumed must have the same fabric.

    Raises:
        InputError: it has another.
    """
    path, text = run.file("fabric.dot"), fabric_to_dot(job.profile.annotated())
    if path.exists() and path.read_bytes() != text.encode("utf-8"):
        raise InputError(f"{path} is not the fabric given: resume with the run's own fabric and --set, or start another run in a new --out")
    write_fabric(job.profile.annotated(), path)
    run.write_json("splits.json", job.dataset.splits_record())


@contextmanager
def _reading(run: RunFolder, name: str) -> Iterator[None]:
    """What fails inside is the fault of one of the run's files: it is whole, but does not hold what it should.

    Raises:
        InputError: something did.
    """
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{run.file(name)}: is damaged, or was written by another version of bsngraph ({reason})") from None


def _settings_of(config: Json) -> tuple[Recipe, SearchSettings]:
    """The recipe and settings that a config.json records."""
    recipe = {field.name: config["recipe"][field.name] for field in fields(Recipe)}
    settings = {field.name: config["settings"][field.name] for field in fields(SearchSettings)}
    weights = recipe["class_weights"]
    tuples = {"drops": tuple(recipe["drops"]), "class_weights": tuple(weights) if isinstance(weights, list) else weights}
    return Recipe(**recipe | tuples), SearchSettings(**settings)
