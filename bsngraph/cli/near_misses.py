"""What a misspelt word of the command line was meant to be, or another program's word
for the same.
"""

from __future__ import annotations

import os
from collections.abc import Collection

import click

from bsngraph.errors import nearest

# Other programs' words → ours, in the order in which they are tried.
_OPTIONS = {
    "--json": ("--format json",),
    "--gpu": ("--device cuda",),
    "--cuda": ("--device cuda",),
    "--cpu": ("--device cpu",),
    "--lr": ("--learning-rate",),
    "--dataset": ("--data",),
    "--output": ("--out",),
    "--out": ("--output",),
    "-o": ("--out",),
    "--param": ("--set",),
    "--name": ("--out",),
    "--force": ("--overwrite",),
    "--continue": ("--resume",),
}
_COMMANDS = {
    "run": "search",
    "find": "search",
    "fit": "train",
    "eval": "evaluate",
    "test": "evaluate",
    "infer": "predict",
    "validate": "check",
    "show": "render",
    "draw": "render",
    "plot": "render",
    "datasets": "data",
    "operations": "ops",
    "help": "--help",
    "version": "--version",
}
_COMPARE = "'list' prints runs beside each other, and 'diff' says what differs between two fabrics"


def meant_option(error: click.NoSuchOption) -> click.UsageError:
    """The error that names the option that was meant."""
    assert error.ctx is not None, "a command's parser has a context"
    known = {
        name
        for parameter in error.ctx.command.get_params(error.ctx)
        if isinstance(parameter, click.Option) and not parameter.hidden
        for name in (*parameter.opts, *parameter.secondary_opts)
    }
    ours = next((word for word in _OPTIONS.get(error.option_name, ()) if word.split()[0] in known), None)
    cure = f"did you mean {ours!r}?" if ours else nearest(error.option_name, known, otherwise=" ")
    separate = ": " if cure.strip() else "."
    return click.UsageError(f"No such option {error.option_name!r}{separate}{cure}".rstrip(), ctx=error.ctx)


def option_without_value(error: click.BadOptionUsage) -> click.UsageError:
    """The error, which for `--ops` says what lists operations."""
    if error.option_name != "--ops":
        return error
    return click.UsageError(
        f"{error.message} Name the file with operations of your own, --ops FILE.py; all operations are "
        "listed by bsngraph ops",
        ctx=error.ctx,
    )


def meant_command(word: str, known: Collection[str]) -> str:
    """The cure for a command that there is not."""
    if word == "compare":
        return _COMPARE
    if word in _COMMANDS:
        return f"did you mean {_COMMANDS[word]!r}?"
    if os.path.exists(word):
        return f"a command comes first, e.g. bsngraph check {word}"
    return nearest(word, known)
