"""`bsngraph log`. Imports no torch."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path

import click

from bsngraph.cli.help_groups import GroupedCommand, option
from bsngraph.cli.shared_options import FILE, format_option


@click.command(cls=GroupedCommand)
@click.argument("run", type=FILE)
@option(
    "--to", required=True, metavar="NAME", help="The tool that is to show the run: tensorboard or mlflow."
)
@option(
    "-o",
    "--out",
    type=FILE,
    help="The folder that the tool reads.  [default: for tensorboard the folder tensorboard in RUN; for "
    "mlflow the folder mlflow beside RUN, which all runs there share]",
)
@option(
    "--follow",
    is_flag=True,
    help="Go on while the run does, and end when it ends, or a minute after it was stopped.",
)
@format_option
def command(run: Path, to: str, out: Path | None, follow: bool, form: str) -> None:
    """Log RUN to TensorBoard or MLflow: losses, metrics, costs, limits and λ over
    epochs, the learned Γ, the architecture's picture, and settings with what was found.

    A run that was logged before is gone on with or replaced, never doubled. TensorBoard
    gets one event file, MLflow a run in an SQLite store.

    \b
    Example:
      bsngraph log runs/first --to tensorboard
      bsngraph log runs/first --to mlflow -o mlflow --follow
    """
    from bsngraph.runs import RunFolder
    from bsngraph.tracking.log_run import log_run
    from bsngraph.wording import printable

    logged = log_run(RunFolder(run), to, out, follow=follow)
    viewer = shlex.join(logged.viewer)
    if form == "json":
        said = {
            "run": os.fspath(run),
            "to": to,
            "folder": os.fspath(logged.folder),
            "epochs": logged.epochs,
            "finished": logged.finished,
            "viewer": viewer,
        }
        click.echo(json.dumps(said, indent=2, ensure_ascii=False))
        return
    ended = "" if logged.finished else " (the run has not ended: log it again when it has)"
    click.echo(printable(f"{logged.folder}: {logged.epochs} epochs{ended}"))
    click.echo(printable(f"see them by: {viewer}"))
