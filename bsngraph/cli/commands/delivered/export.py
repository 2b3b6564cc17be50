"""`bsngraph export`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bsngraph.cli.data_options import data_from, data_options
from bsngraph.cli.help_groups import GroupedCommand, option
from bsngraph.cli.shared_options import FILE, ops_option

if TYPE_CHECKING:
    from bsngraph.exporting import Exported


@click.command(cls=GroupedCommand)
@click.argument("run", type=FILE)
@option(
    "--format",
    "format_name",
    metavar="NAME",
    required=True,
    help="What to write: python, hf, onnx, torch-export or executorch.",
)
@option("-o", "--out", type=FILE, required=True, help="The folder to make.")
@option("--logits", is_flag=True, help="Give the outputs of the network itself, without softmax and class.")
@option(
    "--opset",
    type=click.IntRange(min=1),
    help="The version of ONNX's operators, for onnx.  [default: as the exporter chooses]",
)
@option(
    "--int8",
    is_flag=True,
    help="Weights and activations in 8 bits, for onnx: calibrated on training data, a scale for each tensor "
    "or each channel, whichever is better on validation data.",
)
@option(
    "--int8-loss",
    metavar="POINTS",
    type=float,
    default=1.0,
    show_default=True,
    help="What 8 bits may lose of the metric on validation data, in points: per cents of a share like "
    "accuracy, and of an error like RMSE per cents of itself. What loses more is not written.",
)
@option(
    "--include-ops",
    is_flag=True,
    help="Copy the files of your own operations into the export, for python and hf.",
)
@option("--overwrite", is_flag=True, help="Replace an export that --out holds.")
@data_options
@ops_option
@option("--json", "as_json", is_flag=True, help="Print what export.json says.")
def command(run: Path, format_name: str, out: Path, overwrite: bool, as_json: bool, **more: Any) -> None:
    """Write the network that RUN delivers for where bsngraph is not, and prove that it
    answers the same.

    Raw inputs go in, as the data have them; normalisation, probabilities and classes
    are inside, and the number of examples is free. The proof is in export.json: batches
    against torch, the test metric before and after, costs counted on what was exported.
    If it fails, nothing is written, and the exit code is 1.

    \b
    Example:
      bsngraph export runs/first --format onnx -o exported
      bsngraph verify exported
    """
    from bsngraph.exporting import ExportOptions, export

    data = data_from(more)
    found = export(run, format_name, out, options=ExportOptions(**more), data=data, overwrite=overwrite)
    for note in found.notes:
        click.echo(note, err=True)
    if as_json:
        click.echo(json.dumps(_facts(found), indent=2, ensure_ascii=False))
        return
    for line in _lines(found):
        click.echo(line)


def _facts(found: Exported) -> Any:
    from bsngraph.typed_files import plain

    return {"folder": str(found.folder), **plain(found.record)}


def _lines(found: Exported) -> list[str]:
    from bsngraph.tasks import TASKS
    from bsngraph.wording import quantity

    record = found.record
    headline, metric = TASKS[record.task].headline, record.metric
    worst = max(row.difference for row in record.parity)
    files = [name for name in record.files if "/" not in name]
    costs = "  ".join(f"{name} {quantity(cost.exported)}" for name, cost in record.costs.items())
    opset = f" (opset {record.opset})" if record.opset else ""
    lines = [
        f"{found.folder}: {record.format}{opset}, {', '.join(files)}",
        f"test {headline.shown(metric.after)}, before {headline.value(metric.before)}; outputs differ by at "
        f"most {worst:.1g} of the largest",
        f"counted on the export: {costs}",
    ]
    if record.int8 is not None:
        kept = record.int8
        lines.append(
            f"8 bits, one scale {kept.granularity}, calibrated on {kept.calibrated_on} training examples; "
            f"validation {headline.shown(kept.after[kept.granularity])}, before {headline.value(kept.before)}"
        )
    return lines
