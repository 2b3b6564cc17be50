"""trainings.csv → typed rows: what each finalist was expected to give, and what it
gave.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass

from bsngraph.errors import InputError
from bsngraph.runs import RunFolder
from bsngraph.typed_files import CURE
from bsngraph.whole_files import read_bounded

_MOST_BYTES, _MOST_ROWS = 16 * 2**20, 10_000
_NEEDED = (
    "number",
    "chosen_by",
    "architecture",
    "predicted_log_loss",
    "predicted_deviation",
    "loss",
    "expected_log_loss",
)
_METRIC = "validation_"


@dataclass(frozen=True)
class FinalistRow:
    """A finalist's training. Losses are on validation data.

    `architecture` are its live edges, as ranges of their numbers in fabric.dot.
    `predicted` are mean and deviation of the logarithm of its loss before it was
    trained, None where nothing was predicted. `expected` is the mean after all
    trainings.
    """

    number: str
    chosen_by: str
    architecture: str
    loss: float
    predicted: tuple[float, float] | None
    expected: float
    metrics: Mapping[str, float]


def read_trainings(run: RunFolder) -> tuple[FinalistRow, ...]:
    """The rows of trainings.csv, none where the run has no such file.

    Raises:
        InputError: it is damaged, or larger than any run's is.
    """
    path = run.file("trainings.csv")
    if not path.exists():
        return ()
    content = read_bounded(path, _MOST_BYTES, "which no run's trainings are")
    try:
        lines = list(csv.DictReader(io.StringIO(content.decode("utf-8")), strict=True))
        if len(lines) > _MOST_ROWS:
            raise ValueError(f"there are more than {_MOST_ROWS:,} rows")
        return tuple(_row(line) for line in lines)
    except (ValueError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read as trainings ({error}): {CURE}") from None


def _row(line: Mapping[str | None, str | None]) -> FinalistRow:
    missing = [name for name in _NEEDED if line.get(name) is None]
    if missing or None in line:
        raise ValueError(f"a row has no {missing[0]}" if missing else "a row has too many cells")
    cells = {str(name): str(cell) for name, cell in line.items()}
    predicted = cells["predicted_log_loss"], cells["predicted_deviation"]
    return FinalistRow(
        number=cells["number"],
        chosen_by=cells["chosen_by"],
        architecture=cells["architecture"],
        loss=_number(cells["loss"]),
        predicted=(_number(predicted[0]), _number(predicted[1])) if all(predicted) else None,
        expected=_number(cells["expected_log_loss"]),
        metrics={
            name.removeprefix(_METRIC): _number(cell)
            for name, cell in cells.items()
            if name.startswith(_METRIC)
        },
    )


def _number(cell: str) -> float:
    value = float(cell)
    if not math.isfinite(value):
        raise ValueError(f"{cell} is no finite number")
    return value
