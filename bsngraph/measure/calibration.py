"""Two numbers that make a sum over edges agree with networks measured whole, and how
far they may be from another network.

In: for some sub-networks the sums of their edges' measured parts, and their latency as
a whole. Out: a factor for each part.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import nnls

from bsngraph.costs.cost import Costs
from bsngraph.errors import BsngraphError
from bsngraph.fabric import Architecture, Fabric, architecture_of
from bsngraph.runs.rows.latencies import Calibration


def fit_calibration(operation_ms: Costs, joining_ms: Costs, measured_ms: Costs) -> Calibration:
    """The factors with the least squares of relative errors under 0 ≤ joining ≤
    operations. Each argument is (networks,).

    The bound is what must hold on a quiet machine, where edges meet at most as often as
    they run; on a busy one it keeps noise from pricing all edges alike. The plain sum
    stays where the fit is no better.
    """
    parts = np.stack([operation_ms, operation_ms + joining_ms], axis=1)  # (networks, 2)
    (alone, together), _ = nnls(parts / measured_ms[:, None], np.ones(len(measured_ms)))

    def error(predicted: Costs) -> float:
        return float(np.mean(np.abs(predicted - measured_ms) / measured_ms))

    before, after = error(operation_ms), error(parts @ np.array([alone, together]))
    if after >= before:
        return Calibration(networks=len(measured_ms), error=before, error_before=before)
    return Calibration(float(alone + together), float(together), len(measured_ms), after, before)


def calibration_spread(operation_ms: Costs, joining_ms: Costs, measured_ms: Costs) -> float:
    """The largest share by which a network took longer than its calibrated sum, the
    network itself being left out of the fit. Each argument is (networks,).

    Of n networks like these, another one stays within it with probability n / (n + 1).
    """
    largest = 0.0
    for left_out, measured in enumerate(measured_ms):
        rest = np.arange(len(measured_ms)) != left_out
        fitted = (
            fit_calibration(operation_ms[rest], joining_ms[rest], measured_ms[rest])
            if rest.any()
            else Calibration()
        )
        sum_ms = fitted.operations * operation_ms[left_out] + fitted.joining * joining_ms[left_out]
        largest = max(largest, float(measured / sum_ms - 1))
    return largest


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
