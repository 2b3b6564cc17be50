"""`bsngraph data`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from bsngraph.cli.shared_options import format_option
from bsngraph.errors import InputError

if TYPE_CHECKING:
    from bsngraph.data import Dataset, Split
    from bsngraph.data.data_sources import DataSource

_MOST_CLASSES = 40


@click.command()
@click.argument("name", required=False)
@click.option(
    "--data-code",
    metavar="FILE.py:FUNCTION",
    help="Run this function of this file for data of your own, instead of a NAME.",
)
@click.option(
    "--skip-bad",
    is_flag=True,
    help="Leave out examples that cannot be used, and say which, instead of an error.",
)
@format_option
def command(name: str | None, data_code: str | None, skip_bad: bool, form: str) -> None:
    """List the known data sets; or load the data set NAME and show its shapes, classes
    and splits.

    A NAME is one of the list, with what it needs after a colon and options after
    commas. The same names are what --data takes.

    \b
    Example:
      bsngraph data
      bsngraph data digits
      bsngraph data fashion-mnist,size=14,train=10000
      bsngraph data folder:my-images,size=32
    """
    if name is not None and data_code is not None:
        raise InputError("NAME and --data-code exclude each other: data comes from one of them")
    if name is None and data_code is None:
        _list(form)
        return
    from bsngraph.data import load_data, load_data_code

    def notify(text: str) -> None:
        click.echo(text, err=True)

    loaded = (
        load_data(name, skip_bad=skip_bad, notify=notify)
        if name is not None
        else load_data_code(data_code or "", notify=notify)
    )
    facts = _facts(loaded)
    if form == "json":
        click.echo(json.dumps(facts, indent=2, ensure_ascii=False))
    else:
        _show(facts)


def _list(form: str) -> None:
    from bsngraph.data import DATA_SOURCES

    if form == "json":
        facts = [{"name": name, **_source_facts(source)} for name, source in DATA_SOURCES.items()]
        click.echo(json.dumps({"data": facts}, indent=2, ensure_ascii=False))
        return
    for name, source in DATA_SOURCES.items():
        argument = (
            f"[:{source.argument[1:-1]}]"
            if source.argument.startswith("[")
            else f":{source.argument}"
            if source.argument
            else ""
        )
        here = (
            f"give its {source.argument}" if source.here is None else "here" if source.here() else "not here"
        )
        click.echo(f"{name}{argument}: {source.summary}  [{here}]")
        click.echo(f"    {source.size}; licence: {source.licence}; from: {source.origin}")
        if source.options:
            click.echo(f"    options: {' '.join(f',{option}=…' for option in source.options)}")
    click.echo(
        "\n--data-code FILE.py:FUNCTION: anything else; the function returns a bsngraph.Dataset or a "
        "dictionary of arrays."
    )


def _source_facts(source: DataSource) -> dict[str, Any]:
    """What `--format json` prints of a row of the table."""
    return {
        "argument": source.argument or None,
        "summary": source.summary,
        "size": source.size,
        "licence": source.licence,
        "origin": source.origin,
        "here": source.here() if source.here else None,
        "options": dict(source.options),
    }


def _facts(dataset: Dataset) -> dict[str, Any]:
    """What `--format json` prints of one data set."""
    splits = {"train": dataset.train, "validation": dataset.validation, "test": dataset.test}
    return {
        "name": dataset.name,
        "task": dataset.task,
        "input_shape": list(dataset.input_shape),
        "type": str(dataset.train.inputs.dtype).removeprefix("torch."),
        "in_memory": not dataset.train.inputs.is_meta,
        "mean": list(dataset.mean),
        "std": list(dataset.std),
        "classes": list(dataset.class_names),
        "ignore_label": dataset.ignore_label,
        "augmentation": str(dataset.augmentation),
        "splits": {
            part: {"examples": len(split), **_labels(dataset, split)} for part, split in splits.items()
        },
        "skipped": list(dataset.skipped),
        "fingerprint": dataset.fingerprint(),
    }


def _labels(dataset: Dataset, split: Split) -> dict[str, Any]:
    """How often each class stands in a split (pixels, for segmentation); for
    regression, mean and deviation of each output.
    """
    names = dataset.class_names
    from bsngraph.tasks import TASKS

    if TASKS[dataset.task].standardised:
        values = split.labels.double()
        means, deviations = values.mean(0).tolist(), values.std(0, correction=0).tolist()
        return {
            "outputs": {
                name: {"mean": m, "std": s} for name, m, s in zip(names, means, deviations, strict=True)
            }
        }
    return {"counts": dict(zip(names, split.label_counts(len(names)).tolist(), strict=True))}


def _show(facts: dict[str, Any]) -> None:
    from rich.table import Table

    from bsngraph.cli.tables.printing import plain_console
    from bsngraph.tasks import TASKS

    splits, row = facts["splits"], TASKS[facts["task"]]
    sizes = ", ".join(f"{split['examples']:,} {part}" for part, split in splits.items())
    click.echo(
        f"{facts['name']}: {facts['task']}, {'x'.join(map(str, facts['input_shape']))} {facts['type']}; "
        f"{sizes}"
    )
    if not facts["in_memory"]:
        click.echo("larger than memory=…: read while it is used")
    click.echo(
        f"mean {_numbers(facts['mean'])}; deviation {_numbers(facts['std'])}; augmentation "
        f"{facts['augmentation']}"
    )
    if facts["ignore_label"] is not None:
        click.echo(f"pixels labelled {facts['ignore_label']} count nowhere")
    if row.standardised:
        table = Table("output", *(f"{part}: mean ± deviation" for part in splits))
        for name in facts["classes"]:
            cells = [split["outputs"][name] for split in splits.values()]
            table.add_row(name, *(f"{cell['mean']:.4g} ± {cell['std']:.4g}" for cell in cells))
    else:
        table = Table("class (pixels)" if row.labels.layout == "map" else "class", *splits)
        for name in facts["classes"][:_MOST_CLASSES]:
            table.add_row(name, *(f"{split['counts'][name]:,}" for split in splits.values()))
        if len(facts["classes"]) > _MOST_CLASSES:
            table.add_row(f"… and {len(facts['classes']) - _MOST_CLASSES} more")
    plain_console().print(table)


def _numbers(values: list[float]) -> str:
    shown = ", ".join(f"{value:.4g}" for value in values[:4])
    return shown + (f", … ({len(values)} channels)" if len(values) > 4 else "")
