"""A file of latencies from elsewhere → a table that a search can count with.

In: what `bsngraph measure -o` or a kit's measure.py wrote, perhaps on a device that is
not here, and the fabric. Out: a `LatencyTable` calibrated anew on the networks that the
file says were measured whole, with their spread.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from bsngraph.costs.cost import Costs
from bsngraph.errors import BsngraphError, InputError
from bsngraph.fabric import Fabric, architecture_of
from bsngraph.measure.calibration import calibration_spread, fit_calibration, random_architectures
from bsngraph.measure.latency_table import LatencyTable, fabric_hash
from bsngraph.profile import FabricProfile
from bsngraph.runs.rows.latencies import LatenciesRow
from bsngraph.typed_files import read_row
from bsngraph.wording import printable, shortened

FEWEST_NETWORKS = 3

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
    return replace(
        table, calibration=fit_calibration(*_sums_and_wholes(table)), spread=spread_of_table(table)
    )


def spread_of_table(table: LatencyTable) -> float:
    """The largest share by which a network of the table took longer than its calibrated
    sum, left out of the calibration itself.
    """
    return calibration_spread(*_sums_and_wholes(table))


def _sums_and_wholes(table: LatencyTable) -> tuple[Costs, Costs, Costs]:
    """Of each network measured whole: the sum of its operations, that of its joining,
    and what it took, (networks,) milliseconds each.
    """
    operation, joining = (
        dict(zip(table.edges, part, strict=True)) for part in (table.operation_ms, table.joining_ms)
    )
    sums = [
        np.array([sum(part[name] for name in network.edges) for network in table.networks])
        for part in (operation, joining)
    ]
    return sums[0], sums[1], np.array([network.ms for network in table.networks])


def _check_times(row: LatenciesRow, path: Path) -> None:
    """Raise where a time is zero or longer than anybody waits."""
    times = [
        *((f"$.operation_ms[{name!r}]", ms) for name, ms in row.operation_ms.items()),
        *((f"$.joining_ms[{name!r}]", ms) for name, ms in row.joining_ms.items()),
        *((f"$.networks[{index}].ms", network.ms) for index, network in enumerate(row.networks)),
    ]
    for place, ms in times:
        if not 0 < ms <= _LONGEST_MS:
            raise InputError(f"{path}: {ms:g} ms at {place} is no time that was measured: {_ANEW}")


def _check_networks(row: LatenciesRow, fabric: Fabric, path: Path) -> None:
    """Raise where there are too few networks measured whole, one is none of the fabric,
    or one is there twice.
    """
    wanted = len(random_architectures(fabric, FEWEST_NETWORKS, seed=0))  # small fabrics have fewer
    if len(row.networks) < wanted:
        raise InputError(
            f"{path}: has {len(row.networks)} networks measured whole at $.networks, and {wanted} at least "
            f"say how far a sum of edges is from them: {_ANEW}"
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
