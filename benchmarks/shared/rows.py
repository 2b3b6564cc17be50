"""Kept rows: JSON lines, one object a row, one file a table.

A row maps columns to values. Its column `measured` says when and where it was made; it
is null in rows that were kept before that was noted. Rows that were made by one run
have the same `measured`.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.shared.machine import here_and_now

RESULTS = Path(__file__).parents[1] / "results"
MEASURED = "measured"

Row = Mapping[str, Any]


def rows_file(table: str) -> Path:
    """Where the rows of a table are kept."""
    return RESULTS / f"{table}.jsonl"


def read_rows(path: Path) -> list[Row]:
    """All rows of a file, in its order; a file that is not there yet has none."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def append_rows(path: Path, rows: Iterable[Row], key: Sequence[str] = ()) -> None:
    """Add rows, made here and now. Processes that share a file take turns.

    With `key`, the columns that a row is known by, a row that the file holds already
    is left out: another process has made it meanwhile.
    """
    measured = here_and_now()
    with locked(path):
        known = by_key(read_rows(path), key) if key else {}
        new = [row for row in rows if not key or key_of(row, key) not in known]
        with path.open("a", encoding="utf-8") as file:
            for row in new:
                file.write(json.dumps({**row, MEASURED: measured}, ensure_ascii=False) + "\n")


def key_of(row: Row, key: Sequence[str]) -> tuple[Any, ...]:
    """The values of the columns that a row is known by."""
    return tuple(row[column] for column in key)


def by_key(rows: Iterable[Row], key: Sequence[str]) -> dict[tuple[Any, ...], Row]:
    """Rows by the values of the columns that they are known by."""
    return {key_of(row, key): row for row in rows}


def last_run(rows: Sequence[Row]) -> list[Row]:
    """The rows that were made together with the last one."""
    return [row for row in rows if row[MEASURED] == rows[-1][MEASURED]]


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Alone with a file, over all processes that ask."""
    lock = path.with_name(f".{path.name}.lock")
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
