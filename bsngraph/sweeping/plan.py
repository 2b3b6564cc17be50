"""Every combination of what varies, checked as a whole before anything runs.

In: a fabric, data, axes, and what all runs share. Out: a `Plan`, whose runs have a
name, shapes, budgets and settings of their own, and the record of what was asked.
"""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bsngraph.costs import asks_range
from bsngraph.costs.budgets import Budgets
from bsngraph.data import Dataset, load_data
from bsngraph.delivered.network_files import file_hash
from bsngraph.errors import InputError
from bsngraph.fabric import draft_file
from bsngraph.fabric.writing.fabric_to_dot import fabric_to_dot
from bsngraph.measure import CostOptions, Hardware, find_hardware
from bsngraph.profile import FabricProfile, profile_draft
from bsngraph.runs.rows.config import AskedCosts, WarmStartRecord
from bsngraph.searching.learning.warm_start import read_warm_start
from bsngraph.searching.opening import versions_here
from bsngraph.searching.prepare import Job, prepare
from bsngraph.searching.request import Destination, Goal, Method, check_learning, check_rates
from bsngraph.settings import Recipe, resolve_settings, setting_rows
from bsngraph.sweeping.ahead import is_measured
from bsngraph.sweeping.axes import Axis, AxisValue
from bsngraph.sweeping.record import PlannedLimit, PlannedRow, ShownMetric, SweepRecord
from bsngraph.sweeping.run_names import run_name
from bsngraph.training import Progress, Silent

_MOST_RUNS = 10_000
_RECIPE = frozenset(row.name for row in setting_rows(Recipe))


@dataclass(frozen=True, kw_only=True)
class SweepRequest:
    """What a sweep is asked: `axes` are everything that is given with one value or
    several, seeds among them. The rest is the same for every run.

    With `elsewhere` the runs are not for this machine: latencies are not measured here.
    """

    fabric: Path | FabricProfile
    data: str | Dataset
    axes: tuple[Axis, ...]
    task: str | None = None
    preset: str | None = None
    warm_start: Path | None = None
    oracle: bool = False
    costs: CostOptions = field(default_factory=CostOptions)
    device: str = "auto"
    threads: int = 1
    elsewhere: bool = False


@dataclass(frozen=True)
class PlannedRun:
    """A run: everything that it does not share with the others."""

    name: str
    profile: FabricProfile
    budgets: tuple[str, ...]
    method: Method


@dataclass(frozen=True)
class Plan:
    """The runs in the order of the table, the data, and what was asked for."""

    request: SweepRequest
    dataset: Dataset
    runs: tuple[PlannedRun, ...]
    record: SweepRecord


_Values = tuple[tuple[Axis, AxisValue], ...]


class _Noted(Silent):
    """Gives each note to a function, and shows nothing else."""

    def __init__(self, take: Callable[[str], None]) -> None:
        self._take = take

    def note(self, text: str) -> None:
        """Pass the note on."""
        self._take(text)


def plan_sweep(request: SweepRequest, recorded: Sequence[str], note: Callable[[str], None]) -> Plan:
    """Read the data and the fabric, and check every combination. `recorded` are the
    axes that the sweep's folder has already; `note` takes what the user should see.

    Raises:
        BsngraphError: as a search says of the first combination that is wrong.
    """
    count = math.prod(len(axis.choices) for axis in request.axes)
    if count > _MOST_RUNS:
        raise InputError(f"these are {count} combinations: a sweep has at most {_MOST_RUNS}")
    axes = [axis for axis in request.axes if _varies(axis, recorded)]
    data = request.data
    dataset = load_data(data, notify=note) if isinstance(data, str) else data
    hardware = find_hardware("cpu" if request.elsewhere else request.device, request.threads)
    profiles: dict[_Values, FabricProfile] = {}
    runs: list[PlannedRun] = []
    rows: list[PlannedRow] = []
    first: Job | None = None
    for choices in itertools.product(*(axis.choices for axis in request.axes)):
        values = tuple(zip(request.axes, choices, strict=True))
        parameters = tuple(value for value in values if value[0].kind == "parameter")
        if parameters not in profiles:
            profiles[parameters] = _profile(request.fabric, parameters)
        run = _planned(request, axes, values, profiles[parameters])
        job = _checked(request, run, dataset, hardware, _Noted(note))
        first = first or job
        runs.append(run)
        rows.append(_row(axes, values, run, job))
    assert first is not None
    return Plan(request, dataset, tuple(runs), _record(request, axes, first, rows))


def _varies(axis: Axis, recorded: Sequence[str]) -> bool:
    """Whether an axis is in the names: budgets and seeds always are, so that more
    values can be added.
    """
    return len(axis.choices) > 1 or axis.kind in ("budget", "seed") or axis.label in recorded


def _profile(fabric: Path | FabricProfile, parameters: _Values) -> FabricProfile:
    if isinstance(fabric, Path):
        return profile_draft(draft_file(fabric, {axis.name: choice.given for axis, choice in parameters}))
    if parameters:
        raise InputError("parameters are set in a fabric's file: give its path in place of a Fabric")
    return fabric


def _planned(
    request: SweepRequest, axes: Sequence[Axis], values: _Values, profile: FabricProfile
) -> PlannedRun:
    fields = {
        name: value
        for axis, choice in values
        if axis.kind == "setting"
        for name, value in choice.given.items()
    }
    budgets = tuple(choice.given for axis, choice in values if axis.kind == "budget")
    recipe, settings = resolve_settings(
        request.preset,
        warm=request.warm_start is not None,
        ranged=asks_range(budgets),
        recipe={name: value for name, value in fields.items() if name in _RECIPE},
        settings={name: value for name, value in fields.items() if name not in _RECIPE},
    )
    (seed,) = (choice.given for axis, choice in values if axis.kind == "seed")
    method = Method(
        recipe=recipe,
        settings=settings,
        seed=seed,
        preset=request.preset,
        warm_start=request.warm_start,
        oracle=request.oracle,
    )
    check_rates(method)
    check_learning(method)
    name = run_name([(axis, choice) for axis, choice in values if axis in axes])
    return PlannedRun(name, profile, budgets, method)


def _checked(
    request: SweepRequest, run: PlannedRun, dataset: Dataset, hardware: Hardware, progress: Progress
) -> Job:
    """The run as a job of this machine, without costs that are measured elsewhere."""
    unknown = request.elsewhere and request.costs.latencies is None
    budgets = tuple(text for text in run.budgets if not (unknown and is_measured(text)))
    goal = Goal(data=dataset, task=request.task, budgets=budgets, costs=request.costs)
    return prepare(run.profile, goal, run.method, hardware, Destination(Path(run.name)), progress)


def _row(axes: Sequence[Axis], values: _Values, run: PlannedRun, job: Job) -> PlannedRow:
    return PlannedRow(
        name=run.name,
        values={axis.label: choice.text for axis, choice in values if axis in axes},
        budgets=_limits(job.budgets),
    )


def _limits(budgets: Budgets) -> tuple[PlannedLimit, ...]:
    return tuple(
        PlannedLimit(cost=each.cost.name, relation=each.relation, limit=each.limit) for each in budgets
    )


def _record(request: SweepRequest, axes: Sequence[Axis], job: Job, rows: Sequence[PlannedRow]) -> SweepRecord:
    headline, costs = job.task.row.headline, request.costs
    latencies = costs.latencies
    return SweepRecord(
        fabric=job.fabric.name,
        fabric_sha256=_fabric_hash(request.fabric),
        data=job.dataset.name,
        data_fingerprint=job.dataset.fingerprint(),
        task=job.dataset.task,
        metric=ShownMetric(
            name=headline.name,
            title=headline.title,
            percent=headline.percent,
            higher_is_better=headline.higher_is_better,
        ),
        preset=request.preset,
        warm_start=_warm_start(request, job),
        oracle=request.oracle,
        costs=AskedCosts(
            own=costs.own,
            timeout_s=costs.timeout_s,
            latency_batch=costs.latency_batch,
            latencies=file_hash(Path(latencies)) if isinstance(latencies, str | Path) else None,
        ),
        device=request.device,
        threads=request.threads,
        versions={name: text for name, text in versions_here().items() if name != "machine"},
        axes=tuple(axis.label for axis in axes),
        fixed={axis.label: axis.choices[0].text for axis in request.axes if axis not in axes},
        runs=tuple(rows),
    )


def _warm_start(request: SweepRequest, job: Job) -> WarmStartRecord | None:
    into = Destination(Path("sweep"))
    before = read_warm_start(job.profile, job.dataset, request.warm_start, into)
    return None if before is None else WarmStartRecord(path=before.path, sha256=before.sha256)


def _fabric_hash(fabric: Path | FabricProfile) -> str:
    if isinstance(fabric, Path):
        return file_hash(fabric)
    return hashlib.sha256(fabric_to_dot(fabric.fabric).encode("utf-8")).hexdigest()
