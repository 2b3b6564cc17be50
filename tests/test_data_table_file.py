"""Tables are read as Python's own csv module reads them, and lines have the numbers
that an editor shows.
"""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bsngraph.data import load_data
from bsngraph.data.reading.table_file import read_table
from bsngraph.errors import InputError

CHARACTERS = "ab1,;\t\"'\n\r\x0b\x0c\x1c\x85\u2028\u2029 é\N{ZERO WIDTH NO-BREAK SPACE}"
entries = st.text(CHARACTERS, max_size=6)


@given(
    rows=st.integers(2, 4).flatmap(
        lambda width: st.lists(st.lists(entries, min_size=width, max_size=width), min_size=1, max_size=6)
    ),
    separator=st.sampled_from(",;\t"),
    line_end=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_tables_that_python_writes_are_read_as_python_reads_them(
    rows: list[list[str]], separator: str, line_end: str, quoting: int, tmp_path: Path
) -> None:
    path = tmp_path / "t.csv"
    header = [f"c{number}" for number in range(len(rows[0]))]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=separator, lineterminator=line_end, quoting=quoting)
        writer.writerows([header, *rows])
    with path.open(encoding="utf-8", newline="") as file:
        expected = [line for line in csv.reader(file, delimiter=separator) if line]
    table = read_table(path)
    assert [list(table.header), *map(list, table.lines)] == expected
    assert expected == [header, *rows] or any(
        "\r" in entry for row in rows for entry in row
    )  # which Python may write without quotes


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("a,b\n1,2\n3,4\n", (2, 3)),
        ("a,b\r\n1,2\r\n3,4", (2, 3)),
        ("a,b\r1,2\r3,4", (2, 3)),
        ("\n\na,b\n\n1,2\n\n\n3,4\n\n", (5, 8)),
        ('a,b\n"1\n1\n1",2\n3,4\n', (2, 5)),
        ('"a\na",b\n1,2\n', (3,)),
        ("a,b\n1\u2028,\f2\n3,4\n", (2, 3)),
        ('a,b\n"1\n",2\n\n3,4\n', (2, 5)),
    ],
)
def test_a_line_has_the_number_at_which_it_begins(
    text: str, numbers: tuple[int, ...], tmp_path: Path
) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(text.encode())
    assert read_table(path).line_numbers == numbers


def test_an_error_names_the_line_whatever_is_before_it(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text('a,b,y\n\n"1",2\u2028,"x\n\nx"\n1,2,z\n\f\n1,oops,z\n', encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_data(f"csv:{path}")
    assert [line.split(":")[0] for line in str(caught.value).splitlines()[1:]] == [
        "  - line 7",
        "  - line 8",
    ]
    path.write_text('a,b\n1,2\n\n"3,4\n', encoding="utf-8")
    with pytest.raises(InputError, match=r"is not a table \(line 4: unexpected end of data\)"):
        load_data(f"csv:{path}")


def test_a_separator_inside_quotes_separates_nothing(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text('"a;;;b",c\n1,2\n', encoding="utf-8")
    assert read_table(path).header == ("a;;;b", "c")
