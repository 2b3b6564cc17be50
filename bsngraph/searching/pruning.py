"""Choosing again from a finished search, under other budgets:

prepare → check budgets → take over θ and Γ → open the run → choose → fine-tune
    → deliver → certify → conclude
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bsngraph.data import Dataset, as_task, load_data
from bsngraph.delivered.named_data import named_data
from bsngraph.delivered.run_data import known_again
from bsngraph.errors import InputError
from bsngraph.fabric import Architecture, Fabric, read_fabric
from bsngraph.measure import CostOptions, Hardware, find_hardware
from bsngraph.measure.pricing import with_recorded
from bsngraph.profile import profile_fabric
from bsngraph.runs import OpenMode, RunFolder
from bsngraph.runs.checkpoint import load_checkpoint
from bsngraph.runs.rows.config import SearchConfig
from bsngraph.runs.run_log import RunLog
from bsngraph.searching.choosing.choosing import choose_architecture
from bsngraph.searching.delivering.certify import certify
from bsngraph.searching.delivering.conclude import conclude, concluded_before
from bsngraph.searching.delivering.deliver import deliver
from bsngraph.searching.delivering.result import Result
from bsngraph.searching.fine_tuning import chosen_before, fine_tune
from bsngraph.searching.learning.learn import new_learning, write_probabilities
from bsngraph.searching.learning.learning_state import LearningState, architecture_in
from bsngraph.searching.learning.one_limit import state_at_limit
from bsngraph.searching.learning.search_epochs import Learning
from bsngraph.searching.opening import open_pruning
from bsngraph.searching.prepare import Job, check, prepare
from bsngraph.searching.request import Destination, Goal, Method, asked_budgets
from bsngraph.training import Progress, Silent
from bsngraph.typed_files import CURE


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
    write the result to the folder `out`. What the search delivered is among the
    candidates, where it is inside.

    `data` stands in for the data set that the run names, if that was given from Python.

    Raises:
        InfeasibleBudgetError: no sub-network is inside the budgets.
        InputError: `path` holds no finished search, or a budget, the device or `out` is
            wrong.
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
    method = Method(recipe=config.recipe, settings=config.settings, seed=config.seed)
    hardware = find_hardware(device, threads)
    return run_pruning(source, config, goal, method, hardware, into, progress or Silent())


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
    profile = profile_fabric(read_fabric(source.file("fabric.dot")))
    recorded = with_recorded(goal.costs, profile, source.path)
    data = searched_data(source, config, goal.data, progress)
    job = prepare(profile, replace(goal.priced_by(recorded), data=data), method, hardware, into, progress)
    if job.budgets.range_index is not None:
        text = job.budgets[job.budgets.range_index].text
        raise InputError(
            f"budget {text!r} is a range, and prune chooses one network: give it a limit, or learn a range "
            "by bsngraph search"
        )
    with hardware.in_use():
        known = check(job, progress)
        learned = take_over(job, source, config, known)
        keep_in_hand(learned, job, source, known)
        with open_pruning(job, into, config) as run:
            if run.finished:
                return concluded_before(job, run, progress)
            log = RunLog(run, into.mode, weighted=method.recipe.class_weights is not None)
            write_probabilities(job, run, learned)
            chosen = chosen_before(job, log) or choose_architecture(job, learned, log, progress)
            net = fine_tune(job, learned, chosen, log, progress)
            deliver(job, run, net)
            certificate = certify(job, run, progress)
            multipliers = learned.multipliers.by_name()
            return conclude(job, run, chosen.architecture, net, certificate, log, progress, multipliers)


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


def take_over(job: Job, source: RunFolder, config: SearchConfig, known: Architecture | None) -> Learning:
    """θ and Γ as the search in `source` left them; of a range, Γ at the job's limit.

    Raises:
        InputError: it was interrupted, or its checkpoint is of another fabric.
    """
    learned, file = new_learning(job, known), source.file("checkpoint.pt")
    saved = load_checkpoint(source, job.device).search
    if saved is None:
        raise InputError(f"{source.path}: the search has not begun to learn: finish it by --resume first")
    limits = {budget.cost.name: budget.limit for budget in job.budgets}
    state = LearningState.from_checkpoint(saved, file)
    learned.load(state_at_limit(state, config.budgets, limits, len(job.fabric.edges), file), file)
    if learned.epoch < job.recipe.epochs:
        raise InputError(
            f"{source.path}: the search stopped after epoch {learned.epoch} of {job.recipe.epochs}: finish "
            "it by --resume first"
        )
    return learned


def keep_in_hand(learned: Learning, job: Job, source: RunFolder, known: Architecture | None) -> None:
    """Make the first of these that is inside the budgets the incumbent, so that it is
    among the candidates: what the search in `source` delivered, the search's own
    incumbent, and `known`.

    Raises:
        InputError: what was delivered is no sub-network of the search's fabric.
    """
    in_hand = (delivered_by(source, job.fabric), learned.incumbent.architecture, known)
    inside = [each for each in in_hand if each is not None and job.budgets.met_by(each.mask)]
    learned.incumbent.architecture = inside[0] if inside else None


def delivered_by(run: RunFolder, fabric: Fabric) -> Architecture | None:
    """The architecture that a run delivered, as live edges of the fabric that was
    searched; None if it has not come to that.

    Raises:
        InputError: it is no sub-network of that fabric.
    """
    file = run.file("architecture.dot")
    if not file.exists():
        return None
    names = [edge.name for edge in read_fabric(file).edges]
    unknown = [name for name in names if name not in fabric.edge_index]
    if unknown:
        raise InputError(f"{file}: fabric.dot has no edge {unknown[0]}: {CURE}")
    return architecture_in(fabric, tuple(sorted(fabric.edge_index[name] for name in names)), file)
