"""How to go on with a run: commands to be copied as they are from the terminal.

What a run's config.json may not name is named in them again: code of the user's own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bsngraph.cli.shared_options import run_written, written_since
from bsngraph.wording import shell_word

if TYPE_CHECKING:
    from bsngraph.runs.rows.config import AnyConfig

_WORDS = f"{__name__}.words"

# Commands whose `--resume RUN` needs no other word but code.
_RESUMED_BY_FOLDER = ("search", "train")

# A suggested budget is this share of what the network spends.
_LESS = 2 / 3


def keep_words(context: click.Context, words: Sequence[str]) -> None:
    """Keep the words of the command line."""
    context.meta[_WORDS] = tuple(words)


def command_words(context: click.Context) -> tuple[str, ...]:
    """The words of the command line, without the program's name."""
    words: tuple[str, ...] = context.meta.get(_WORDS, ())
    return words


def joined(words: Sequence[str]) -> str:
    """Words as a line for a shell."""
    return " ".join(map(shell_word, words))


def code_words(context: click.Context, *options: str) -> list[str]:
    """Those of the options that the command line has, with their values."""
    return [
        word for name, value in _given(command_words(context)) if name in options for word in (name, value)
    ]


def command_that_resumes(context: click.Context) -> str | None:
    """The command that goes on with the run that a command was at; None if it was at
    none.
    """
    words, out = command_words(context), run_written(context)
    resumes = any(word.partition("=")[0] == "--resume" for word in words)
    if not resumes and (out is None or not written_since(context)):
        return None
    if out is None or words[0] not in _RESUMED_BY_FOLDER:
        added = [] if resumes else ["--resume"]
        return joined(["bsngraph", *(word for word in words if word != "--overwrite"), *added])
    named = code_words(context, "--ops", "--cost", "--data-code", "--latencies")
    return joined(["bsngraph", words[0], "--resume", str(out), *named])


def next_commands(folder: Path, config: AnyConfig, summary: Mapping[str, Any]) -> list[str]:
    """Three commands that are useful after a run."""
    context, run = click.get_current_context(), str(folder)
    ops = code_words(context, "--ops")
    costs, data = code_words(context, "--cost"), code_words(context, "--data-code")
    third = ["verify", run, *costs, *ops]
    if any(budget.least is not None for budget in config.budgets):
        third = ["front", run]
    elif config.command == "search":
        smaller = _smaller_budget(summary)
        third = ["prune", run, "--budget", smaller, *data, *costs, "--out", f"{run}-smaller", *ops]
    every = (
        ["report", run, "-o", f"{run}.html", *ops],
        ["export", run, "--format", "python", *data, "-o", f"{run}-exported", *ops],
        third,
    )
    return [joined(["bsngraph", *words]) for words in every]


def _smaller_budget(summary: Mapping[str, Any]) -> str:
    """Two thirds of what the network spends, or what the cheapest one does."""
    name = next((budget["cost"] for budget in summary["budgets"]), "macs")
    cost = summary["costs"][name]
    share = max(_LESS * cost["value"], cost["cheapest"]) / cost["fabric"]
    return f"{name}={math.ceil(100 * share)}%"


def _given(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Options with the word that follows them."""
    for word, following in pairwise([*words, ""]):
        name, equals, value = word.partition("=")
        if name.startswith("--"):
            yield name, value if equals else following
