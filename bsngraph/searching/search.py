"""A search reads as: prepare, check budgets, open the run, learn, choose, fine-tune,
deliver.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bsngraph.data import Dataset
from bsngraph.fabric import Fabric
from bsngraph.measure import CostOptions
from bsngraph.measure.pricing import with_recorded
from bsngraph.profile import FabricProfile
from bsngraph.runs import OpenMode, open_run, reading
from bsngraph.runs.run_log import RunLog
from bsngraph.searching.choosing.choose import choose_and_deliver
from bsngraph.searching.choosing.oracle import every_architecture
from bsngraph.searching.delivering.deliver import write_probabilities
from bsngraph.searching.delivering.result import Result
from bsngraph.searching.prepare import prepare
from bsngraph.searching.stages import (
    finished,
    keep_epoch,
    keep_fabric,
    known_inside,
    new_learning,
    profiled,
    tell_budgets,
    warm_start_of,
)
from bsngraph.settings import Recipe, SearchSettings, resolve_settings
from bsngraph.training import Progress, Silent


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
    """Find the best sub-network of a fabric inside the budgets, and write it to the
    folder `out`.

    `budgets` read like those of the command line, `["macs=25%", "latency=5ms"]`;
    `costs` says where the user's own come from. `task` is what the network is for,
    where that is not what the data says: regression on numbered classes, for example.
    Where `recipe` or `settings` are not given they are those of `preset` (a name in
    `PRESETS`), or the defaults. `warm_start` is the folder of another search of the
    same fabric, whose weights and Γ this one starts from. With `oracle` every
    sub-network of a fabric of at most 14 decisions is judged as well, for oracle.csv
    and oracle.json. The same seed, machine, device, versions and threads give the same
    result, bit for bit on the CPU, also when the run is interrupted and resumed
    (`mode="resume"`); where latency is a cost, with the same table of it.

    Raises:
        InfeasibleBudgetError: no sub-network is inside the budgets; nothing was trained
            or written.
        FabricError, InputError: something about the fabric, the data, the budgets or
            the folder is wrong.
        RunFailedError: the loss stopped being finite.
    """
    progress, profile = progress or Silent(), profiled(fabric)
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
    tell_budgets(job, progress)
    if oracle:
        every_architecture(profile.fabric)
    before = None if warm_start is None else warm_start_of(warm_start, Path(out), profile)
    with job.hardware.in_use():
        known = known_inside(job, progress)
        run = open_run(
            Path(out),
            job.config("search", preset=preset, warm_start=before and before.record(), oracle=oracle),
            mode,
        )
        keep_fabric(job, run)
        if run.finished:
            return finished(job, run, progress)
        log = RunLog(run, mode)
        learning = new_learning(job, known)
        if before is not None:
            learning.start_from(before)
        if log.state.get("search"):
            with reading(run, "checkpoint.pt"):
                learning.load(log.state["search"])
        learning.run(progress, lambda row: keep_epoch(job, run, learning, log, row))
        write_probabilities(job, run, learning.distribution)
        return choose_and_deliver(job, run, learning, log, progress, oracle=oracle)


# --- the steps of a search
