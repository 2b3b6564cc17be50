"""`bsngraph measure`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bsngraph.cli.help_groups import GroupedCommand, option
from bsngraph.cli.inputs import keep_inputs, load_profile
from bsngraph.cli.shared_options import (
    FILE,
    device_option,
    format_option,
    ops_option,
    quiet_option,
    set_option,
    threads_option,
)
from bsngraph.errors import InputError

if TYPE_CHECKING:
    from bsngraph.measure import LatencyTable
    from bsngraph.profile import FabricProfile
    from bsngraph.training import Progress


@click.command(cls=GroupedCommand)
@click.argument("fabric", type=FILE)
@option("-o", "--out", type=FILE, help="Also write the table to this file, for --latencies.")
@option(
    "--kit",
    metavar="DIR",
    type=FILE,
    help="Measure nothing: write a folder to copy to another device, with a measure.py that needs "
    "onnxruntime and numpy alone and writes latencies.json there.",
)
@option(
    "--latencies",
    metavar="FILE",
    type=FILE,
    help="Measure nothing: print the table that this file has of FABRIC, from this device or another.",
)
@option(
    "--batch", type=click.IntRange(1, 65_536), default=1, show_default=True, help="Examples that run at once."
)
@option(
    "--engine",
    type=click.Choice(["torch", "onnx"]),
    default="torch",
    show_default=True,
    help="What runs the networks; onnx is onnxruntime on the CPU.",
)
@set_option
@ops_option
@device_option
@threads_option
@quiet_option
@format_option
def command(
    fabric: Path,
    out: Path | None,
    kit: Path | None,
    latencies: Path | None,
    batch: int,
    engine: str,
    parameters: tuple[str, ...],
    device: str,
    threads: int | None,
    quiet: bool,
    form: str,
) -> None:
    """Measure how long each edge of FABRIC takes on this device, and how far the sum of
    edges is from networks measured whole.

    With --kit the same is measured on another device: copy the folder there, run its
    measure.py, and bring its latencies.json back to `bsngraph search FABRIC --latencies
    latencies.json --budget latency=5ms`.

    \b
    Example:
      bsngraph measure fabrics/digits.dot --threads 1
      bsngraph measure fabrics/digits.dot --kit kit
      bsngraph measure fabrics/digits.dot --latencies latencies.json
    """
    if sum(each is not None for each in (kit, latencies, out)) > 1:
        raise InputError("--kit, --latencies and -o exclude each other: do one after the other")
    from bsngraph.cli.display import progress_display
    from bsngraph.cli.tables.latencies_table import show_kit, show_latencies
    from bsngraph.measure import read_latencies

    profile, progress = load_profile(fabric, parameters), progress_display(quiet)
    if kit is not None:
        from bsngraph.measure.kit.write_kit import write_kit

        def told(done: int, of: int) -> None:
            if done % 10 == 0 or done in (1, of):
                progress.note(f"{kit}: {done} of {of} models are written, a second or two each")

        show_kit(kit, write_kit(profile, kit, report=told), form)
        return
    if out is not None:
        keep_inputs(out, fabric)
    if latencies is not None:
        show_latencies(profile, read_latencies(latencies, profile), form)
        return
    table = _measured(profile, engine, batch, device, threads, progress)
    if out is not None:
        from bsngraph.typed_files import json_text
        from bsngraph.whole_files import write_whole

        write_whole(out, json_text(table.row()))
    show_latencies(profile, table, form)


def _measured(
    profile: FabricProfile, engine: str, batch: int, device: str, threads: int | None, progress: Progress
) -> LatencyTable:
    from bsngraph.measure import LATENCY_ENGINES, find_hardware
    from bsngraph.measure.pricing import measured_table

    runs_it = LATENCY_ENGINES["latency" if engine == "torch" else f"latency@{engine}"]
    return measured_table(profile, runs_it, batch, find_hardware(device, threads), progress)
