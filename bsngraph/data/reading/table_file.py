"""A file of comma-separated values → its entries as text, each line with its number.

Entries may hold line breaks. Lines are counted as editors count them: by line feeds and
carriage returns, blank lines included.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from bsngraph.errors import InputError
from bsngraph.whole_files import read_bounded

_SEPARATORS = ",;\t"
_MOST_BYTES = 2**28


@dataclass(frozen=True)
class Table:
    """The columns' names, and the entries of each line below them.

    `line_numbers` says where each of `lines` begins in the file, from 1.
    """

    header: tuple[str, ...]
    lines: tuple[tuple[str, ...], ...]
    line_numbers: tuple[int, ...]


def read_table(path: Path) -> Table:
    """The table in a file; separated by commas, semicolons or tabs.

    Raises:
        InputError: the file cannot be read, or is not a table with column names first.
    """
    text = _text(path)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_separator(text), strict=True)
    lines, numbers, before = [], [], 0
    try:
        for line in reader:
            if line:
                lines.append(tuple(line))
                numbers.append(before + 1)
            before = reader.line_num
    except csv.Error as error:
        raise InputError(f"{path}: is not a table (line {before + 1}: {error})") from None
    if len(lines) < 2 or len(lines[0]) < 2:
        raise InputError(f"{path}: needs a line of column names, then lines of two entries or more")
    return Table(tuple(name.strip() for name in lines[0]), tuple(lines[1:]), tuple(numbers[1:]))


def _text(path: Path) -> str:
    if not path.exists():
        raise InputError(f"there is no file {path}: csv:FILE is a table with a line of column names first")
    content = read_bounded(path, _MOST_BYTES, "too much for a table: give arrays as npz:FILE")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not UTF-8 (byte {error.start}): save it as UTF-8") from None


def _separator(text: str) -> str:
    """The character that splits the first line into the most entries."""

    def entries(separator: str) -> int:
        try:
            return len(next(csv.reader(io.StringIO(text, newline=""), delimiter=separator), []))
        except csv.Error:
            return 0

    return max(_SEPARATORS, key=entries)
