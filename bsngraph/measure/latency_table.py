"""The milliseconds of a fabric's edges, and the conditions that they hold for."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch

from bsngraph.costs.cost import Costs
from bsngraph.errors import InputError
from bsngraph.fabric import Fabric
from bsngraph.measure.engines import TORCH_ENGINE, LatencyEngine
from bsngraph.measure.piecewise.pieces import code_of
from bsngraph.measure.timing import device_name
from bsngraph.profile import FabricProfile
from bsngraph.runs.rows.latencies import Calibration, Conditions, LatenciesRow, MeasuredNetwork


def conditions_here(
    device: torch.device | str = "cpu",
    *,
    threads: int | None = None,
    batch: int = 1,
    engine: LatencyEngine = TORCH_ENGINE,
) -> Conditions:
    """The conditions of this process; `threads` are torch's own choice unless given.
    An engine of the CPU alone runs there whatever `device` is.

    Raises:
        InputError: there is no such device or engine here, or the batch or threads are
            not positive.
    """
    device = "cpu" if engine.cpu_only else device
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
        str(found),
        device_name(found),
        threads,
        batch,
        "float32",
        str(torch.__version__),
        version("bsngraph"),
        engine.stated(),
    )


def fabric_hash(profile: FabricProfile) -> str:
    """SHA-256 over all of a fabric that its latencies depend on: each edge with its
    operation, arguments and shapes, the merge and the activation of each node.
    """
    fabric, shapes = profile.fabric, profile.node_shapes
    edges = [
        [edge.name, edge.op, code_of(edge.op), dict(edge.arguments), shapes[source], given]
        for edge, (source, _), given in zip(fabric.edges, fabric.endpoints, profile.edge_shapes, strict=True)
    ]
    nodes = [
        [node.name, node.merge, node.activation, shape]
        for node, shape in zip(fabric.nodes, shapes, strict=True)
    ]
    return hashlib.sha256(json.dumps([edges, nodes], sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class LatencyTable:
    """Milliseconds of a fabric's edges, measured under `conditions`, each in the order
    of `edges` (names).

    `operation_ms`: the operation as a network of its own. `joining_ms`: two values of
    the edge's shape meeting at its target, merge and activation. `networks` were
    measured whole, for the calibration. `fabric` is the hash of the fabric.

    `spread` is what is added to the calibrated sum, as a share of it, where the device
    is not here and a network cannot be measured whole: the sum with it is then what is
    promised. None where networks are measured.

    `edge_ms` is what each edge adds to a network; None where the two factors of
    `calibration` say it.
    """

    conditions: Conditions
    edges: tuple[str, ...]
    operation_ms: tuple[float, ...]
    joining_ms: tuple[float, ...]
    calibration: Calibration
    networks: tuple[MeasuredNetwork, ...] = ()
    fabric: str | None = None
    spread: float | None = None
    edge_ms: tuple[float, ...] | None = None

    @property
    def calibrated(self) -> Costs:
        """(edges,) milliseconds that add up to the latency of live edges."""
        if self.edge_ms is not None:
            return np.array(self.edge_ms)
        return self.calibration.operations * np.array(
            self.operation_ms
        ) + self.calibration.joining * np.array(self.joining_ms)

    @property
    def per_edge(self) -> Costs:
        """(edges,) what a search counts with: the same, with the spread where there is
        one.
        """
        return self.calibrated * (1 + (self.spread or 0.0))

    def row(self) -> LatenciesRow:
        """The whole table, for latencies.json."""
        return LatenciesRow(
            conditions=self.conditions,
            calibration=self.calibration,
            operation_ms=dict(zip(self.edges, self.operation_ms, strict=True)),
            joining_ms=dict(zip(self.edges, self.joining_ms, strict=True)),
            networks=self.networks,
            fabric=self.fabric,
            spread=self.spread,
            edge_ms=None if self.edge_ms is None else dict(zip(self.edges, self.edge_ms, strict=True)),
        )

    @staticmethod
    def of_row(row: LatenciesRow, fabric: Fabric, file: Path) -> LatencyTable:
        """The table of `file` for its fabric, or one with some of its edges.

        Raises:
            InputError: it lacks edges of the fabric.
        """
        names = tuple(edge.name for edge in fabric.edges)
        missing = [name for name in names if name not in row.operation_ms]
        if missing:
            raise InputError(
                f"{file}: has no latency of the edge {missing[0]} at $.operation_ms: it is of another "
                "fabric, measure it again"
            )
        operation, joining = (
            tuple(part[name] for name in names) for part in (row.operation_ms, row.joining_ms)
        )
        return LatencyTable(
            row.conditions,
            names,
            operation,
            joining,
            row.calibration,
            row.networks,
            row.fabric,
            row.spread,
            None if row.edge_ms is None else tuple(row.edge_ms[name] for name in names),
        )
