"""What a field of a settings class says of itself: its meaning, its limits, and how it
is given on the command line.

In: a frozen dataclass whose fields carry a `Setting`. Out: a row for each such field
(`setting_rows`), from which checks, documentation and options are made. To add a
setting, add a field.
"""

from __future__ import annotations

import functools
import textwrap
import typing
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, fields
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

P = ParamSpec("P")
Class = TypeVar("Class", bound="type[DataclassInstance]")

Group = Literal["common", "budgets", "learning", "choosing", "delivery", "data", "hardware"]

_KEY = "setting"


@dataclass(frozen=True)
class Setting:
    """What a field says of itself: `meaning` is one or more sentences that can be read
    alone.

    `at_least`, `above`, `at_most` and `below` limit numbers, each number of a tuple; a
    number must also be finite unless `at_most` is inf. `must` says what is refused for
    them in other words than these limits, `why` gives a reason or a cure.

    `group` is the heading that the option stands under. `option` is its name where that
    is not the field's, `metavar` stands for its value, `shown` for its default. `parse`
    reads the option's text into values of fields, or raises a ValueError that says what
    the text must be. A setting with `by_option` false has no option.
    """

    meaning: str
    _: KW_ONLY
    group: Group
    at_least: float | None = None
    above: float | None = None
    at_most: float | None = None
    below: float | None = None
    must: str = ""
    why: str = ""
    option: str = ""
    metavar: str = ""
    shown: str = ""
    parse: Callable[[str], Mapping[str, Any]] | None = None
    by_option: bool = True


def _as_metadata(noun: Callable[P, Setting]) -> Callable[P, Mapping[str, Setting]]:
    return lambda *positional, **named: {_KEY: noun(*positional, **named)}


#: A settings class writes `epochs: int = field(default=60, metadata=says("…", …))`.
says = _as_metadata(Setting)


@dataclass(frozen=True)
class SettingRow:
    """A field that is a setting; `kind` is its type."""

    name: str
    kind: Any
    default: Any
    says: Setting

    @property
    def word(self) -> str:
        """Its name in messages and on the command line: `batch-size`."""
        return self.says.option or self.name.replace("_", "-")


@functools.cache
def setting_rows(settings: type[DataclassInstance]) -> tuple[SettingRow, ...]:
    """The settings among the fields of a class, in their order."""
    kinds = typing.get_type_hints(settings)
    return tuple(
        SettingRow(one.name, kinds[one.name], one.default, one.metadata[_KEY])
        for one in fields(settings)
        if _KEY in one.metadata
    )


def documented(settings: Class) -> Class:
    """The class with the meaning of each setting in its docstring, for `help`."""
    entries = [
        textwrap.fill(
            f"{row.name}: {row.says.meaning}", 88, initial_indent=" " * 8, subsequent_indent=" " * 12
        )
        for row in setting_rows(settings)
    ]
    settings.__doc__ = "\n".join([(settings.__doc__ or "").rstrip(), "", "    Fields:", *entries, "    "])
    return settings
