"""Where a run's costs come from: the fabric, the user's own functions, and latencies
measured here or recorded by the run before.

In: what was asked for (`CostOptions`), the budgets. Out: `Sources` for `price`, and the
table of latencies where one was needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bsngraph.costs import BudgetRequest, Sources, check_units
from bsngraph.costs.table import DURATION
from bsngraph.costs.user_costs import load_user_cost
from bsngraph.measure.device import Hardware
from bsngraph.measure.latency import edge_latencies
from bsngraph.measure.latency_table import LatencyTable
from bsngraph.measure.piecewise.cache import default_cache
from bsngraph.profile import FabricProfile
from bsngraph.runs import RunFolder
from bsngraph.settings import CostSettings
from bsngraph.training import Progress


@dataclass(frozen=True, kw_only=True)
class CostOptions(CostSettings):
    """How costs are found, and a table of latencies measured before, which stands for
    measuring.
    """

    latencies: LatencyTable | None = None


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
            unit, or the device cannot be measured.
    """
    own = {
        cost.name: cost
        for cost in (load_user_cost(text, profile, timeout_s=options.timeout_s) for text in options.own)
    }
    table = options.latencies
    check_units(requests)
    if table is None and any(_is_measured(profile, request) for request in requests):
        progress.note(
            f"measuring the latency of {len(profile.fabric.edges)} edges on {hardware.device} with "
            f"{hardware.threads} threads …"
        )
        batch = options.latency_batch
        table = edge_latencies(
            profile, device=hardware.device, threads=hardware.threads, batch=batch, cache=default_cache()
        )
        if table.calibration.error is not None:
            progress.note(
                f"the sum of edges misses whole networks by {100 * table.calibration.error:.0f} % on average"
            )
    found = table
    return Sources(None if found is None else lambda _: found.per_edge, own), table


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
    return kind == "latency" or (kind == "makespan" and not annotated)
