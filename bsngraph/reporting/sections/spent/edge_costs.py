"""What each edge of a delivered network spends, by what the run's files say.

The numbers stand in the files as information: MACs and parameters in architecture.dot,
milliseconds in latencies.json, annotations of the fabric's author. Nothing is counted
anew, which would need torch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bsngraph.costs import AdditiveCost, Cost, Costs, spending
from bsngraph.costs.schedules.schedule_costs import Makespan, Steps, cores_of
from bsngraph.costs.table import DURATION, TRANSFER
from bsngraph.errors import InputError
from bsngraph.fabric import Architecture, Fabric, architecture_of
from bsngraph.reporting.facts.run_facts import RunFacts

_LATENCIES = ("latency", "latency@onnx")
_COUNTED = {"macs": ("macs", 1), "flops": ("macs", 2), "params": ("params", 1)}
_UNITS = {"macs": "MACs", "flops": "FLOPs", "params": "parameters"}


@dataclass(frozen=True)
class SpentCost:
    """A cost's value for the network, and what each edge spends of it, (edges,);
    `adds_up` where the cost is their sum.
    """

    name: str
    value: float
    per_edge: Costs
    adds_up: bool


def spent_costs(facts: RunFacts) -> tuple[tuple[SpentCost, ...], tuple[str, ...]]:
    """What is known of where the budgets went, MACs and parameters besides; and the
    names of the budgets of which nothing is.
    """
    network = facts.network
    if network is None:
        return (), ()
    asked = [budget.cost for budget in facts.config.budgets]
    whole = architecture_of(network, np.ones(len(network.edges), dtype=np.bool_))
    found, unknown = [], []
    for name in dict.fromkeys([*asked, "macs", "params"]):
        spent = _spent(facts, network, name, whole)
        if spent is not None:
            found.append(spent)
        elif name in asked:
            unknown.append(name)
    return tuple(found), tuple(unknown)


def _spent(facts: RunFacts, network: Fabric, name: str, whole: Architecture) -> SpentCost | None:
    try:
        cost = recorded_cost(facts, network, name)
        if cost is None:
            return None
        per_edge = spending(network, cost, whole)
    except InputError:  # the network has too many edges to be asked without each of them
        return None
    return SpentCost(name, cost.total, per_edge, isinstance(cost, AdditiveCost))


def recorded_cost(facts: RunFacts, network: Fabric, name: str) -> Cost | None:
    """A cost of the network as the run's files have it, None where they do not.

    Raises:
        InputError: the network has too many edges for such a schedule, or a duration
            is negative.
    """
    kind = name.partition(":")[0]
    if kind in _COUNTED:
        column, factor = _COUNTED[kind]
        return _sum(name, _UNITS[kind], _scaled(_computed(network, column), factor))
    if kind == "steps":
        macs = _computed(network, "macs")
        return None if macs is None else Steps(network, macs, cores_of(name))
    if kind == "makespan":
        durations = _durations(facts, network, name)
        transfer = _annotated(network, TRANSFER)
        return (
            None
            if durations is None
            else Makespan(network, durations, cores_of(name), 0.0 if transfer is None else transfer)
        )
    if kind in _LATENCIES:
        return _sum(name, "ms", _latencies(facts, network, kind))
    return _sum(name, "", _annotated(network, name))


def _sum(name: str, unit: str, per_edge: Costs | None) -> AdditiveCost | None:
    return None if per_edge is None else AdditiveCost(name, unit, per_edge)


def _scaled(values: Costs | None, factor: float) -> Costs | None:
    return None if values is None else factor * values


def _computed(network: Fabric, name: str) -> Costs | None:
    """A cost that the file carries as information; None where an edge lacks it."""
    return _all_of([edge.computed.get(name) for edge in network.edges])


def _annotated(network: Fabric, name: str) -> Costs | None:
    return _all_of([edge.costs.get(name) for edge in network.edges])


def _durations(facts: RunFacts, network: Fabric, name: str) -> Costs | None:
    """What each edge takes in a makespan: the file's own, or what the certificate
    measured.
    """
    annotated = _annotated(network, DURATION)
    counted = facts.certificate.costs.get(name) if facts.certificate else None
    if annotated is not None or counted is None or counted.durations_ms is None:
        return annotated
    return _all_of([counted.durations_ms.get(edge.name) for edge in network.edges])


def _latencies(facts: RunFacts, network: Fabric, kind: str) -> Costs | None:
    """Milliseconds of each edge, calibrated, as the search counted them."""
    row = facts.latencies
    if row is None or (row.conditions.engine is not None) != (kind == "latency@onnx"):
        return None
    factor = 1 + (row.spread or 0.0)
    return _all_of(
        [
            factor * row.calibrated_ms(edge.name) if edge.name in row.operation_ms else None
            for edge in network.edges
        ]
    )


def _all_of(values: list[float | None]) -> Costs | None:
    there = [value for value in values if value is not None]
    return np.array(there, dtype=np.float64) if len(there) == len(values) else None
