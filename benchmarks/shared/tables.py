"""The tables of RESULTS.md, made anew from the JSON that the benchmarks keep.

    python benchmarks/tables.py

What stands between `<!-- NAME -->` and `<!-- /NAME -->` becomes the table of the last
record in `results/NAME.jsonl` that was not made with `--quick`, and a line that says
when and where it was measured.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from measuring import RESULTS, table

PAGE = Path(__file__).with_name("RESULTS.md")


def last_table(name: str) -> str | None:
    """The last full record's table; None where there is none."""
    path = RESULTS / f"{name}.jsonl"
    records = (
        [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []
    )
    full = [record for record in records if not record["quick"]]
    if not full:
        return None
    record = full[-1]
    where = f"{record['threads']} threads, torch {record['torch']}" + (
        f", {record['gpu']}" if record["gpu"] else ""
    )
    return (
        f"{table(record['rows'])}\n\n{record['when'][:10]}, {where}; load of the machine at the end "
        f"{record['load']}."
    )


def main() -> None:
    page = PAGE.read_text(encoding="utf-8")

    def made(found: re.Match[str]) -> str:
        new = last_table(found[1])
        return found[0] if new is None else f"<!-- {found[1]} -->\n{new}\n<!-- /{found[1]} -->"

    PAGE.write_text(re.sub(r"<!-- (\w+) -->\n.*?<!-- /\1 -->", made, page, flags=re.DOTALL), encoding="utf-8")


if __name__ == "__main__":
    main()
