"""`bsngraph evaluate`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from bsngraph.cli.data_options import data_from, data_options, new_test_option
from bsngraph.cli.help_groups import GroupedCommand
from bsngraph.cli.shared_options import (
    FILE,
    device_option,
    engine_option,
    format_option,
    ops_option,
    threads_option,
    trust_option,
)


@click.command(cls=GroupedCommand)
@click.argument("run", type=FILE)
@data_options
@new_test_option
@ops_option
@trust_option
@engine_option
@device_option
@threads_option
@format_option
def command(
    run: Path,
    as_new_test: bool,
    trust: bool,
    engine: str | None,
    device: str,
    threads: int | None,
    form: str,
    **more: Any,
) -> None:
    """Measure the delivered network in RUN again on the test data, from its graph and
    weights alone. Of a folder that `export` made, measure what was exported.

    The test examples are those that RUN recorded, whatever their order or file names
    now. Beside the metric it prints what becomes of each class and which classes are
    confused; of many classes the worst. --format json has all.

    \b
    Example:
      bsngraph evaluate runs/first
      bsngraph evaluate exported
    """
    from bsngraph.cli.tables.answers_table import show_answers
    from bsngraph.exporting import evaluate_folder
    from bsngraph.typed_files import plain
    from bsngraph.wording import quantity

    found = evaluate_folder(
        run,
        engine=engine,
        trusted=trust,
        data=data_from(more),
        as_new_test=as_new_test,
        device=device,
        threads=threads,
    )
    for note in found.notes:
        click.echo(note, err=True)
    if form == "json":
        facts = {
            "data": found.dataset,
            "metrics": {"test": found.score.summary()},
            "costs": {name: {"value": value} for name, value in found.costs.items()},
            "answers": plain(found.answers),
        }
        click.echo(json.dumps(facts, indent=2, ensure_ascii=False))
        return
    click.echo(f"{found.dataset}: test {found.score.shown()}, loss {found.score.loss:.4f}")
    click.echo("  ".join(f"{name} {quantity(value)}" for name, value in found.costs.items()))
    show_answers(found.answers)
