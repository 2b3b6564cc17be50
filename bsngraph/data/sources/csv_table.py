"""`csv:FILE`: vectors from a table. The first line names the columns; one column, or
several, are the labels, the others the features.

What the labels are for: one column with any entry that is no number, or with whole
numbers only, holds classes; one with other numbers is to be predicted (regression).
Several columns are multi-label where all are 0 or 1, else regression. `task=…` says
otherwise.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bsngraph.data.dataset import Dataset, TaskKind
from bsngraph.data.reading.making import TASKS, Array, draw, make_dataset
from bsngraph.data.reading.survey import report_bad
from bsngraph.data.request import Meter, Request
from bsngraph.errors import InputError, nearest

OPTIONS = {
    "label": "the column to predict, or several with + between (the last column)",
    "task": "classification, regression or multi-label, where the entries do not say",
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
    header, lines = _read(request.path)
    places = _label_columns(request, header)
    features, texts, bad = _cells(request, header, lines, places)
    names, task, labels = _labels(request, [header[place] for place in places], texts)
    rows = draw(request, task, labels, names, numbering="usable lines after the first")
    return make_dataset(request, features, labels, rows, names, task=task, skipped=bad)


def _read(path: Path) -> tuple[list[str], list[list[str]]]:
    """The columns' names and the lines' entries."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError(
            f"there is no file {path}: csv:FILE is a table with a line of column names first"
        ) from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not UTF-8 (byte {error.start}): save it as UTF-8") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    first = text.partition("\n")[0]
    separator = max(",;\t", key=first.count)
    try:
        lines = [line for line in csv.reader(text.splitlines(), delimiter=separator, strict=True) if line]
    except csv.Error as error:
        raise InputError(f"{path}: is no table ({error})") from None
    if len(lines) < 2 or len(lines[0]) < 2:
        raise InputError(f"{path}: needs a line of column names, then lines of two entries or more")
    header = [name.strip() for name in lines[0]]
    if all(_number(name) is not None for name in header):
        raise InputError(f"{path}: its first line holds numbers only: it must name the columns")
    twice = [name for name in header if header.count(name) > 1]
    if twice:
        raise InputError(f"{path}: two columns are called {twice[0]!r}")
    return header, lines[1:]


def _label_columns(request: Request, header: Sequence[str]) -> list[int]:
    said = request.options.get("label", header[-1])
    names = [said] if said in header else said.split("+")
    for name in names:
        if name not in header:
            raise InputError(f"{request.text}: there is no column {name!r}: {nearest(name, header)}")
    if len(set(names)) == len(header):
        raise InputError(f"{request.text}: every column is a label: one at least must be a feature")
    return [header.index(name) for name in dict.fromkeys(names)]


def _cells(
    request: Request, header: Sequence[str], lines: Sequence[Sequence[str]], places: Sequence[int]
) -> tuple[NDArray[np.float32], list[list[str]], list[str]]:
    """Features (n, columns) and the labels' entries of each usable line, and what is
    wrong with the others.
    """
    features, labels, bad = [], [], []
    others = [column for column in range(len(header)) if column not in places]
    meter = Meter(f"{request.text}: reading", len(lines), request.notify)
    for number, line in enumerate(lines, start=2):
        meter.at(number)
        if len(line) != len(header):
            bad.append(f"line {number}: has {len(line)} entries for {len(header)} columns")
            continue
        values = [_number(line[column]) for column in others]
        entries = [line[place].strip() for place in places]
        wrong = [column for column, value in zip(others, values, strict=True) if value is None]
        wrong += [place for place, entry in zip(places, entries, strict=True) if not entry]
        if wrong:
            kind = "label" if wrong[0] in places else "finite number"
            bad.append(f"line {number}: {line[wrong[0]]!r} in column {header[wrong[0]]!r} is no {kind}")
            continue
        features.append(values)
        labels.append(entries)
    report_bad(request, bad, len(lines), "lines")
    if not features:
        raise InputError(f"{request.text}: no line is left")
    return np.array(features, dtype=np.float32), labels, bad


def _labels(
    request: Request, columns: list[str], texts: list[list[str]]
) -> tuple[list[str], TaskKind, Array]:
    """Names of classes or outputs, the task, and labels as it has them."""
    said = request.options.get("task")
    numbers = [[_number(entry) for entry in line] for line in texts]
    numeric = all(value is not None for line in numbers for value in line)
    task = said or _inferred(texts, numbers, numeric)
    if task == "classification" and len(columns) == 1:
        entries = [line[0] for line in texts]
        keys = sorted(set(entries), key=(lambda entry: (_number(entry) or 0.0, entry)) if numeric else None)
        number_of = {key: number for number, key in enumerate(keys)}
        if len(keys) < 2:
            raise InputError(
                f"{request.text}: column {columns[0]!r} holds only {keys[0]!r}: classes are two or more"
            )
        return keys, "classification", np.array([number_of[entry] for entry in entries], dtype=np.int64)
    if task in ("regression", "multi-label"):
        if not numeric:
            raise InputError(
                f"{request.text}: the labels of {task} must be numbers, but column {columns[0]!r} or "
                "another holds text"
            )
        return (
            columns,
            "regression" if task == "regression" else "multi-label",
            np.array(numbers, dtype=np.float32),
        )
    known = [kind for kind in TASKS if kind != "segmentation"]
    raise InputError(
        f"{request.text}: task={task} with {len(columns)} label column{'s' if len(columns) > 1 else ''}: "
        f"{nearest(task, known)}"
        if task not in known
        else f"{request.text}: classification takes one label column, not {len(columns)}"
    )


def _inferred(texts: list[list[str]], numbers: list[list[float | None]], numeric: bool) -> str:
    if len(texts[0]) > 1:
        return (
            "multi-label"
            if numeric and all(value in (0, 1) for line in numbers for value in line)
            else "regression"
        )
    whole = all(entry.lstrip("+-").isdecimal() for line in texts for entry in line)
    return "classification" if whole or not numeric else "regression"


def _number(text: str) -> float | None:
    """A finite number as Python reads it, without its underscores; else None."""
    try:
        value = float(text) if "_" not in text else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) else None
