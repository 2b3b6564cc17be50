"""The latency of a fabric's edges on this device, and of whole networks.

In: a profile and a device. Out: a `LatencyTable`, milliseconds of every edge, of which
a network's latency is about the sum. Each distinct operation and shape is measured
once, as a network of one edge, and kept on disk; so is the joining of two values at a
node (its merge and activation). The sum of operations alone leaves out joining, and
that a network's steps are slower or faster behind each other than by themselves. So a
few random sub-networks are measured whole, and the table is

    latency of edge e = α · operation_e + β · joining_e,    0 ≤ β ≤ α,

with the least relative error on them, which is still a sum over live edges
(calibration.py).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bsngraph.costs.cost import Costs
from bsngraph.errors import InputError
from bsngraph.fabric import Fabric
from bsngraph.measure.cache import recall, remember
from bsngraph.measure.calibration import Calibration, fit_calibration, random_architectures
from bsngraph.measure.pieces import Piece, joining_pieces, network_piece, operation_pieces
from bsngraph.measure.running import Runner, example_inputs, run_deployed
from bsngraph.measure.timing import Measure, Patience, Timing, device_name, measure_module
from bsngraph.profile import FabricProfile
from bsngraph.supernet import SuperNet, compile_fabric

ROUNDS = 3
PIECE_PATIENCE = Patience(seconds=0.04, warmup_s=0.03)
NETWORK_PATIENCE = Patience(seconds=1.0, warmup_s=0.5)

Report = Callable[[int, int], None]


@dataclass(frozen=True)
class Conditions:
    """What a latency holds for. `model`: of the processor or accelerator. Numbers are
    float32.
    """

    device: str
    model: str
    threads: int
    batch: int
    dtype: str
    torch: str
    bsngraph: str


def conditions_here(
    device: torch.device | str = "cpu", *, threads: int | None = None, batch: int = 1
) -> Conditions:
    """The conditions of this process; `threads` are torch's own choice unless given.

    Raises:
        InputError: there is no such device here, or the batch or threads are not
            positive.
    """
    threads = torch.get_num_threads() if threads is None else threads
    if batch < 1 or threads < 1:
        raise InputError(
            f"a latency is that of at least one example on at least one thread, not of {batch} on {threads}"
        )
    try:
        found = torch.device(device)
    except RuntimeError as error:
        raise InputError(f"device {device!r} is none ({str(error).splitlines()[0]}): use cpu") from None
    return Conditions(
        str(found), device_name(found), threads, batch, "float32", torch.__version__, version("bsngraph")
    )


@dataclass(frozen=True)
class LatencyTable:
    """Milliseconds of a fabric's edges, measured under `conditions`, each in the order
    of `edges` (names).

    `operation_ms`: the operation as a network of its own. `joining_ms`: two values of
    the edge's shape meeting at its target, merge and activation.
    """

    conditions: Conditions
    edges: tuple[str, ...]
    operation_ms: tuple[float, ...]
    joining_ms: tuple[float, ...]
    calibration: Calibration

    @property
    def per_edge(self) -> Costs:
        """(edges,) milliseconds that add up to the latency of live edges."""
        return self.calibration.operations * np.array(
            self.operation_ms
        ) + self.calibration.joining * np.array(self.joining_ms)

    def to_json(self) -> dict[str, Any]:
        """The whole table, for a run's config.json."""
        return {
            "unit": "ms",
            "conditions": asdict(self.conditions),
            "calibration": asdict(self.calibration),
            "operation_ms": dict(zip(self.edges, self.operation_ms, strict=True)),
            "joining_ms": dict(zip(self.edges, self.joining_ms, strict=True)),
        }

    @staticmethod
    def from_json(value: Mapping[str, Any], fabric: Fabric) -> LatencyTable:
        """What `to_json` gave, for the same fabric or one with some of its edges.

        Raises:
            InputError: it is no such table, or lacks edges of the fabric.
        """
        try:
            names = tuple(edge.name for edge in fabric.edges)
            operation, joining = (
                tuple(float(value[part][name]) for name in names) for part in ("operation_ms", "joining_ms")
            )
            table = LatencyTable(
                Conditions(**value["conditions"]),
                names,
                operation,
                joining,
                Calibration(**value["calibration"]),
            )
            if not (np.isfinite(table.per_edge).all() and (table.per_edge >= 0).all()):
                raise ValueError("a latency is negative or not finite")
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"this is no latency table of the fabric ({type(error).__name__}: {error}): measure it again"
            ) from None
        return table


def edge_latencies(
    profile: FabricProfile,
    *,
    device: torch.device | str = "cpu",
    threads: int | None = None,
    batch: int = 1,
    cache: Path | None = None,
    networks: int = 12,
    report: Report | None = None,
    runner: Runner = run_deployed,
    measure: Measure = measure_module,
) -> LatencyTable:
    """Measure every edge of a fabric, or recall it from `cache`; then `networks` random
    sub-networks whole to calibrate the sum (0: not).

    `report(done, of)` is called as measuring goes on.

    Raises:
        InputError: there is no such device here, or the batch or threads are not
            positive.
    """
    conditions = conditions_here(device, threads=threads, batch=batch)
    fabric, count = profile.fabric, len(profile.fabric.edges)
    tests = random_architectures(fabric, networks, seed=0)
    pieces = [
        *operation_pieces(profile),
        *joining_pieces(profile),
        *(network_piece(profile, test) for test in tests),
    ]
    timings = _Meter(conditions, cache, runner, measure).measure_all(pieces, report or _silent)
    milliseconds = np.array([timing.median_ms for timing in timings])
    operation, joining, whole = (
        milliseconds[:count],
        milliseconds[count : 2 * count],
        milliseconds[2 * count :],
    )
    live = np.array([test.mask for test in tests]).reshape(-1, count)
    calibration = fit_calibration(live @ operation, live @ joining, whole) if tests else Calibration()
    return LatencyTable(
        conditions, tuple(edge.name for edge in fabric.edges), tuple(operation), tuple(joining), calibration
    )


def measure_network(
    net: SuperNet,
    *,
    device: torch.device | str = "cpu",
    threads: int | None = None,
    batch: int = 1,
    patience: Patience = NETWORK_PATIENCE,
    runner: Runner = run_deployed,
    measure: Measure = measure_module,
) -> Timing:
    """The latency of a pruned net, all its edges fixed, measured whole on a batch of
    random numbers. The net is moved to the device.

    Raises:
        InputError: there is no such device here, or the batch or threads are not
            positive.
    """
    conditions = conditions_here(device, threads=threads, batch=batch)
    where = torch.device(conditions.device)
    run = runner(net.eval().to(where), example_inputs(net.profile, batch, where))
    return measure(run, device=where, threads=conditions.threads, patience=patience)


class _Meter:
    """Measures pieces under the same conditions, each only if the cache does not know
    it.
    """

    def __init__(self, conditions: Conditions, cache: Path | None, runner: Runner, measure: Measure) -> None:
        self.conditions, self.cache, self.runner, self.measure = conditions, cache, runner, measure
        self.device = torch.device(conditions.device)

    def measure_all(self, pieces: Sequence[Piece], report: Report) -> list[Timing]:
        """The timing of every piece; equal ones are measured once.

        Rounds go through all pieces, and the best of a piece counts: what slows the
        machine down for a while does not hit one alone.
        """
        keys = [_key(piece, number) for number, piece in enumerate(pieces)]
        distinct = dict(zip(keys, pieces, strict=True))
        found = {
            key: timing for key, piece in distinct.items() if (timing := self._recall(piece)) is not None
        }
        new = {key: piece for key, piece in distinct.items() if key not in found}
        for done in range(ROUNDS * len(new)):
            key, piece = list(new.items())[done % len(new)]
            timing = self._measure(piece)
            found[key] = min(timing, found.get(key, timing), key=lambda timing: timing.median_ms)
            report(done + 1, ROUNDS * len(new))
        for key, piece in new.items():
            if piece.words is not None:
                remember(self.cache, self._words(piece), found[key].to_json())
        return [found[key] for key in keys]

    def _measure(self, piece: Piece) -> Timing:
        net = compile_fabric(piece.fabric, seed=0).eval().to(self.device)
        run = self.runner(net, example_inputs(net.profile, self.conditions.batch, self.device))
        return self.measure(run, device=self.device, threads=self.conditions.threads, patience=PIECE_PATIENCE)

    def _recall(self, piece: Piece) -> Timing | None:
        value = None if piece.words is None else recall(self.cache, self._words(piece))
        try:
            return None if value is None else Timing.from_json(value)
        except (KeyError, TypeError, ValueError):
            return None

    def _words(self, piece: Piece) -> dict[str, Any]:
        return {"piece": piece.words, "conditions": asdict(self.conditions)}


def _key(piece: Piece, number: int) -> str:
    """Equal for pieces that take the same time; code that has no words takes its
    own.
    """
    return f"{number}" if piece.words is None else json.dumps(piece.words, sort_keys=True)


def _silent(done: int, of: int) -> None:
    """Report to nobody."""
