"""RESULTS.md: what stands between `<!-- NAME -->` and `<!-- /NAME -->` is the table of
that name, made from its kept rows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from benchmarks.shared.rows import read_rows, rows_file
from benchmarks.shared.tables import Table
from bsngraph.whole_files import write_whole

PAGE = Path(__file__).parents[1] / "RESULTS.md"
MARKED = re.compile(r"<!-- (\w+) -->\n(.*?)\n<!-- /\1 -->", re.DOTALL)


def tables_of(text: str) -> dict[str, str]:
    """The tables that stand on a page, by name."""
    return {found[1]: found[2] for found in MARKED.finditer(text)}


def with_tables(text: str, made: Mapping[str, str]) -> str:
    """A page with tables in the place of those of the same name."""
    return MARKED.sub(
        lambda found: f"<!-- {found[1]} -->\n{made.get(found[1], found[2])}\n<!-- /{found[1]} -->", text
    )


def made_tables(tables: Mapping[str, Table]) -> dict[str, str]:
    """Tables made from the rows that are kept for them; those without rows are left
    out.
    """
    kept = {name: read_rows(rows_file(name)) for name in tables}
    return {name: tables[name](rows) for name, rows in kept.items() if rows}


def renew(tables: Mapping[str, Table]) -> dict[str, str]:
    """Put tables made from their kept rows into RESULTS.md; the tables by name."""
    made = made_tables(tables)
    write_whole(PAGE, with_tables(PAGE.read_text(encoding="utf-8"), made))
    return made
