"""A table in memory (pandas, polars, or any other whose columns have `to_numpy`) →
vectors and labels.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bsngraph.data.own.given_values import are_texts
from bsngraph.errors import InputError, nearest
from bsngraph.tasks.label_forms import Array


def columns_of(what: str, frame: Any) -> list[str]:
    """The columns of a table.

    Raises:
        InputError: it is no table, or two columns have one name, or one's is no text.
    """
    if not hasattr(frame, "columns") or not hasattr(frame, "__getitem__"):
        raise InputError(f"{what} is {type(frame).__name__}: give a table with columns, e.g. a DataFrame")
    names = list(frame.columns)
    for name in names:
        if not isinstance(name, str):
            raise InputError(f"{what}: the column {name!r} has no text for a name: rename it")
        if names.count(name) > 1:
            raise InputError(f"{what}: two columns are called {name!r}")
    return names


def asked_columns(what: str, asked: str | Sequence[str], columns: Sequence[str]) -> list[str]:
    """The columns that `asked` names, one or several.

    Raises:
        InputError: there is none of a name.
    """
    one = isinstance(asked, str) or not isinstance(asked, Iterable)
    names: list[Any] = [asked] if one else list(asked)
    for name in names:
        if name not in columns:
            raise InputError(f"{what}: there is no column {name!r}: {nearest(str(name), columns)}")
    return names


def chosen_columns(
    what: str,
    frame: Any,
    target: str | Sequence[str],
    features: Sequence[str] | None,
    groups: str | None,
) -> tuple[list[str], list[str]]:
    """The columns to predict from, and those to predict. That of the groups is
    neither.

    Raises:
        InputError: there is no column of a name, none of a kind, or one of two kinds.
    """
    columns = columns_of(what, frame)
    targets = asked_columns(what, target, columns)
    aside = [] if groups is None else asked_columns(what, groups, columns)
    others = [column for column in columns if column not in {*targets, *aside}]
    inputs = others if features is None else asked_columns(what, features, columns)
    if not inputs or not targets or set(inputs) & set(targets):
        raise InputError(
            f"target={target!r} and features={inputs!r}: give each at least one column, none to both"
        )
    if both := set(aside) & {*inputs, *targets}:
        raise InputError(
            f"groups={groups!r}: {both.pop()!r} is a feature or a target too: it can be one thing"
        )
    return inputs, targets


def feature_values(what: str, frame: Any, columns: Sequence[str]) -> NDArray[np.float64]:
    """Columns of numbers: (rows, columns).

    Raises:
        InputError: there are no rows, or an entry is no finite number; the text names
            its column and row.
    """
    if not len(frame):
        raise InputError(f"{what}: there are no rows in it")
    return np.stack([_numbers(what, name, frame[name].to_numpy()) for name in columns], axis=1)


def label_values(what: str, frame: Any, columns: Sequence[str]) -> Array:
    """The labels of one column (rows,), or of several (rows, columns): words, whole
    numbers, or other numbers.

    Raises:
        InputError: an entry is missing, or several columns hold words.
    """
    found = [_labels(what, name, frame[name].to_numpy()) for name in columns]
    if len(found) == 1:
        return found[0]
    for name, some in zip(columns, found, strict=True):
        if are_texts(some):
            raise InputError(f"{what}: column {name!r} holds words: several labels must be numbers")
    return np.stack(found, axis=1)


def _labels(what: str, name: str, values: Array) -> Array:
    if values.dtype.kind in "iub" or are_texts(values):
        return values
    if values.dtype.kind == "O" and any(isinstance(one, str) for one in values.flat):
        place = next(number for number, one in enumerate(values.flat) if not isinstance(one, str))
        raise InputError(
            f"{what}: column {name!r} has {values[place]!r} in row {place}, among words: fill in or remove "
            "what is missing"
        )
    whole = values.dtype.kind == "O" and all(isinstance(one, int) for one in values.flat)
    return values.astype(np.int64) if whole else _numbers(what, name, values)


def _numbers(what: str, name: str, values: Array) -> NDArray[np.float64]:
    """A column (rows,) of finite numbers."""
    if values.dtype.kind not in "iufbO" or (
        values.dtype.kind == "O" and (words := [one for one in values.flat if isinstance(one, str)])
    ):
        held = f"words, e.g. {words[0]!r}" if values.dtype.kind == "O" else f"values of type {values.dtype}"
        raise InputError(
            f"{what}: column {name!r} holds {held}: features are numbers; leave the column out, or encode "
            "it (pandas.get_dummies)"
        )
    try:
        numbers = values.astype(np.float64)
    except (TypeError, ValueError):  # None, pandas.NA, or any object
        numbers = np.array([_number(one) for one in values.flat])
    broken = np.flatnonzero(~np.isfinite(numbers))
    if len(broken):
        row = int(broken[0])
        raise InputError(
            f"{what}: column {name!r} has {values[row]} in row {row}, which is no finite number: fill in or "
            "remove what is missing"
        )
    return numbers


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")
