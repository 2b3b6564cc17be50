"""What `bsngraph measure` prints: the milliseconds of edges, and how far their sum is
from networks measured whole.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.table import Table

from bsngraph.cli.tables.printing import plain_console, share
from bsngraph.draw.palette import long_label

if TYPE_CHECKING:
    from bsngraph.measure import LatencyTable
    from bsngraph.profile import FabricProfile


def show_latencies(profile: FabricProfile, table: LatencyTable, form: str) -> None:
    """A table of latencies, as JSON or for people (`form` is json or text)."""
    facts = _facts(profile, table)
    if form == "json":
        click.echo(json.dumps(facts, indent=2, ensure_ascii=False))
        return
    console = plain_console()
    name = profile.fabric.name or "fabric"
    console.print(f"{name}: {len(table.edges)} edges on {table.conditions.told()}", soft_wrap=True)
    rows = Table("edge", "operation", "ms", "share")
    for edge, said in zip(profile.fabric.edges, facts["edges"], strict=True):
        rows.add_row(edge.name, long_label(edge), f"{said['ms']:.4f}", share(said["ms"], facts["fabric_ms"]))
    console.print(rows)
    console.print(f"whole fabric: {facts['fabric_ms']:.4g} ms, the calibrated sum of its edges")
    calibration, spread = table.calibration, facts["spread"]
    if calibration.error is None or calibration.error_before is None:
        console.print("not calibrated: it is the plain sum of operations")
        return
    console.print(
        f"calibration: {calibration.operations:.3g} x the operations and {calibration.joining:.3g} x their "
        f"joining at nodes{', then a factor of each edge' if table.edge_ms else ''}, fitted on "
        f"{calibration.networks} networks measured whole; it misses one that is left out of the fit by "
        f"{100 * calibration.error:.1f} % on average, and the plain sum by "
        f"{100 * calibration.error_before:.1f} %",
        soft_wrap=True,
    )
    console.print(
        f"spread: one of these networks, left out of the fit, took {100 * spread:.1f} % longer than its sum; "
        "none took longer than that",
        soft_wrap=True,
    )


def show_kit(folder: Path, models: int, form: str) -> None:
    """What a kit holds, and what to do with it."""
    if form == "json":
        click.echo(json.dumps({"folder": str(folder), "models": models}, indent=2, ensure_ascii=False))
        return
    click.echo(f"{folder}: {models} models and measure.py")
    click.echo("copy the folder to the device, and run there: python measure.py")


def _facts(profile: FabricProfile, table: LatencyTable) -> dict[str, Any]:
    from bsngraph.measure.table_file import spread_of_table
    from bsngraph.typed_files import plain

    per_edge = table.calibrated.tolist()
    return {
        "name": profile.fabric.name,
        "conditions": plain(table.conditions),
        "edges": [
            {"edge": name, "op": edge.op, "ms": ms, "operation_ms": operation, "joining_ms": joining}
            for name, edge, ms, operation, joining in zip(
                table.edges, profile.fabric.edges, per_edge, table.operation_ms, table.joining_ms, strict=True
            )
        ],
        "fabric_ms": sum(per_edge),
        "calibration": plain(table.calibration),
        "spread": spread_of_table(table) if table.networks else None,
    }
