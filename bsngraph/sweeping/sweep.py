"""A sweep, as a whole:

    plan → record → run what has not ended, over workers → tables and pictures

Tables and pictures are written anew whenever a run ends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bsngraph.data import Dataset
from bsngraph.fabric import Fabric
from bsngraph.measure import CostOptions
from bsngraph.profile import FabricProfile, profile_fabric
from bsngraph.searching.request import asked_budgets
from bsngraph.sweeping.axes import budget_axes, parameter_axes_of, seed_axis, setting_axes
from bsngraph.sweeping.outcomes.growing_files import write_outcomes
from bsngraph.sweeping.outcomes.swept_runs import Sweep, read_sweep
from bsngraph.sweeping.plan import PlannedRun, SweepRequest, plan_sweep
from bsngraph.sweeping.record import keep_record, recorded_axes
from bsngraph.sweeping.running import run_all
from bsngraph.sweeping.spreading import Spreading, engine_words
from bsngraph.sweeping.sweep_progress import Growing, SilentSweep, SweepProgress


def sweep(
    fabric: str | Path | Fabric | FabricProfile,
    data: str | Dataset,
    budgets: str | Sequence[str] = (),
    *,
    out: str | Path,
    seeds: int | Sequence[int] = 1,
    parameters: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
    task: str | None = None,
    preset: str | None = None,
    warm_start: str | Path | None = None,
    oracle: bool = False,
    device: str = "auto",
    threads: int = 1,
    costs: CostOptions | None = None,
    workers: int | None = None,
    ray: str | None = None,
    only: tuple[int, int] = (1, 1),
    progress: SweepProgress | None = None,
) -> Sweep:
    """Search once for every combination of budgets, parameters, settings and seeds,
    each in a run folder of its own under `out`.

    `budgets` read like those of the command line, `["macs=10%,25%"]`. `seeds` are so
    many from 0 on, or these. `parameters` (of the fabric's file, then given as a path)
    and `settings` (fields of `Recipe` and `SearchSettings`) hold a value, or a list of
    several. The rest is the same for all runs, and means what it means to `search`.

    Runs are spread over `workers` processes (as many as cores), or over the Ray cluster
    at the address `ray`. `only=(2, 4)` takes the second of four shares of the runs.

    What has finished is not run again, what was interrupted goes on, a failed run is
    tried again and stops no other. Each has the bits of `search` with the same options
    and threads. The sweep holds the runs that this call asked for; `sweep.csv` and
    `front.csv` those of all calls with the same `out`.

    Raises:
        FabricError, InputError: something is wrong with the fabric, the data, a
            combination, or the folder, which may hold a sweep of something else.
        RunFailedError: no Ray cluster can be reached.
    """
    request = SweepRequest(
        fabric=_fabric(fabric),
        data=data,
        axes=(
            *budget_axes(asked_budgets(budgets)),
            *parameter_axes_of(parameters or {}),
            *setting_axes(settings or {}),
            seed_axis(range(seeds) if isinstance(seeds, int) else seeds),
        ),
        task=task,
        preset=preset,
        warm_start=None if warm_start is None else Path(warm_start),
        oracle=oracle,
        costs=costs or CostOptions(),
        device=device,
        threads=threads,
    )
    return run_sweep(request, Path(out), Spreading(workers, ray, only), progress or SilentSweep())


def _fabric(given: str | Path | Fabric | FabricProfile) -> Path | FabricProfile:
    if isinstance(given, str | Path):
        return Path(given)
    return profile_fabric(given) if isinstance(given, Fabric) else given


def run_sweep(request: SweepRequest, folder: Path, spreading: Spreading, progress: SweepProgress) -> Sweep:
    """The stages of a sweep, one call each.

    Raises:
        BsngraphError: as `sweep` says.
    """
    with spreading.ahead(request):
        plan = plan_sweep(spreading.placed(request), recorded_axes(folder), progress.note)
        keep_record(folder, plan.record)
        asked = spreading.share(plan.runs)
        left = _left(asked, read_sweep(folder))
        engine = spreading.engine(plan.request, len(left))
        growing = Growing(folder, progress)
        growing.begin(engine_words(engine), len(left))
        try:
            run_all(plan, left, folder, engine, growing)
        except BaseException:
            write_outcomes(folder)  # what is interrupted is no longer running
            raise
    swept = growing.end()
    names = {run.name for run in asked}
    return replace(swept, rows=tuple(row for row in swept.rows if row.name in names))


def _left(asked: Sequence[PlannedRun], swept: Sweep) -> list[PlannedRun]:
    """The runs that have not ended, those of the first seed first, so that the front is
    seen early; of one seed the longest first, so that the workers end together.
    """
    rows = {row.name: row for row in swept.rows}
    seeds = list(dict.fromkeys(run.method.seed for run in asked))

    def place(run: PlannedRun) -> tuple[float, ...]:
        limits = (limit.limit or 0.0 for limit in rows[run.name].budgets)
        return seeds.index(run.method.seed), -_work(run), *(-limit for limit in limits)

    return sorted((run for run in asked if rows[run.name].state not in ("finished", "infeasible")), key=place)


def _work(run: PlannedRun) -> float:
    """Roughly how long a run takes, in MACs of an example."""
    settings = run.method.settings
    trained = settings.finalists * settings.finalist_epochs + settings.finetune_epochs
    return (run.method.recipe.epochs + trained) * float(run.profile.macs.sum())
