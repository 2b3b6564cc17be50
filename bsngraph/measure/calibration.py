"""Networks measured whole → what each edge of a fabric adds to a network's latency, and
how far the sum may be from another network.

In: what every edge's operation and joining take by themselves, and what some
sub-networks take as a whole. Out: milliseconds of edges, which add up.

Two factors come first, one for operations and one for joining. Then every edge has a
factor of its own, near 1 unless the networks say otherwise (`edge_factors.py`). An edge
by itself pays for a call of its own and finds other data in the cache, and a node with
one input is cheaper than what was measured of two.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from msgspec import structs

from bsngraph.costs.cost import Costs
from bsngraph.errors import BsngraphError
from bsngraph.fabric import Architecture, Booleans, Fabric, architecture_of
from bsngraph.measure.edge_factors import edge_factors
from bsngraph.runs.rows.latencies import Calibration


@dataclass(frozen=True)
class MeasuredParts:
    """What was measured of a fabric, in milliseconds: `operation_ms` and `joining_ms`
    (edges,), and `whole_ms` (networks,) of the networks that `live` (networks, edges)
    says.
    """

    operation_ms: Costs
    joining_ms: Costs
    live: Booleans
    whole_ms: Costs

    def without(self, network: int) -> MeasuredParts:
        """The same but for one network."""
        rest = np.arange(len(self.whole_ms)) != network
        return MeasuredParts(self.operation_ms, self.joining_ms, self.live[rest], self.whole_ms[rest])


@dataclass(frozen=True)
class CalibratedEdges:
    """`edge_ms` (edges,) are milliseconds that add up to the latency of live edges.

    `spread` is the largest share by which a network took longer than its sum, the
    network itself being left out of the fit. Of n networks like these, another one
    stays within it with probability n / (n + 1).
    """

    calibration: Calibration
    edge_ms: Costs
    spread: float


def calibrate_edges(parts: MeasuredParts, *, each: bool = True) -> CalibratedEdges:
    """The edges fitted to the networks, and the errors of networks that are left out of
    the fit. Without `each` the two factors are all that is fitted.
    """
    calibration, edge_ms = _fitted(parts, each)
    sums_ms = np.array(
        [_fitted(parts.without(number), each)[1] @ live for number, live in enumerate(parts.live)]
    )
    return CalibratedEdges(
        structs.replace(calibration, error=float(np.mean(np.abs(sums_ms / parts.whole_ms - 1)))),
        edge_ms,
        max(0.0, float(np.max(parts.whole_ms / sums_ms - 1))),
    )


def _fitted(parts: MeasuredParts, each: bool) -> tuple[Calibration, Costs]:
    operation_ms, joining_ms, whole_ms = parts.operation_ms, parts.joining_ms, parts.whole_ms
    calibration = (
        fit_calibration(parts.live @ operation_ms, parts.live @ joining_ms, whole_ms)
        if len(whole_ms)
        else Calibration()
    )
    edge_ms = calibration.operations * operation_ms + calibration.joining * joining_ms
    if not each:
        return calibration, edge_ms
    return calibration, edge_ms * edge_factors(parts.live * edge_ms / whole_ms[:, None])


def fit_calibration(operation_ms: Costs, joining_ms: Costs, measured_ms: Costs) -> Calibration:
    """The factors with the least squares of relative errors under 0 ≤ joining ≤
    operations. Each argument is (networks,).

    The bound is what must hold on a quiet machine, where edges meet at most as often as
    they run; on a busy one it keeps noise from pricing all edges alike. The plain sum
    stays where the fit is no better.
    """
    from scipy.optimize import nnls  # loaded where latencies are measured alone

    parts = np.stack([operation_ms, operation_ms + joining_ms], axis=1)  # (networks, 2)
    (alone, together), _ = nnls(parts / measured_ms[:, None], np.ones(len(measured_ms)))

    def error(predicted: Costs) -> float:
        return float(np.mean(np.abs(predicted - measured_ms) / measured_ms))

    before, after = error(operation_ms), error(parts @ np.array([alone, together]))
    if after >= before:
        return Calibration(networks=len(measured_ms), error=before, error_before=before)
    return Calibration(float(alone + together), float(together), len(measured_ms), after, before)


def random_architectures(fabric: Fabric, count: int, seed: int) -> list[Architecture]:
    """Up to `count` distinct sub-networks of all sizes: each keeps its decisions with a
    probability of its own between 0.2 and 1.
    """
    random, decisions = np.random.default_rng(seed), fabric.decisions
    found: dict[tuple[int, ...], Architecture] = {}
    for _ in range(50 * count):  # small fabrics have fewer, and sparse samples often lead nowhere
        values = random.random(len(decisions.edges_of)) < random.uniform(0.2, 1.0)
        for choice in decisions.choices:
            values[list(choice)] = np.arange(len(choice)) == random.integers(len(choice))
        try:
            architecture = architecture_of(fabric, decisions.kept(values))
        except BsngraphError:
            continue
        found.setdefault(architecture.live, architecture)
        if len(found) == count:
            break
    return list(found.values())
