"""What a network answered on test data, class by class: what `evaluate` prints. All of
it is in `--format json`; of many classes the worst are printed.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.table import Table

from bsngraph.cli.tables.printing import plain_console
from bsngraph.runs.rows.answers import (
    AmountAnswers,
    AnyAnswers,
    ClassAnswers,
    ClassScore,
    DecisionAnswers,
    PixelAnswers,
)
from bsngraph.wording import printable, quantity, shortened

_MOST_ROWS = 20
_WORST = 10
_MOST_IN_MATRIX = 12
_LONGEST_NAME, _LONGEST_COLUMN = 24, 6


def show_answers(answers: AnyAnswers) -> None:
    """Print per-class results, and the confusion matrix or the most confused pairs."""
    console = plain_console()
    if isinstance(answers, AmountAnswers):
        console.print(_outputs_table(answers))
        return
    if isinstance(answers, DecisionAnswers):
        console.print(f"{answers.wholly_right} of {answers.examples} examples have no wrong decision")
    console.print(_classes_table(answers))
    if isinstance(answers, DecisionAnswers) or not answers.pairs:
        return
    small = len(answers.classes) <= _MOST_IN_MATRIX and isinstance(answers, ClassAnswers)
    console.print(_matrix(answers) if small else _pairs_table(answers))


def _classes_table(answers: ClassAnswers | PixelAnswers | DecisionAnswers) -> Table:
    """A row a class, in their order; of more than 20 the worst ones."""
    named = {ClassAnswers: "recall", PixelAnswers: "iou", DecisionAnswers: "f1"}[type(answers)]
    rows: Sequence[ClassScore] = answers.classes
    title = None
    if len(rows) > _MOST_ROWS:
        there = [one for one in rows if getattr(one, named) is not None]
        rows = sorted(there, key=lambda one: (getattr(one, named), -one.labelled))[:_WORST]
        title = f"the {len(rows)} worst of {len(answers.classes)} classes; --format json has all"
    what = "pixels" if isinstance(answers, PixelAnswers) else "examples"
    more = [] if named == "recall" else [{"iou": "IoU", "f1": "F1"}[named]]
    table = Table("class", title=title, title_justify="left")
    for header in (what, "predicted", "precision", "recall", *more):
        table.add_column(header, justify="right")
    for one in rows:
        shares = (one.precision, one.recall, *([getattr(one, named)] if more else []))
        counts = (_count(one.labelled), _count(one.predicted))
        table.add_row(_name(one.name), *counts, *map(_share, shares))
    return table


def _matrix(answers: ClassAnswers | PixelAnswers) -> Table:
    """Counts: a row for each true class, a column for each predicted one."""
    names = [_name(one.name) for one in answers.classes]
    short = max(map(len, names)) <= _LONGEST_COLUMN
    columns = names if short else [str(number) for number in range(1, len(names) + 1)]
    table = Table("true ↓  predicted →", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in columns:
        table.add_column(column, justify="right")
    for number, (name, row) in enumerate(zip(names, answers.matrix(), strict=True), start=1):
        table.add_row(name if short else f"{number} {name}", *(str(count) if count else "·" for count in row))
    return table


def _pairs_table(answers: ClassAnswers | PixelAnswers) -> Table:
    """The most confused pairs of classes."""
    table = Table("most confused", "taken for", box=box.SIMPLE_HEAD)
    table.add_column("how often", justify="right")
    table.add_column("of the class", justify="right")
    for pair in answers.pairs[:_WORST]:
        true, said = answers.classes[pair.true], answers.classes[pair.predicted]
        part = _share(pair.count / true.labelled)
        table.add_row(_name(true.name), _name(said.name), _count(pair.count), part)
    return table


def _outputs_table(answers: AmountAnswers) -> Table:
    """A row an output, in its own unit."""
    left = len(answers.outputs) - _MOST_ROWS
    title = f"the first {_MOST_ROWS} outputs; --format json has {left} more" if left > 0 else None
    shares = (0.05, 0.5, 0.95)
    table = Table("output", title=title, title_justify="left")
    for header in ("RMSE", "MAE", *(f"residual, {100 * share:.0f} % below" for share in shares)):
        table.add_column(header, justify="right")
    for output in answers.outputs[:_MOST_ROWS]:
        below = {one.share: one.residual for one in output.residuals}
        residuals = (quantity(below[share]) for share in shares)
        table.add_row(_name(output.name), quantity(output.rmse), quantity(output.mae), *residuals)
    return table


def _name(name: str) -> str:
    return shortened(printable(name), _LONGEST_NAME)


def _count(count: int) -> str:
    return f"{count:,}" if count < 1_000_000 else quantity(count)


def _share(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"
