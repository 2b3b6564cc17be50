"""The end of a benchmark: its rows are printed, and kept unless the run was quick."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.shared.rows import Row, append_rows, rows_file
from benchmarks.shared.tables import Table, table


def keep(name: str, rows: Sequence[Row], *, quick: bool, made: Table = table) -> None:
    """Print rows as a table, and keep them as the newest of the table `name`."""
    print(f"\n{made(rows)}", flush=True)
    if not quick:
        append_rows(rows_file(name), rows)
