"""A file of latencies from elsewhere → a table that a search can count with.

In: what `bsngraph measure -o` or a kit's measure.py wrote, perhaps on a device that is
not here, and the fabric. Out: a `LatencyTable` calibrated anew on the networks that the
file says were measured whole, with their spread.

The latencies.json of a run of before has a spread and no `edge_ms`: the run counted
with the two factors alone, and so does its table.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from bsngraph.errors import BsngraphError, InputError
from bsngraph.fabric import Fabric, architecture_of
from bsngraph.measure.calibration import (
    CalibratedEdges,
    MeasuredParts,
    calibrate_edges,
    random_architectures,
)
from bsngraph.measure.latency_table import LatencyTable, fabric_hash
from bsngraph.profile import FabricProfile
from bsngraph.runs.rows.latencies import LatenciesRow
from bsngraph.typed_files import read_row
from bsngraph.wording import printable, shortened

FEWEST_NETWORKS = 3
MOST_NETWORKS = 200  # each is left out of a fit to all others

_SHORTEST_MS = 1e-6  # no call is so fast
_LONGEST_MS = 1e9  # eleven days
_ANEW = "measure it again, by `bsngraph measure` or by a kit's measure.py"


def read_latencies(path: Path, profile: FabricProfile) -> LatencyTable:
    """The table of `path` for a fabric, its calibration fitted anew on the networks of
    the file, and `spread` as these give it.

    Raises:
        InputError: the file is damaged, is of another fabric, lacks edges or networks,
            or says a time that cannot be.
    """
    row = read_row(path, LatenciesRow, cure=_ANEW)
    fabric = profile.fabric
    if row.fabric is None:
        raise InputError(f"{path}: does not say what fabric it is of, at $.fabric: {_ANEW}")
    table = LatencyTable.of_row(row, fabric, path)
    unknown = sorted(row.operation_ms.keys() - set(table.edges))
    if unknown or row.fabric != fabric_hash(profile):
        what = (
            f"the edge {shortened(printable(unknown[0]))} at $.operation_ms"
            if unknown
            else "other edges or shapes, at $.fabric"
        )
        raise InputError(
            f"{path}: is of another fabric, which has {what}: give the fabric that it was measured for, "
            f"with the same --set, or {_ANEW}"
        )
    _check_times(row, path)
    _check_networks(row, fabric, path)
    each = row.edge_ms is not None or row.spread is None
    fitted = _calibrated(table, each)
    return replace(
        table,
        calibration=fitted.calibration,
        edge_ms=tuple(fitted.edge_ms.tolist()) if each else None,
        spread=fitted.spread,
    )


def spread_of_table(table: LatencyTable) -> float:
    """The largest share by which a network of the table took longer than its calibrated
    sum, left out of the calibration itself.
    """
    return _calibrated(table, table.edge_ms is not None).spread


def _calibrated(table: LatencyTable, each: bool) -> CalibratedEdges:
    kept = [set(network.edges) for network in table.networks]
    return calibrate_edges(
        MeasuredParts(
            np.array(table.operation_ms),
            np.array(table.joining_ms),
            np.array([[name in edges for name in table.edges] for edges in kept]),
            np.array([network.ms for network in table.networks]),
        ),
        each=each,
    )


def _check_times(row: LatenciesRow, path: Path) -> None:
    """Raise where a time is shorter than any call, or longer than anybody waits."""
    times = [
        *((f"$.operation_ms[{name!r}]", ms) for name, ms in row.operation_ms.items()),
        *((f"$.joining_ms[{name!r}]", ms) for name, ms in row.joining_ms.items()),
        *((f"$.networks[{index}].ms", network.ms) for index, network in enumerate(row.networks)),
    ]
    for place, ms in times:
        if not _SHORTEST_MS <= ms <= _LONGEST_MS:
            raise InputError(f"{path}: {ms:g} ms at {place} is no time that was measured: {_ANEW}")


def _check_networks(row: LatenciesRow, fabric: Fabric, path: Path) -> None:
    """Raise where there are too few or too many networks measured whole, one is none of
    the fabric, or one is there twice.
    """
    wanted = len(random_architectures(fabric, FEWEST_NETWORKS, seed=0))  # small fabrics have fewer
    if len(row.networks) < wanted:
        raise InputError(
            f"{path}: has {len(row.networks)} networks measured whole at $.networks, and {wanted} at least "
            f"say how far a sum of edges is from them: {_ANEW}"
        )
    if len(row.networks) > MOST_NETWORKS:
        raise InputError(
            f"{path}: has {len(row.networks)} networks measured whole at $.networks: keep {MOST_NETWORKS} "
            "of them"
        )
    index, masks = fabric.edge_index, set[bytes]()
    for number, network in enumerate(row.networks):
        kept = np.zeros(len(fabric.edges), dtype=np.bool_)
        kept[[index[name] for name in network.edges]] = True
        try:
            whole = np.array_equal(architecture_of(fabric, kept).mask, kept)
        except BsngraphError:
            whole = False
        if not whole:
            raise InputError(f"{path}: $.networks[{number}] is no network of the fabric: {_ANEW}")
        masks.add(kept.tobytes())
    if len(masks) < len(row.networks):
        raise InputError(f"{path}: $.networks has a network twice: {_ANEW}")
