"""Options made from the fields of settings classes: name, type, choices, default and
help are what each field says of itself.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Union

import click

from bsngraph.cli.help_groups import option
from bsngraph.errors import InputError
from bsngraph.settings import SettingRow, setting_rows

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_Command = TypeVar("_Command", bound=Callable[..., Any])


def setting_options(
    settings: type[DataclassInstance], usual: Mapping[str, str] | None = None
) -> Callable[[_Command], _Command]:
    """An option for each field of a settings class; `set_by_hand` reads them.

    With `usual` there are options for the fields that it names alone, and it says what
    each of them is if it is not given.

    Raises:
        TypeError: a field of a type that no option has, and without a parser.
    """

    def decorate(command: _Command) -> _Command:
        for row in reversed(setting_rows(settings)):
            if row.says.by_option and (usual is None or row.name in usual):
                command = _option(row, _default(row) if usual is None else usual[row.name])(command)
        return command

    return decorate


def set_by_hand(settings: type[DataclassInstance], options: dict[str, Any]) -> dict[str, Any]:
    """The fields that `setting_options` were given for; takes them out of `options`."""
    fields: dict[str, Any] = {}
    for row in setting_rows(settings):
        value = options.pop(row.name, None)
        if value not in (None, ()):
            fields |= value if row.says.parse is not None else {row.name: value}
    return fields


def _reader(row: SettingRow, parse: Callable[[str], Mapping[str, Any]]) -> Callable[..., Any]:
    """For click: the values of fields that an option's text stands for."""

    def read(context: click.Context, parameter: click.Parameter, text: str | None) -> Any:
        try:
            return None if text is None else parse(text)
        except ValueError as error:
            raise InputError(f"--{row.word} {text} {error}") from None

    return read


def _option(row: SettingRow, usual: str) -> Callable[[_Command], _Command]:
    says, name, more = row.says, f"--{row.word}", dict[str, Any]()
    kind = _without_none(row.kind)
    if says.parse is not None:
        more["callback"] = _reader(row, says.parse)
    elif typing.get_origin(kind) is Literal:
        more["type"] = click.Choice(typing.get_args(kind))
    elif kind == tuple[str, ...]:
        more["multiple"] = True
    elif kind is bool:
        name = f"--{row.word}/--no-{row.word}"
    elif kind in (int, float, str):
        more["type"] = kind
    else:
        raise TypeError(
            f"setting {row.name!r} must be bool, int, float, str, a Literal or tuple[str, ...], or name a "
            f"parser, not {kind!r}"
        )
    # None stands for "not given": what is set by hand goes before a preset
    default = None if "multiple" not in more else ()
    shown = f"  [default: {usual}]" if usual else ""
    return option(
        name,
        row.name,
        group=says.group,
        default=default,
        help=says.meaning + shown,
        metavar=says.metavar or None,
        **more,
    )


def _without_none(kind: Any) -> Any:
    """`str | None` as str: None is what leaving an option out means."""
    if typing.get_origin(kind) not in (Union, types.UnionType):
        return kind
    kinds = [one for one in typing.get_args(kind) if one is not types.NoneType]
    return kinds[0] if len(kinds) == 1 else kind


def _default(row: SettingRow) -> str:
    """The default as one would write it."""
    if row.says.shown or row.default is None or row.default == ():
        return row.says.shown
    if isinstance(row.default, bool):
        return row.word if row.default else f"no-{row.word}"
    values = row.default if isinstance(row.default, tuple) else (row.default,)
    return ",".join(f"{value:g}" if isinstance(value, float) else str(value) for value in values)
