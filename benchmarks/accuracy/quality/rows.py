"""quality.csv: a line for each network trained, only ever appended to, by one process
at a time.

A row is known by its problem, budget, method, seed and number. `network` says what was
trained (see `networks`), so that it can be trained again with other seeds.
"""

from __future__ import annotations

import csv
import fcntl
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

FIELDS = (
    "problem",
    "budget",
    "method",
    "seed",
    "number",
    "test_accuracy",
    "validation_accuracy",
    "validation_loss",
    "budget_share",
    "macs",
    "params",
    "searchable_kept",
    "network",
    "choose_cpu_seconds",
    "train_cpu_seconds",
)


class Key(NamedTuple):
    """What a row is known by; `number` counts the random networks of a seed."""

    problem: str
    budget: str
    method: str
    seed: int
    number: int = 0

    def __str__(self) -> str:
        return f"{self.problem} {self.budget} {self.method} {self.seed}.{self.number}"


Row = Mapping[str, str]
Rows = dict[Key, Row]


def read_rows(path: Path) -> Rows:
    """All rows of a file; none where there is no file."""
    if not path.exists():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        return {
            Key(row["problem"], row["budget"], row["method"], int(row["seed"]), int(row["number"])): row
            for row in csv.DictReader(file)
        }


def append_row(path: Path, key: Key, values: Mapping[str, str]) -> None:
    """Write a row, unless another process has written it meanwhile."""
    with locked(path):
        if key in read_rows(path):
            return
        with path.open("a", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
            if file.tell() == 0:
                writer.writeheader()
            writer.writerow({**{name: str(value) for name, value in key._asdict().items()}, **values})


def best_row(rows: Iterable[Row]) -> Row:
    """The row of the smallest validation loss."""
    return min(rows, key=lambda row: float(row["validation_loss"]))


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Alone with a file, over all processes that ask."""
    lock = path.with_name(f".{path.name}.lock")
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
