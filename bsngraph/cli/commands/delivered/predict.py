"""`bsngraph predict`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bsngraph.cli.data_options import data_from, data_options, new_test_option
from bsngraph.cli.help_groups import GroupedCommand, option
from bsngraph.cli.shared_options import (
    FILE,
    device_option,
    engine_option,
    format_option,
    ops_option,
    threads_option,
    trust_option,
)

if TYPE_CHECKING:
    from bsngraph.delivered import Prediction


@click.command(cls=GroupedCommand)
@click.argument("run", type=FILE)
@option(
    "--images",
    metavar="DIR",
    type=FILE,
    help="A folder of image files, sub-folders included. They are resized as the data of RUN were; "
    "without a size there, they must have the size that the network takes.",
)
@data_options
@new_test_option
@option("-o", "--out", type=FILE, required=True, help="The folder to write to.")
@option("--overwrite", is_flag=True, help="Replace files of the same names that --out holds.")
@option(
    "--limit",
    type=click.IntRange(min=1),
    help="How many examples to predict, from the first on; all if not given.",
)
@option(
    "--paint-all",
    is_flag=True,
    help="Paint every class of a segmentation's overlays. Otherwise the background is left as it is, or, "
    "without a class of that name, the class that covers most.",
)
@ops_option
@trust_option
@engine_option
@device_option
@threads_option
@format_option
def command(
    run: Path,
    images: Path | None,
    as_new_test: bool,
    out: Path,
    overwrite: bool,
    limit: int | None,
    paint_all: bool,
    trust: bool,
    engine: str | None,
    device: str,
    threads: int | None,
    form: str,
    skip_bad: bool,
    **more: Any,
) -> None:
    """Say what the delivered network in RUN makes of images, or of a data set's test
    examples. A csv: table without a label column is predicted line by line. Of a folder
    that `export` made, ask what was exported.

    Segmentation writes NAME-classes.png, whose values are class numbers, and
    NAME-overlay.png for each image; NAME is the whole name of its file, as in
    sub/a.jpg. Every other task writes predictions.csv: the predicted class and the
    probability of each, or amounts in the outputs' own units.

    \b
    Example:
      bsngraph predict runs/first --images my-images -o predictions
      bsngraph predict runs/first --data digits -o predictions
    """
    from bsngraph.exporting import predict_folder

    def notify(text: str) -> None:
        click.echo(text, err=True)

    found = predict_folder(
        run,
        engine=engine,
        trusted=trust,
        out=out,
        images=images,
        data=data_from(more | {"skip_bad": False}),
        as_new_test=as_new_test,
        skip_bad=skip_bad,
        overwrite=overwrite,
        limit=limit,
        paint_all=paint_all,
        device=device,
        threads=threads,
        notify=notify,
    )
    for note in found.notes:
        notify(note)
    _show(found, out, form)


def _show(found: Prediction, out: Path, form: str) -> None:
    if form == "json":
        facts = {
            "task": found.task,
            "count": found.count,
            "files": list(map(str, found.files)),
            "skipped": list(found.skipped),
        }
        click.echo(json.dumps(facts, indent=2, ensure_ascii=False))
        return
    where = found.files[0] if len(found.files) == 1 else f"{out}: {len(found.files)} files"
    click.echo(f"{found.count} examples, {where}")
