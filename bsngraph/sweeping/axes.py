"""What varies in a sweep: an axis for each budgeted cost, parameter, setting and for
the seed, with its values as the command line has them.

In: texts of the command line, or values from Python. Out: `Axis`, whose choices say
what a search is given.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from bsngraph.errors import InputError, nearest
from bsngraph.settings import Recipe, SearchSettings, SettingRow, setting_rows

AxisKind = Literal["budget", "parameter", "setting", "seed"]

_PREFIXES: Mapping[AxisKind, str] = {"budget": "budget_", "parameter": "set_", "setting": "", "seed": ""}


@dataclass(frozen=True)
class AxisValue:
    """One value of an axis: its text, and what a search is given for it.

    That is a budget's text, a parameter's value, fields of settings, or a seed.
    """

    text: str
    given: Any


@dataclass(frozen=True)
class Axis:
    """Something that a search is given, with one value or several.

    Raises:
        InputError: a value is there twice, or none is.
    """

    kind: AxisKind
    name: str
    choices: tuple[AxisValue, ...]

    def __post_init__(self) -> None:
        texts = [choice.text for choice in self.choices]
        if not texts:
            raise InputError(f"{self.name} has no value: give one, or leave it out")
        twice = next((text for text in texts if texts.count(text) > 1), None)
        if twice is not None:
            raise InputError(f"{self.name} has the value {twice} twice: give each value once")

    @property
    def label(self) -> str:
        """Its column in tables: `budget_macs`, `set_channels`, `batch_size`, `seed`."""
        return _PREFIXES[self.kind] + (self.name.replace("-", "_") if self.kind == "setting" else self.name)


def budget_axes(texts: Sequence[str]) -> tuple[Axis, ...]:
    """`macs=10%,25%` as an axis for each cost; texts on one cost are values of one
    axis.

    Raises:
        InputError: a text does not read NAME=LIMIT,…, or has a limit twice.
    """
    found: dict[str, list[AxisValue]] = {}
    for text in texts:
        name, equals, limits = text.partition("=")
        cost = name.rstrip().removesuffix("~").removesuffix("<").strip()
        if not (equals and cost):
            raise InputError(f"budget {text!r} does not read NAME=LIMIT,…: write e.g. macs=10%,25%,50%")
        soft = "~" if name.rstrip().endswith("~") else ""
        found.setdefault(cost, []).extend(
            AxisValue(f"{soft}{limit.strip()}", f"{cost}{soft}={limit.strip()}")
            for limit in limits.split(",")
        )
    return tuple(Axis("budget", cost, tuple(choices)) for cost, choices in found.items())


def parameter_axes(texts: Sequence[str]) -> tuple[Axis, ...]:
    """`channels=8,16` as an axis for each parameter. A value that holds a comma stands
    in double quotes, as in a CSV line.

    Raises:
        InputError: a text does not read NAME=VALUE,…, or has a value twice.
    """
    found: dict[str, list[str]] = {}
    for text in texts:
        name, _, values = text.partition("=")
        read = _comma_separated(values)
        if not (name and read and all(read)):
            raise InputError(f"--set {text} does not read NAME=VALUE,…: write e.g. --set channels=8,16")
        found.setdefault(name, []).extend(read)
    return tuple(
        Axis("parameter", name, tuple(AxisValue(value, value) for value in values))
        for name, values in found.items()
    )


def parameter_axes_of(given: Mapping[str, Any]) -> tuple[Axis, ...]:
    """Parameters with a value each, or a list of several, from Python.

    Raises:
        InputError: a parameter has a value twice.
    """
    return tuple(
        Axis("parameter", name, tuple(AxisValue(str(value), value) for value in _several(values)))
        for name, values in given.items()
    )


def setting_axes(given: Mapping[str, Any]) -> tuple[Axis, ...]:
    """Fields of `Recipe` and `SearchSettings` with a value each, or a list of several,
    from Python.

    Raises:
        InputError: there is no such field, or it has a value twice.
    """
    rows = {row.name: row for kind in (Recipe, SearchSettings) for row in setting_rows(kind)}
    unknown = next((name for name in given if name not in rows), None)
    if unknown is not None:
        raise InputError(f"there is no setting {unknown!r} to vary: {nearest(unknown, rows)}")
    return tuple(
        Axis(
            "setting", rows[name].word, tuple(setting_choice(rows[name], value) for value in _several(values))
        )
        for name, values in given.items()
    )


def setting_choice(row: SettingRow, value: Any) -> AxisValue:
    """A value of one field; `0.50` and `0.5` have the same text."""
    shown = value if isinstance(value, tuple) else (value,)
    return AxisValue(",".join(str(one).removesuffix(".0").lower() for one in shown), {row.name: value})


def seed_axis(seeds: Sequence[int]) -> Axis:
    """The seeds, each once.

    Raises:
        InputError: a seed is there twice.
    """
    return Axis("seed", "seed", tuple(AxisValue(str(seed), seed) for seed in seeds))


def _several(values: Any) -> list[Any]:
    return values if isinstance(values, list) else [values]


def _comma_separated(text: str) -> list[str]:
    try:
        return next(csv.reader([text], strict=True), [])
    except csv.Error as error:
        raise InputError(f"{text!r} is no list of values ({error}): separate them by commas") from None
