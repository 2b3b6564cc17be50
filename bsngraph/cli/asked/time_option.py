"""`--time 10m`: a search that takes about as long as one has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from bsngraph.cli.asked.run_options import chosen_by_user
from bsngraph.cli.help_groups import option
from bsngraph.cli.live.pace import clock_text
from bsngraph.errors import InputError
from bsngraph.settings import Recipe, SearchSettings
from bsngraph.wording import printable_lines

if TYPE_CHECKING:
    from bsngraph.data import Dataset
    from bsngraph.profile import FabricProfile
    from bsngraph.searching.fit_time import FittedSettings
    from bsngraph.searching.request import Goal, Method

_UNITS = {"h": 3600, "m": 60, "s": 1}
_PATTERN = re.compile(r"(?=.)(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s?)?")


def parse_time(text: str) -> float:
    """`90s`, `10m`, `1h30m`, or a number of seconds, in seconds.

    Raises:
        ValueError: it does not read so, or is no time.
    """
    found = _PATTERN.fullmatch(text.strip().lower())
    parts = found.groups() if found else ()
    seconds = sum(float(part or 0) * unit for part, unit in zip(parts, _UNITS.values(), strict=False))
    if not 1 <= seconds <= 366 * 24 * 3600:
        raise ValueError("must be a time of a second or more: 90s, 10m, 1h30m")
    return seconds


def _read(context: click.Context, parameter: click.Parameter, text: str | None) -> float | None:
    if text is not None and context.params.get("resume"):
        raise InputError(
            "--time and --resume exclude each other: the run's config.json has the numbers that were fitted, "
            "and `bsngraph search --resume RUN` alone goes on with them"
        )
    try:
        return None if text is None else parse_time(text)
    except ValueError as error:
        raise InputError(f"--time {text} {error}") from None


time_option = option(
    "--time",
    metavar="TIME",
    callback=_read,
    help="Fit epochs, finalists and fine-tuning to a time, e.g. 10m or 1h30m; those that are given stay. A "
    "few epochs are measured for it, so another machine or moment gives other numbers; config.json has them, "
    "and --resume and --config take them from there. They are not fitted again on the way: if other programs "
    "take the cores later, the search takes longer.",
)


def in_time(
    profile: FabricProfile,
    goal: Goal,
    method: Method,
    seconds: float,
    options: Mapping[str, Any],
    *,
    quiet: bool,
) -> tuple[Dataset, Recipe, SearchSettings]:
    """The data, read once, and settings with which a search takes about so many
    seconds. What the user chose stays. What was fitted is said on stderr unless
    `quiet`.
    """
    from bsngraph.data import load_data
    from bsngraph.measure import find_hardware
    from bsngraph.searching.fit_time import LEAST, fit_to_time

    def notify(text: str) -> None:
        if not quiet:
            click.echo(printable_lines(text), err=True)

    data = load_data(goal.data, notify=notify) if isinstance(goal.data, str) else goal.data
    hardware = find_hardware(options["device"], options["threads"], options["workers"])
    fixed = [name for name in LEAST if chosen_by_user(name)]
    found = fit_to_time(profile, replace(goal, data=data), method, hardware, seconds, fixed)
    notify(fitted_text(found, seconds))
    return data, found.recipe, found.settings


def fitted_text(found: FittedSettings, seconds: float) -> str:
    """What was measured and fitted, in a line."""
    settings, each = found.settings, found.each
    numbers = {
        "epochs": found.recipe.epochs,
        "finalists": settings.finalists,
        "finalist-epochs": settings.finalist_epochs,
        "finetune-epochs": settings.finetune_epochs,
    }
    return (
        f"an epoch of learning takes {each.learning:.2g} s here, one of a single network {each.network:.2g} "
        f"s; for {clock_text(seconds)} in all: "
        f"{', '.join(f'{name} {value}' for name, value in numbers.items())}"
    )
