"""A row for each network trained, known by its problem, budget, method, seed and
number. `network` says what was trained (see `networks`), so that it can be trained
again with other seeds.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from benchmarks.shared import rows as kept
from benchmarks.shared.rows import Row


class Key(NamedTuple):
    """What a row is known by; `number` counts the random networks of a seed."""

    problem: str
    budget: str
    method: str
    seed: int
    number: int = 0

    def __str__(self) -> str:
        return f"{self.problem} {self.budget} {self.method} {self.seed}.{self.number}"


Rows = dict[Key, Row]


def read_rows(path: Path) -> Rows:
    """All rows of a file by what they are known by."""
    return {Key(*key): row for key, row in kept.by_key(kept.read_rows(path), Key._fields).items()}


def append_row(path: Path, key: Key, values: Row) -> None:
    """Keep a row, unless another process has kept it meanwhile."""
    kept.append_rows(path, [{**key._asdict(), **values}], Key._fields)


def best_row(rows: Iterable[Row]) -> Row:
    """The row of the smallest validation loss."""
    return min(rows, key=lambda row: float(row["validation_loss"]))
