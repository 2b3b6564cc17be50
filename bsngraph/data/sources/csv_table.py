"""`csv:FILE`: vectors from a table. The first line names the columns; one column, or
several, are the labels, the others the features.

What the labels are for: one column with any entry that is no number, or with whole
numbers only, holds classes; one with other numbers is to be predicted (regression).
Several columns are multi-label if all are 0 or 1, else regression. `task=…` says
otherwise.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bsngraph.data.dataset import Dataset
from bsngraph.data.grouping.groups import groups_of_values
from bsngraph.data.reading.making import draw, infer_task, make_dataset
from bsngraph.data.reading.table_file import Table, read_table
from bsngraph.data.reading.unusable import report_bad
from bsngraph.data.request import ReadingMeter, Request
from bsngraph.errors import InputError, nearest
from bsngraph.tasks.label_forms import Array
from bsngraph.tasks.task_table import TASKS

OPTIONS = {
    "label": "the column to predict, or several with + between (the last column)",
    "task": "what the labels are for, e.g. regression, if the entries do not say",
    "groups": "the column of what rows belong to, e.g. patient: no feature, and kept in one split",
    "validation": "number of validation rows to draw",
    "test": "number of test rows to draw",
    "train": "use only so many training rows",
    "bad": "skip: leave out lines that cannot be used (the same as --skip-bad)",
}


def load_csv(request: Request) -> Dataset:
    """The rows of a table; separated by commas, semicolons or tabs.

    Raises:
        InputError: the file cannot be read, or a line cannot be used.
    """
    table = read_table(request.path)
    _check_header(request, table.header)
    places = _label_columns(request, table.header)
    grouped = _group_column(request, table.header, places)
    features = _feature_columns(request, table.header, places, grouped)
    cells = _cells(request, table, places, features, grouped)
    columns = [table.header[place] for place in places]
    names, task, labels = _labels(request, columns, cells)
    groups = (
        groups_of_values(
            request.text, f"groups={table.header[grouped]}", cells.groups, len(labels), len(labels)
        )
        if grouped is not None
        else None
    )
    rows = draw(request, task, labels, names, numbering="usable lines after the first", groups=groups)
    return make_dataset(
        request,
        cells.features,
        labels,
        rows,
        names,
        task=task,
        skipped=cells.bad,
        feature_names=[table.header[column] for column in features],
    )


def read_unlabelled(request: Request, features: Sequence[str]) -> TableCells | None:
    """The usable lines of a table that has these columns and no label, the columns in
    this order; None if it has others. A column of groups is passed over.

    Raises:
        InputError: the file cannot be read, or a line cannot be used.
    """
    table = read_table(request.path)
    _check_header(request, table.header)
    passed_over = (request.options.get("groups"), "")
    if sorted(name for name in table.header if name not in passed_over) != sorted(features):
        return None
    place = {name: column for column, name in enumerate(table.header)}
    return _cells(request, table, [], [place[name] for name in features])


# --- columns


def _check_header(request: Request, header: Sequence[str]) -> None:
    path = request.path
    if all(_number(name) is not None for name in header):
        raise InputError(f"{path}: its first line holds numbers only: it must name the columns")
    twice = next((name for name, count in Counter(header).items() if count > 1), None)
    if twice is not None:
        raise InputError(f"{path}: two columns are called {twice!r}")


def _label_columns(request: Request, header: Sequence[str]) -> list[int]:
    said = request.options.get("label", header[-1])
    place = {name: column for column, name in enumerate(header)}
    names = [said] if said in place else said.split("+")
    for name in names:
        if name not in place:
            raise InputError(f"{request.text}: there is no column {name!r}: {nearest(name, header)}")
    return [place[name] for name in dict.fromkeys(names)]


def _group_column(request: Request, header: Sequence[str], labels: Sequence[int]) -> int | None:
    """The column that says what a row belongs to, if the name says one."""
    said = request.options.get("groups")
    if said is None:
        return None
    if said not in header:
        raise InputError(f"{request.text}: there is no column {said!r}: {nearest(said, header)}")
    if header.index(said) in labels:
        raise InputError(
            f"{request.text}: column {said!r} is the label, so it says no groups: say label=COLUMN too, "
            "with another one"
        )
    return header.index(said)


def _feature_columns(
    request: Request, header: Sequence[str], labels: Sequence[int], groups: int | None
) -> list[int]:
    """All columns but the labels and the groups, and but one without a name: an index
    of the rows, which other programs write, and which says nothing of new rows.
    """
    others = sorted({*range(len(header))} - {*labels, groups})
    features = [column for column in others if header[column]]
    if not features:
        unnamed = " that has a name" if others else ""
        raise InputError(f"{request.text}: every column{unnamed} is a label: one at least must be a feature")
    for column in sorted({*others} - {*features}):
        request.notify(
            f"{request.text}: column {column + 1} has no name and is left out, as an index of the rows: "
            "give it a name to use it"
        )
    return features


# --- entries


@dataclass(frozen=True)
class TableCells:
    """The usable lines: features (n, columns), and the entries of the label columns as
    text and as numbers (None for text). `lines` are their numbers in the file, `groups`
    the entries of the column of groups, if there is one; `bad` is what is wrong with
    the other lines.
    """

    features: NDArray[np.float64]
    entries: list[list[str]]
    numbers: list[list[float | None]]
    lines: list[int]
    groups: Array
    bad: list[str]

    @property
    def numeric(self) -> bool:
        return all(value is not None for line in self.numbers for value in line)


def _cells(
    request: Request,
    table: Table,
    labels: Sequence[int],
    features: Sequence[int],
    grouped: int | None = None,
) -> TableCells:
    """The usable lines of a table.

    Raises:
        InputError: a line cannot be used, and is not to be skipped, or none is left.
    """
    rows: list[list[float | None]] = []
    texts: list[list[str]] = []
    usable: list[int] = []
    groups: list[str] = []
    bad: list[str] = []
    header = table.header
    missing = _missing_numbers(table, labels)
    meter = ReadingMeter(f"{request.text}: reading", len(table.lines), request.notify)
    for done, (number, line) in enumerate(zip(table.line_numbers, table.lines, strict=True)):
        meter.at(done)
        if len(line) != len(header):
            bad.append(f"line {number}: has {len(line)} entries for {len(header)} columns")
            continue
        values = [_number(line[column]) for column in features]
        entries = [line[column].strip() for column in labels]
        wrong = [
            (column, "finite number") for column, value in zip(features, values, strict=True) if value is None
        ]
        wrong += [
            (column, "finite number" if entry else "label")
            for column, entry in zip(labels, entries, strict=True)
            if not entry or (column in missing and _number(entry) is None)
        ]
        group = "" if grouped is None else line[grouped].strip()
        wrong += [] if group or grouped is None else [(grouped, "group")]
        if wrong:
            column, kind = wrong[0]
            bad.append(f"line {number}: {line[column]!r} in column {header[column]!r} is not a {kind}")
            continue
        rows.append(values)
        texts.append(entries)
        usable.append(number)
        groups.append(group)
    report_bad(request, bad, len(rows), "lines")
    if not rows:
        raise InputError(f"{request.text}: no line is left")
    numbers = [[_number(entry) for entry in line] for line in texts]
    return TableCells(np.array(rows, dtype=np.float64), texts, numbers, usable, np.array(groups), bad)


def _missing_numbers(table: Table, labels: Sequence[int]) -> set[int]:
    """The label columns of numbers in which `nan` or `inf` stands for a number, and is
    no class of that name.
    """
    missing = set()
    for column in labels:
        entries = [line[column].strip() for line in table.lines if len(line) == len(table.header)]
        values = [_any_number(entry) for entry in entries if entry]
        if None not in values and any(value is not None and math.isfinite(value) for value in values):
            missing.add(column)
    return missing


def _any_number(text: str) -> float | None:
    """A number as Python reads it, without its underscores; else None."""
    try:
        return float(text) if "_" not in text else None
    except ValueError:
        return None


def _number(text: str) -> float | None:
    """A finite number; else None."""
    value = _any_number(text)
    return value if value is not None and math.isfinite(value) else None


# --- labels


def _labels(request: Request, columns: list[str], cells: TableCells) -> tuple[list[str], str, Array]:
    """Names of classes or outputs, the task, and labels as it has them."""
    task = request.options.get("task") or _inferred(cells)
    known = [kind for kind, row in TASKS.items() if row.labels.layout != "map"]
    if task not in known:
        raise InputError(
            f"{request.text}: task={task} with {len(columns)} label column{'s' if len(columns) > 1 else ''}: "
            f"{nearest(task, known)}"
        )
    if TASKS[task].labels.layout == "class":
        names, labels = _classes(request, columns, cells, task)
        return names, task, labels
    if not cells.numeric:
        raise InputError(
            f"{request.text}: the labels of {task} must be numbers, but column {columns[0]!r} or "
            "another holds text"
        )
    return columns, task, np.array(cells.numbers, dtype=np.float64)


def _classes(request: Request, columns: list[str], cells: TableCells, task: str) -> tuple[list[str], Array]:
    """Each entry that occurs is a class: numbers in their order, words in theirs."""
    if len(columns) > 1:
        raise InputError(f"{request.text}: {task} takes one label column, not {len(columns)}")
    entries = [line[0] for line in cells.entries]
    keys = sorted(set(entries), key=(lambda entry: (_number(entry) or 0.0, entry)) if cells.numeric else None)
    if len(keys) < 2:
        raise InputError(
            f"{request.text}: column {columns[0]!r} holds only {keys[0]!r}: classes are two or more"
        )
    number_of = {key: number for number, key in enumerate(keys)}
    return keys, np.array([number_of[entry] for entry in entries], dtype=np.int64)


def _inferred(cells: TableCells) -> str:
    """The task that the table's entries look right for, as arrays of their kind do."""
    whole = all(entry.lstrip("+-").isdecimal() for line in cells.entries for entry in line)
    labels: Array
    if len(cells.entries[0]) == 1:
        classes = whole or not cells.numeric
        labels = np.zeros(len(cells.entries), dtype=np.int64 if classes else np.float64)
    else:
        decisions = cells.numeric and all(value in (0, 1) for line in cells.numbers for value in line)
        labels = np.zeros((len(cells.entries), 2), dtype=np.int64 if decisions else np.float64)
    task = infer_task(labels, cells.features)
    assert task is not None, "the table of tasks has one for classes, for decisions and for amounts"
    return task
