"""Where a run's costs come from: the fabric, the user's own functions, and latencies
measured here, on another device, or by the run before.

In: what was asked for (`CostOptions`), the budgets. Out: `Sources` for `price`, and the
table of latencies where one was needed.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bsngraph.costs import BudgetRequest, Sources, check_units
from bsngraph.costs.table import DURATION
from bsngraph.costs.user_costs import load_user_cost
from bsngraph.errors import InputError
from bsngraph.measure.device import Hardware
from bsngraph.measure.engines import LATENCY_ENGINES, TORCH_ENGINE, LatencyEngine, is_latency
from bsngraph.measure.latency import edge_latencies
from bsngraph.measure.latency_table import LatencyTable, conditions_here
from bsngraph.measure.piecewise.cache import default_cache
from bsngraph.measure.piecewise.piece_timings import Report
from bsngraph.measure.table_file import read_latencies
from bsngraph.profile import FabricProfile
from bsngraph.runs import RunFolder
from bsngraph.settings import CostSettings
from bsngraph.settings.kinds import check_kinds

if TYPE_CHECKING:
    from bsngraph.training import Progress

_PAUSE_S = 10.0  # between two lines on how far measuring is


@dataclass(frozen=True, kw_only=True)
class CostOptions(CostSettings):
    """How costs are found, and a table of latencies, or a file of one, which stands for
    measuring the edges.
    """

    latencies: LatencyTable | str | Path | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_kinds(self)


def find_sources(
    profile: FabricProfile,
    requests: Sequence[BudgetRequest],
    options: CostOptions,
    hardware: Hardware,
    progress: Progress,
) -> tuple[Sources, LatencyTable | None]:
    """The sources of the budgets' costs; edges are measured only where a budget asks
    for milliseconds that the file does not have.

    Raises:
        InputError: a cost of the user's own cannot be loaded, a limit is in a wrong
            unit, the device cannot be measured, or a table is not of the fabric.
    """
    own = {
        cost.name: cost
        for cost in (load_user_cost(text, profile, timeout_s=options.timeout_s) for text in options.own)
    }
    check_units(requests)
    engine = _engine(requests)
    if isinstance(options.latencies, str | Path):
        table: LatencyTable | None = _from_file(
            Path(options.latencies), profile, requests, options, hardware, progress
        )
    else:
        table = options.latencies
        measured = [request for request in requests if _is_measured(profile, request)]
        if measured and (table is None or not _stands_for(table, engine)):
            table = measured_table(profile, engine, options.latency_batch, hardware, progress)
    return Sources(None if table is None else lambda _: table.per_edge, own), table


def measured_table(
    profile: FabricProfile, engine: LatencyEngine, batch: int, hardware: Hardware, progress: Progress
) -> LatencyTable:
    """The latencies of a fabric's edges, measured here.

    Raises:
        InputError: the device or the engine cannot be measured.
    """
    device = "cpu" if engine.cpu_only else hardware.device
    progress.note(
        f"measuring the latency of {len(profile.fabric.edges)} edges on {device} with "
        f"{hardware.threads} threads …"
    )
    table = edge_latencies(
        profile,
        device=device,
        threads=hardware.threads,
        batch=batch,
        cache=default_cache(),
        engine=engine,
        report=_now_and_then(progress),
    )
    if table.calibration.error is not None:
        progress.note(
            f"the sum of edges misses whole networks by {100 * table.calibration.error:.0f} % on average"
        )
    return table


def _now_and_then(progress: Progress) -> Report:
    """A report that says how far measuring is, unless it has just been said."""
    said = time.monotonic()

    def report(done: int, of: int) -> None:
        nonlocal said
        if time.monotonic() - said >= _PAUSE_S:
            said = time.monotonic()
            progress.note(f"measuring: {100 * done // of} % of {of} measurements are done")

    return report


def _from_file(
    path: Path,
    profile: FabricProfile,
    requests: Sequence[BudgetRequest],
    options: CostOptions,
    hardware: Hardware,
    progress: Progress,
) -> LatencyTable:
    """The table of a file. It keeps its spread unless networks can be measured whole
    here under its conditions.
    """
    other = [request.text for request in requests if is_latency(request.cost) and request.cost != "latency"]
    if other:
        raise InputError(
            f"budget {other[0]!r} is measured here, and {path} stands for measuring: write latency=LIMIT, "
            f"the engine is what the file says"
        )
    if not any(_is_measured(profile, request) for request in requests):
        raise InputError(f"{path} has latencies, and no budget asks for any: give --budget latency=LIMIT")
    table = read_latencies(path, profile)
    here = conditions_here(hardware.device, threads=hardware.threads, batch=options.latency_batch)
    if table.conditions == here:
        progress.note(f"{path} was measured here: networks are measured whole as well")
        return replace(table, spread=None)
    assert table.spread is not None
    progress.note(
        f"latencies of {table.conditions.told()}: no network can be measured whole there from here. What "
        f"counts is the calibrated sum of edges and {100 * table.spread:.1f} % of it, the largest share by "
        f"which one of {len(table.networks)} networks took longer"
    )
    return table


def _stands_for(table: LatencyTable, engine: LatencyEngine) -> bool:
    """Whether a table says what an engine takes: that of another device stands for
    torch, whatever it was measured by.
    """
    by_torch = table.spread is not None or table.conditions.engine is None
    return by_torch == (engine is TORCH_ENGINE)


def _engine(requests: Sequence[BudgetRequest]) -> LatencyEngine:
    """What runs the networks that budgets want measured.

    Raises:
        InputError: two engines.
    """
    named = {request.cost: request.text for request in requests if is_latency(request.cost)}
    if len(named) > 1:
        raise InputError(
            f"budgets {' and '.join(map(repr, named.values()))} name two engines: a run measures by one"
        )
    return LATENCY_ENGINES[next(iter(named))] if named else TORCH_ENGINE


def with_recorded(costs: CostOptions | None, profile: FabricProfile, run: Path | None) -> CostOptions:
    """The options with the latencies that a run recorded, if it did: a run that goes on
    measures nothing anew.
    """
    costs = costs or CostOptions()
    if run is None or costs.latencies is not None or not RunFolder(run).file("latencies.json").exists():
        return costs
    folder = RunFolder(run)
    table = LatencyTable.of_row(folder.read_latencies(), profile.fabric, folder.file("latencies.json"))
    return replace(costs, latencies=table)


def _is_measured(profile: FabricProfile, request: BudgetRequest) -> bool:
    kind = request.cost.partition(":")[0]
    annotated = all(DURATION in edge.costs for edge in profile.fabric.edges)
    return is_latency(kind) or (kind == "makespan" and not annotated)
