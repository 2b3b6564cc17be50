"""Values of options that do not come from the command line: they take the place of the
options' defaults, so what the command line says goes before them.

Code of the user's own comes from the command line alone: what runs it is refused here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from bsngraph.errors import InputError, nearest

CODE_OPTIONS = ("--ops", "--cost", "--data-code")
"""Options that name code to run, which nothing but the command line may do."""

_NOT_FROM_FILES = ("--config", "--resume", "--overwrite", "--help")


def take_defaults(context: click.Context, values: Mapping[str, Any]) -> None:
    """Let values by parameter name stand where the command line says nothing."""
    context.default_map = {**(context.default_map or {}), **values}


def options_by_word(command: click.Command) -> dict[str, click.Parameter]:
    """The options that a file may give, by the words that it gives them under:
    `batch-size`; and `fabric`, the argument.
    """
    found: dict[str, click.Parameter] = {}
    for one in command.params:
        names = [name for name in one.opts if not name.startswith("-") or name.startswith("--")]
        if isinstance(one, click.Argument) or not {*names} & {*CODE_OPTIONS, *_NOT_FROM_FILES}:
            found |= {_plain(name): one for name in names}
    return found


def option_values(context: click.Context, said: Mapping[str, object], origin: str) -> dict[str, Any]:
    """Values by parameter name, from values by word, each of them such that its option
    takes it.

    Raises:
        InputError: a word is no option's, runs code, or has a value that its option
            does not take; all that is wrong is told at once.
    """
    known, values, problems = options_by_word(context.command), {}, []
    for word, value in said.items():
        one = known.get(_plain(word))
        if one is None:
            problems.append(f"{word}: {_unknown(word, known)}")
            continue
        try:
            values[str(one.name)] = taken = _as_option_takes(one, value)
            one.type_cast_value(context, taken)
        except (click.BadParameter, TypeError) as error:
            text = error.message if isinstance(error, click.BadParameter) else str(error)
            problems.append(f"{word}: {text}")
    if problems:
        raise InputError("\n".join([f"{origin}: cannot be used", *(f"  - {each}" for each in problems)]))
    return values


def _plain(word: str) -> str:
    return word.removeprefix("--").replace("_", "-").lower()


def _unknown(word: str, known: Mapping[str, object]) -> str:
    name = f"--{_plain(word)}"
    if name in CODE_OPTIONS:
        return f"names code to run: give {name} on the command line, each time"
    if name in _NOT_FROM_FILES:
        return f"give {name} on the command line"
    return f"there is no such option: {nearest(_plain(word), known)}"


def _as_option_takes(one: click.Parameter, value: object) -> object:
    """A value of a file as the command line would give it.

    Raises:
        TypeError: it is of a kind that no option takes.
    """
    if isinstance(value, dict) and one.name == "parameters":
        return [f"{name}={_text(inner)}" for name, inner in value.items()]
    if one.multiple:
        return [_text(each) for each in (value if isinstance(value, list) else [value])]
    if isinstance(value, list):
        return ",".join(map(_text, value))
    if isinstance(one, click.Option) and one.is_flag:
        if isinstance(value, bool):
            return value
        raise TypeError("must be true or false")
    return _text(value)


def _text(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise TypeError(
            f"must be a text or a number, not {'true or false' if isinstance(value, bool) else 'a table'}"
        )
    return str(value)
