"""The latency of a fabric's edges on this device, and of whole networks.

In: a profile and a device. Out: a `LatencyTable`, milliseconds of every edge, of which
a network's latency is about the sum. Each distinct operation and shape is measured
once, as a network of one edge, and kept on disk; so is the joining of two values at a
node (its merge and activation). The sum of operations alone leaves out joining, and
that a network's steps are slower or faster behind each other than by themselves. So
some random sub-networks are measured whole, and the table is

    latency of edge e = u_e · (α · operation_e + β · joining_e),    0 ≤ β ≤ α, 0 ≤ u_e,

with a small relative error on them and u_e near 1, which is still a sum over live edges
(calibration.py).

Pieces and networks are compared by their fast calls, the 10th percentile of the best
round, since other work on the machine makes medians jump by more than edges differ.
All are then put on the level of medians, which is what a network's latency is.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from bsngraph.measure.calibration import MeasuredParts, calibrate_edges, random_architectures
from bsngraph.measure.engines import TORCH_ENGINE, LatencyEngine
from bsngraph.measure.latency_table import LatencyTable, conditions_here, fabric_hash
from bsngraph.measure.piecewise.piece_timings import PieceTimer, Report, no_report
from bsngraph.measure.piecewise.pieces import joining_pieces, network_piece, operation_pieces
from bsngraph.measure.piecewise.running import Runner, example_inputs
from bsngraph.measure.timing import Measure, Patience, Timing, measure_module
from bsngraph.profile import FabricProfile
from bsngraph.runs.rows.latencies import Calibration, MeasuredNetwork
from bsngraph.supernet import SuperNet

CALIBRATING = 32  # networks measured whole
NETWORK_PATIENCE = Patience(seconds=1.0, warmup_s=0.5)


def edge_latencies(
    profile: FabricProfile,
    *,
    device: torch.device | str = "cpu",
    threads: int | None = None,
    batch: int = 1,
    cache: Path | None = None,
    networks: int = CALIBRATING,
    report: Report | None = None,
    engine: LatencyEngine = TORCH_ENGINE,
    runner: Runner | None = None,
    measure: Measure = measure_module,
) -> LatencyTable:
    """Measure every edge of a fabric, or recall it from `cache`; then `networks` random
    sub-networks whole to calibrate the sum (0: not).

    `report(done, of)` is called as measuring goes on. `runner` takes the place of the
    engine's.

    Raises:
        InputError: there is no such device or engine here, the engine cannot run an
            operation, or the batch or threads are not positive.
    """
    conditions = conditions_here(device, threads=threads, batch=batch, engine=engine)
    runner = runner or engine.runner(conditions.threads)
    fabric, count = profile.fabric, len(profile.fabric.edges)
    tests = random_architectures(fabric, networks, seed=0)
    pieces = [
        *operation_pieces(profile),
        *joining_pieces(profile),
        *(network_piece(profile, test) for test in tests),
    ]
    timings = PieceTimer(conditions, cache, runner, measure).measure_all(pieces, report or no_report)
    milliseconds = np.array([timing.low_ms for timing in timings]) * _median_level(timings[2 * count :])
    parts = MeasuredParts(
        milliseconds[:count],
        milliseconds[count : 2 * count],
        np.array([test.mask for test in tests]).reshape(-1, count),
        milliseconds[2 * count :],
    )
    fitted = calibrate_edges(parts) if tests else None
    names = tuple(edge.name for edge in fabric.edges)
    return LatencyTable(
        conditions,
        names,
        tuple(parts.operation_ms.tolist()),
        tuple(parts.joining_ms.tolist()),
        Calibration() if fitted is None else fitted.calibration,
        tuple(
            MeasuredNetwork(edges=tuple(names[edge] for edge in test.live), ms=took)
            for test, took in zip(tests, parts.whole_ms.tolist(), strict=True)
        ),
        fabric_hash(profile),
        edge_ms=None if fitted is None else tuple(fitted.edge_ms.tolist()),
    )


def _median_level(networks: Sequence[Timing]) -> float:
    """How much longer the median call of a network takes than its fast calls."""
    return statistics.median(timing.median_ms / timing.low_ms for timing in networks) if networks else 1.0


def measure_network(
    net: SuperNet,
    *,
    device: torch.device | str = "cpu",
    threads: int | None = None,
    batch: int = 1,
    patience: Patience = NETWORK_PATIENCE,
    engine: LatencyEngine = TORCH_ENGINE,
    runner: Runner | None = None,
    measure: Measure = measure_module,
) -> Timing:
    """The latency of a pruned net, all its edges fixed, measured whole on a batch of
    random numbers. The net is moved to the device. `runner` takes the place of
    the engine's.

    Raises:
        InputError: as `edge_latencies`.
    """
    conditions = conditions_here(device, threads=threads, batch=batch, engine=engine)
    runner = runner or engine.runner(conditions.threads)
    where = torch.device(conditions.device)
    run = runner(net.eval().to(where), example_inputs(net.profile, batch, where))
    return measure(run, device=where, threads=conditions.threads, patience=patience)
