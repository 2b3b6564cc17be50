"""trainings.csv: every finalist with its facts, what was expected of it, and what it
gave.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from bsngraph.runs import RunFolder
from bsngraph.searching.choosing.finalists.contenders import Contenders
from bsngraph.searching.choosing.finalists.finalists_state import FinalistsState
from bsngraph.searching.choosing.predicting.pool import masks_of
from bsngraph.whole_files import write_whole
from bsngraph.wording import ranges


def write_trainings(run: RunFolder, contenders: Contenders, state: FinalistsState) -> None:
    """Write a row for each finalist whose training ended, in the order of trainings."""
    write_whole(run.file("trainings.csv"), trainings_text(contenders, state))


def trainings_text(contenders: Contenders, state: FinalistsState) -> str:
    """The text of trainings.csv.

    `architecture` are its live edges, by their numbers in fabric.dot from 0 on.
    `predicted_log_loss` and `predicted_deviation` are what was expected before it was
    trained, empty where nothing was. `loss` is what was minimised, on validation data;
    `expected_log_loss` is what the predictor expects of another training, after all of
    them.
    """
    sheet, count = contenders.places.sheet, len(state.results)
    finalists = state.finalists[:count]
    live = masks_of((finalist.live for finalist in finalists), contenders.live.shape[1])
    costs = contenders.budgets.costs(live).T
    metrics = list(state.results[0].metrics) if state.results else []
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(
        [
            *("number", "chosen_by", "architecture"),
            *(f"cost_{budget.cost.name}" for budget in contenders.budgets),
            *sheet.names,
            *("predicted_log_loss", "predicted_deviation", "loss"),
            *(f"validation_{name}" for name in metrics),
            "expected_log_loss",
        ]
    )
    believed = contenders.believed(state).mean.tolist() if count else []
    for number, (finalist, result) in enumerate(zip(finalists, state.results, strict=True)):
        predicted: Sequence[float | str] = finalist.predicted or ("", "")
        rows.writerow(
            [
                *(number + 1, finalist.chosen_by, ranges(finalist.live)),
                *costs[number].tolist(),
                *sheet.facts(live[number : number + 1])[0].tolist(),
                *predicted,
                result.loss,
                *(result.metrics[name] for name in metrics),
                -believed[number],
            ]
        )
    return text.getvalue()
