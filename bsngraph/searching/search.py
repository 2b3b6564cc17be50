"""A search, as a whole:

    prepare → check budgets → open the run → learn → choose → fine-tune
        → deliver → certify → conclude

A range of limits has a network for each of many limits: what is chosen, fine-tuned and
delivered are then the networks of a front.

After every epoch everything needed to go on is on disk. Test data is read once, at the
very end, when the network is delivered and certified.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bsngraph.costs import asks_range
from bsngraph.data import Dataset
from bsngraph.fabric import Fabric
from bsngraph.measure import CostOptions, Hardware
from bsngraph.profile import FabricProfile
from bsngraph.runs import OpenMode
from bsngraph.runs.run_log import RunLog
from bsngraph.searching.again.finalists_left import finalists_kept
from bsngraph.searching.choosing.choosing import choose_architecture
from bsngraph.searching.choosing.finalists.train_finalists import workers_ready
from bsngraph.searching.choosing.oracle import choices_to_try, write_oracle
from bsngraph.searching.delivering.certify import certify
from bsngraph.searching.delivering.conclude import conclude, concluded_before
from bsngraph.searching.delivering.deliver import deliver
from bsngraph.searching.delivering.result import Result
from bsngraph.searching.fine_tuning import chosen_before, fine_tune
from bsngraph.searching.fronts.choose_front import choose_front
from bsngraph.searching.fronts.deliver_front import deliver_front
from bsngraph.searching.learning.learn import learn
from bsngraph.searching.learning.sharing import UNSHARED, Sharing, shared_hardware, sharing, take_part
from bsngraph.searching.learning.warm_start import read_warm_start
from bsngraph.searching.opening import open_search
from bsngraph.searching.prepare import check, prepare
from bsngraph.searching.request import Destination, Goal, Method, asked_budgets, check_learning, check_rates
from bsngraph.settings import Recipe, SearchSettings, resolve_settings
from bsngraph.training import Progress, Silent


def search(
    fabric: Fabric | FabricProfile,
    data: str | Dataset,
    budgets: str | Sequence[str] = (),
    *,
    out: str | Path,
    task: str | None = None,
    seed: int = 0,
    recipe: Recipe | None = None,
    settings: SearchSettings | None = None,
    preset: str | None = None,
    warm_start: str | Path | None = None,
    weights: str | Path | None = None,
    oracle: bool = False,
    device: str = "auto",
    threads: int | None = None,
    workers: int | None = None,
    costs: CostOptions | None = None,
    mode: OpenMode = "new",
    progress: Progress | None = None,
) -> Result:
    """Find the best sub-network of a fabric inside the budgets, and write it to the
    folder `out`.

    `budgets` read like those of the command line, `"macs=25%"` or `["macs=25%",
    "latency=5ms"]`; `costs` says where the user's own come from. One may be a range,
    `"macs=10%..60%"`: a network is then delivered for each of several limits in it.
    `task` stands for what the data says it is for. `recipe` and `settings` are those of
    `preset` (a name in `PRESETS`), or the defaults, unless they are given. `warm_start`
    is the folder of another search of the same fabric, whose weights and Γ this one
    starts from; `weights` is a file of weights by edge name, as model.safetensors is,
    that learning begins with instead. With `oracle` every sub-network of a fabric of at
    most 14 decisions is judged as well, for oracle.csv and oracle.json. Up to `workers`
    processes train finalists, and the networks of a range, side by side, on a CPU.

    The same seed, machine, device, versions and threads give the same result, bit for
    bit on the CPU, also when the run is resumed (`mode="resume"`), of a latency with
    the same table. Under torchrun a search with `shards` is that of all processes.

    Raises:
        InfeasibleBudgetError: no sub-network is inside the budgets; nothing was trained
            or written.
        FabricError, InputError: something that is given, or the folder, is wrong.
        RunFailedError: the loss stopped being finite.
    """
    goal = Goal(data=data, task=task, budgets=asked_budgets(budgets), costs=costs or CostOptions())
    warm, ranged = warm_start is not None, asks_range(goal.budgets)
    by_hand = {"optimizer": recipe.optimizer} if isinstance(recipe, Recipe) else None
    usual_recipe, usual_settings = resolve_settings(preset, warm=warm, ranged=ranged, recipe=by_hand)
    method = Method(
        recipe=recipe or usual_recipe,
        settings=settings or usual_settings,
        seed=seed,
        preset=preset,
        warm_start=None if warm_start is None else Path(warm_start),
        weights=None if weights is None else Path(weights),
        oracle=oracle,
    )
    hardware, into = shared_hardware(method, device, threads, workers), Destination(Path(out), mode)
    return run_shared(fabric, goal, method, hardware, into, progress or Silent())


def run_shared(
    fabric: Fabric | FabricProfile,
    goal: Goal,
    method: Method,
    hardware: Hardware,
    into: Destination,
    progress: Progress,
) -> Result:
    """The search in this process, together with those that were started with it.

    Raises:
        BsngraphError: as `search` says, or another process ended.
    """
    with sharing(method, hardware) as shared:
        into = shared.at_attempt(into)
        if shared.team.first:
            return run_search(fabric, goal, method, hardware, into, progress, shared)
        return take_part(shared, fabric, goal, method, hardware, into)


def run_search(
    fabric: Fabric | FabricProfile,
    goal: Goal,
    method: Method,
    hardware: Hardware,
    into: Destination,
    progress: Progress,
    shared: Sharing = UNSHARED,
) -> Result:
    """The stages of a search, one call each; the other processes that share it are in
    `take_part`.

    Raises:
        BsngraphError: as `search` says.
    """
    check_rates(method)
    check_learning(method)
    job = prepare(fabric, goal, method, hardware, into, progress)
    shared.tell(job, progress)
    if method.oracle:
        choices_to_try(job.fabric)  # refused now if there are too many, and not after learning
    before = read_warm_start(job.profile, job.dataset, method.warm_start, into)
    with hardware.in_use():
        known = check(job, progress)
        with open_search(job, into, before) as run:
            shared.begun(into)
            shared.tell_learning(not run.finished)
            if run.finished:
                return shared.tell_result(concluded_before(job, run, progress))
            log = RunLog(run, into.mode, weighted=method.recipe.class_weights is not None)
            with workers_ready(job):
                learned = learn(job, run, log, known, before, progress, shared.team)
                chosen = chosen_before(job, learned, log, finalists_kept(job, learned.net, log))
                if chosen is None:
                    best = choose_architecture(job, learned, log, progress)
                    chosen = choose_front(job, learned, best, log, progress)
                shared.tell_chosen()
                ready = fine_tune(job, learned, chosen, log, progress)
            front = deliver_front(job, run, ready, progress)
            delivered = ready[-1] if front is None else front.main
            if method.oracle:
                write_oracle(job, run, learned.net, delivered.architecture, progress)
            deliver(job, run, delivered.net)
            certificate = certify(job, run, progress)
            multipliers = learned.multipliers.by_name()
            result = conclude(job, run, delivered, certificate, log, progress, multipliers, front)
            return shared.tell_result(result)
