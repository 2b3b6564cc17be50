"""The options that name a data set, and what they become."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import click

from bsngraph.cli.help_groups import option
from bsngraph.errors import InputError

if TYPE_CHECKING:
    from bsngraph.data import Dataset

_Command = TypeVar("_Command", bound=Callable[..., Any])


def data_options(command: _Command) -> _Command:
    """--data, --data-code, --skip-bad; `data_from` reads them."""
    for one in (
        option(
            "--skip-bad",
            is_flag=True,
            group="data",
            help="Leave out examples that cannot be used, and say which, instead of an error.",
        ),
        option(
            "--data-code",
            metavar="FILE.py:FUNCTION",
            group="data",
            help="Data of your own: run this function of this file.",
        ),
        option(
            "--data",
            metavar="NAME",
            group="data",
            help="The data set, e.g. digits; `bsngraph data` lists them.",
        ),
    ):
        command = one(command)
    return command


new_test_option = option(
    "--as-new-test",
    is_flag=True,
    group="data",
    help="Use the test split of --data as new test data, without examples that RUN trained or chose on.",
)


def data_from(options: dict[str, Any]) -> str | Dataset | None:
    """What `data_options` describe, None if nothing is said; takes them out of
    `options`.

    Raises:
        InputError: both a name and code, or data that cannot be loaded.
    """
    name, code, skip_bad = options.pop("data"), options.pop("data_code"), options.pop("skip_bad")
    if name is not None and code is not None:
        raise InputError("--data and --data-code exclude each other: data comes from one of them")
    if code is None and not skip_bad:
        return None if name is None else str(name)
    from bsngraph.data import load_data, load_data_code

    def notify(text: str) -> None:
        click.echo(text, err=True)

    if code is not None:
        return load_data_code(code, notify=notify)
    return None if name is None else load_data(name, skip_bad=True, notify=notify)


def needed_data_from(options: dict[str, Any]) -> str | Dataset:
    """The same where a command must have data.

    Raises:
        InputError: also if nothing is said.
    """
    found = data_from(options)
    if found is None:
        raise InputError(
            "which data? name it, e.g. --data digits (`bsngraph data` lists them), or --data-code "
            "FILE.py:FUNCTION"
        )
    return found


def dataset_from(options: dict[str, Any], task: str | None) -> Dataset | None:
    """The data set that `data_options` describe, for another task than its own if one
    is asked; None if nothing is said.

    Raises:
        InputError: data that cannot be loaded, or labels that cannot serve the task.
    """
    found = data_from(options)
    if found is None:
        return None
    from bsngraph.data import as_task, load_data

    dataset = load_data(found, notify=partial(click.echo, err=True)) if isinstance(found, str) else found
    return dataset if task is None else as_task(dataset, task)
