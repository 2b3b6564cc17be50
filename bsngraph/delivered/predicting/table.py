"""Classification, regression and multi-label: predictions.csv, a row an example."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from bsngraph.delivered.model_facts import ModelFacts
from bsngraph.delivered.predicting.batches import Batch, make_folder
from bsngraph.tasks import Task
from bsngraph.tasks.answer_tables import AnswerTable
from bsngraph.whole_files import write_whole

TABLE = "predictions.csv"


def write_table(
    batches: Iterator[Batch], facts: ModelFacts, task: Task, table: AnswerTable, folder: Path, called: str
) -> None:
    """Write predictions.csv. `called` is the column of the examples' names.

    Raises:
        InputError: the folder cannot be written to.
    """
    text, probabilities = io.StringIO(), task.row.form.probabilities
    writer = csv.writer(text, lineterminator="\n")
    for number, batch in enumerate(batches):
        if not number:
            header = _header(table, facts.classes, called, labelled=batch.labels is not None)
            writer.writerow([*header, *(facts.classes if probabilities else ())])
        known = (
            [[]] * len(batch.names)
            if batch.labels is None
            else [table.cells(label, facts.classes) for label in batch.labels]
        )
        said = [table.cells(answer, facts.classes) for answer in task.predicted(batch.outputs)]
        shares = probabilities(batch.outputs).tolist() if probabilities else [[]] * len(said)
        for name, label, answer, row in zip(batch.names, known, said, shares, strict=True):
            writer.writerow([name, *label, *answer, *(f"{share:.6g}" for share in row)])
    make_folder(folder)
    write_whole(folder / TABLE, text.getvalue())


def _header(table: AnswerTable, classes: tuple[str, ...], called: str, *, labelled: bool) -> list[str]:
    said = table.columns(classes)
    known = [name.replace("predicted", "true", 1) for name in said]
    return [called, *(known if labelled else []), *said]
