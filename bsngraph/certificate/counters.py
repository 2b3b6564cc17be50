"""How the certificate counts each cost of the table by itself.

The rows of `COSTS` name these functions.

In: a delivered network, what follows the cost's name and a colon, and what only a
machine or a user can give. Out: a `CountedAmount`, or None if what it needs is not
given. None of them goes by the sums and schedules of a search.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bsngraph.certificate.recount import count_bytes, count_macs, count_memory, count_params
from bsngraph.certificate.simulation import simulate
from bsngraph.costs.table import DURATION, TRANSFER
from bsngraph.errors import InputError
from bsngraph.measure import LATENCY_ENGINES, conditions_here, measure_network
from bsngraph.runs.rows.latencies import LatenciesRow
from bsngraph.supernet import SuperNet
from bsngraph.typed_files import plain

if TYPE_CHECKING:
    from bsngraph.certificate.certificate import Means


@dataclass(frozen=True)
class CountedAmount:
    """A cost that was counted: `value` in the cost's unit, and `by` what.

    `more` belongs to it: the conditions of a measurement, the durations of a schedule.
    """

    value: float
    by: str
    more: Mapping[str, Any] = field(default_factory=dict)


def macs(net: SuperNet, argument: str, means: Means) -> CountedAmount:
    """Multiply-accumulates."""
    return CountedAmount(count_macs(net.profile), "torch's flop counter on the whole network")


def flops(net: SuperNet, argument: str, means: Means) -> CountedAmount:
    """Two for each multiply-accumulate."""
    counted = macs(net, argument, means)
    return CountedAmount(2 * counted.value, counted.by)


def params(net: SuperNet, argument: str, means: Means) -> CountedAmount:
    """Trainable numbers."""
    return CountedAmount(count_params(net), "the network's parameters")


def stored_bytes(net: SuperNet, argument: str, means: Means) -> CountedAmount:
    """Bytes of parameters and buffers."""
    return CountedAmount(count_bytes(net), "the network's parameters and buffers")


def memory(net: SuperNet, argument: str, means: Means) -> CountedAmount:
    """The peak of the activations in bytes."""
    return CountedAmount(count_memory(net.profile), "the tensors alive during a pass of the whole network")


def steps(net: SuperNet, argument: str, means: Means) -> CountedAmount:
    """Sequential steps on so many cores."""
    works = [float(macs > 0) for macs in net.profile.macs]
    return CountedAmount(simulate(net.fabric, works, int(argument)), "a simulation of the graph")


def makespan(net: SuperNet, argument: str, means: Means) -> CountedAmount | None:
    """Milliseconds on the cores given, by the file's own durations or those of `means`.

    Raises:
        InputError: an edge has no duration.
    """
    edges = net.fabric.edges
    annotated = all(DURATION in edge.costs for edge in edges)
    known = {edge.name: edge.costs[DURATION] for edge in edges} if annotated else means.durations_ms
    if known is None:
        return None
    missing = [edge.name for edge in edges if edge.name not in known]
    if missing:
        raise InputError(
            f"makespan: there is no duration of {', '.join(missing[:8])}: measure the edges again"
        )
    durations = {edge.name: known[edge.name] for edge in edges}
    transfers = [edge.costs.get(TRANSFER, 0.0) for edge in edges]
    return CountedAmount(
        simulate(net.fabric, [*durations.values()], int(argument), transfers),
        "a simulation of the graph with the durations of its edges",
        {} if annotated else {"durations_ms": durations},
    )


def latency(net: SuperNet, argument: str, means: Means) -> CountedAmount:
    """Milliseconds of the whole network: measured by torch, or what a table of another
    device promises.

    Raises:
        InputError: the device is not here, or the table lacks an edge.
    """
    return _measured(net, "latency", means) if means.promised is None else _promised(net, means.promised)


def onnx_latency(net: SuperNet, argument: str, means: Means) -> CountedAmount:
    """Milliseconds of the whole network, measured by onnxruntime.

    Raises:
        InputError: onnxruntime is not here, or it has no such operator.
    """
    return _measured(net, "latency@onnx", means)


def _promised(net: SuperNet, table: LatenciesRow) -> CountedAmount:
    """The calibrated sum of the network's edges, and the spread of the device's whole
    networks around such sums.
    """
    names = [edge.name for edge in net.fabric.edges]
    missing = [name for name in names if name not in table.operation_ms]
    if missing:
        raise InputError(f"latencies.json has no latency of the edge {missing[0]}: measure the device again")
    sum_ms = math.fsum(table.calibrated_ms(name) for name in names)
    spread = table.spread or 0.0
    return CountedAmount(
        sum_ms * (1 + spread),
        "the sum of edges measured on another device, calibrated on whole networks there, and their spread",
        {"spread": spread, "conditions": plain(table.conditions)},
    )


def _measured(net: SuperNet, name: str, means: Means) -> CountedAmount:
    """A measurement, which may move the network to another device and back."""
    engine = LATENCY_ENGINES[name]
    conditions = conditions_here(means.device, threads=means.threads, batch=means.batch, engine=engine)
    if means.measure is not None:
        timing = means.measure(net)
    else:
        timing = measure_network(
            net, device=conditions.device, threads=conditions.threads, batch=means.batch, engine=engine
        )
        net.cpu()
    more = {
        "low": timing.low_ms,
        "high": timing.high_ms,
        "runs": timing.runs,
        "conditions": plain(conditions),
    }
    return CountedAmount(timing.median_ms, "a measurement of the whole network", more)
