"""Options of a search that may have several values: an option is repeated, or its
values stand in one text with commas between.

A text that `bsngraph search` reads as one value is one value, commas or not.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any, TypeVar

import click

from bsngraph.cli.help_groups import GroupedOption, option
from bsngraph.cli.setting_options import setting_options
from bsngraph.errors import InputError
from bsngraph.settings import setting_rows

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from bsngraph.sweeping.axes import Axis

_Command = TypeVar("_Command", bound=Callable[..., Any])


def several_values(
    settings: type[DataclassInstance], leave_out: Collection[str] = ()
) -> Callable[[_Command], _Command]:
    """The options of `setting_options` but those in `leave_out`, for several values
    each; `axes_by_hand` reads them.
    """

    def decorate(command: _Command) -> _Command:
        for one in _options(settings):
            if one.name not in leave_out:
                command = several_of(one)(command)
        return command

    return decorate


def axes_by_hand(settings: type[DataclassInstance], options: dict[str, Any]) -> tuple[Axis, ...]:
    """An axis for each option that was given; takes them out of `options`.

    Raises:
        InputError: a value is given twice.
    """
    from bsngraph.sweeping.axes import Axis, AxisValue, setting_choice

    axes = []
    for row in setting_rows(settings):
        given: tuple[tuple[str, Any], ...] = options.pop(row.name, ())
        if given:
            choices = (
                AxisValue(text, value) if row.says.parse is not None else setting_choice(row, value)
                for text, value in given
            )
            axes.append(Axis("setting", row.word, tuple(choices)))
    return tuple(axes)


def _options(settings: type[DataclassInstance]) -> list[GroupedOption]:
    """The options as a search has them, the first one last."""

    def bare() -> None: ...

    setting_options(settings)(bare)
    found: list[GroupedOption] = bare.__click_params__  # type: ignore[attr-defined]
    return found


def several_of(one: GroupedOption) -> Callable[[_Command], _Command]:
    """An option for several values: each one's text, and what the option of one value
    reads it as.
    """
    more: dict[str, Any] = {"group": one.group, "help": one.help, "default": (), "multiple": True}
    if one.is_flag:
        names = f"{one.opts[0]}/{one.secondary_opts[0]}"
        return option(names, one.name, callback=_turned(one), **more)
    return option(one.opts[0], one.name, callback=_reader_of(one), metavar=_metavar(one), **more)


def _metavar(one: GroupedOption) -> str:
    kind = one.type
    shown = f"[{'|'.join(kind.choices)}]" if isinstance(kind, click.Choice) else kind.name.upper()
    shown = one.metavar or shown
    return shown if "," in shown else f"{shown},…"


def _turned(one: GroupedOption) -> Callable[..., Any]:
    def read(context: click.Context, parameter: click.Parameter, given: tuple[bool, ...]) -> Any:
        return tuple((str(value).lower(), value) for value in given)

    return read


def _reader_of(one: GroupedOption) -> Callable[..., Any]:
    """For click: each value's text, and what a search reads it as."""

    def value_of(context: click.Context, text: str) -> tuple[str, Any]:
        value = one.type_cast_value(context, text)
        return text.strip(), value if one.callback is None else one.callback(context, one, value)

    def values_of(context: click.Context, text: str) -> list[tuple[str, Any]]:
        try:
            return [value_of(context, text)]
        except (click.BadParameter, InputError):
            if "," not in text:
                raise
        return [value_of(context, part) for part in text.split(",")]

    def read(context: click.Context, parameter: click.Parameter, given: tuple[str, ...]) -> Any:
        return tuple(value for text in given for value in values_of(context, text))

    return read
