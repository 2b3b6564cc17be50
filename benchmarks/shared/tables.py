"""Rows as Markdown tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from benchmarks.shared.rows import MEASURED, Row, by_key, last_run

Table = Callable[[Sequence[Row]], str]


def markdown(columns: Sequence[str], numbers: Sequence[bool], lines: Iterable[Sequence[str]]) -> str:
    """A table of cells; columns of numbers stand to the right."""
    rule = "|".join("---:" if number else "---" for number in numbers)
    made = [f"| {' | '.join(cells)} |" for cells in (columns, *lines)]
    return "\n".join([made[0], f"|{rule}|", *made[1:]])


def table(rows: Sequence[Row], shown: Mapping[str, str] | None = None) -> str:
    """Rows as a table of their columns but `measured`.

    Columns that some row lacks are empty there. `shown` holds templates for columns,
    such as `{:.1f} %`; other numbers have three figures.
    """
    templates = shown or {}
    columns = list(dict.fromkeys(column for row in rows for column in row if column != MEASURED))
    numbers = [all(isinstance(row.get(column, 0), int | float) for row in rows) for column in columns]
    lines = [
        [
            templates[column].format(row[column]) if column in templates else _text(row.get(column, ""))
            for column in columns
        ]
        for row in rows
    ]
    return markdown(columns, numbers, lines)


def last_table(made: Table = table) -> Table:
    """The way to make a table of the rows of the last run, with a line that says when
    and where they were made.
    """

    def last(rows: Sequence[Row]) -> str:
        newest = last_run(rows)
        measured = newest[-1][MEASURED]
        return made(newest) + (f"\n\n{_where(measured)}" if measured else "")

    return last


def newest_table(*key: str, made: Table = table) -> Table:
    """The way to make a table of the newest row of each value of the columns `key`,
    with a line that says when and where the last of them was made. Rows that lack one
    of the columns are left out.
    """

    def newest(rows: Sequence[Row]) -> str:
        kept = list(by_key((row for row in rows if set(key) <= set(row)), key).values())
        last = max(kept, key=lambda row: row[MEASURED]["when"])
        return f"{made(kept)}\n\n{_where(last[MEASURED])}"

    return newest


def _where(measured: Row) -> str:
    machine = f"{measured['threads']} threads, torch {measured['torch']}" + (
        f", {measured['gpu']}" if measured["gpu"] else ""
    )
    return f"{measured['when'][:10]}, {machine}; load of the machine at the end {measured['load']}."


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 100 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
