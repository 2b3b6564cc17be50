"""Options that several commands share, and what their texts become."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from bsngraph.errors import InputError

if TYPE_CHECKING:
    from bsngraph.data import Dataset
    from bsngraph.measure import CostOptions
    from bsngraph.profile import FabricProfile
    from bsngraph.runs import OpenMode
    from bsngraph.settings import Recipe

_Command = TypeVar("_Command", bound=Callable[..., Any])

FILE = click.Path(path_type=Path)

set_option = click.option(
    "--set",
    "settings",
    metavar="NAME=VALUE",
    multiple=True,
    help="Set a parameter of the fabric ($NAME in its file). May be repeated.",
)


def _load_operations(
    context: click.Context, parameter: click.Parameter, codes: tuple[str, ...]
) -> tuple[str, ...]:
    """Load the user's operations before a command reads any fabric."""
    from bsngraph.ops import load_operations

    for code in () if context.resilient_parsing else codes:  # completing a line runs nobody's code
        if code:
            load_operations(code)
    return codes


_OPS = "Run this Python file, or import this installed module, for operations of your own. May be repeated."
ops_option = click.option(
    "--ops", metavar="FILE.py|MODULE", multiple=True, callback=_load_operations, expose_value=False, help=_OPS
)
ops_or_list_option = click.option(
    "--ops",
    metavar="FILE.py|MODULE",
    multiple=True,
    callback=_load_operations,
    is_flag=False,
    flag_value="",
    help=f"{_OPS} Without a FABRIC: list all operations.",
)
budget_option = click.option(
    "--budget",
    "budgets",
    metavar="NAME=LIMIT",
    multiple=True,
    help="A limit on a cost: macs=25%, params=40k, bytes=50MB, latency=100ms, steps:4=12, one of your "
    "own; NAME~=LIMIT for as close as "
    "possible. May be repeated.",
)
format_option = click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How to print facts.",
)
task_option = click.option(
    "--task",
    metavar="NAME",
    help="Use the labels for another task than the data's own, e.g. regression. [default: as the data says]",
)
device_option = click.option(
    "--device",
    default="auto",
    show_default=True,
    help="cpu, cuda, cuda:1 …; auto takes CUDA where there is one.",
)
threads_option = click.option(
    "--threads", type=click.IntRange(min=1), help="CPU threads. [default: torch's own choice]"
)
quiet_option = click.option("--quiet", is_flag=True, help="Show no progress.")


def data_options(command: _Command) -> _Command:
    """--data, --data-code, --skip-bad; `data_from` reads them."""
    for option in (
        click.option(
            "--skip-bad",
            is_flag=True,
            help="Leave out what of the data cannot be used, and say what, instead of an error.",
        ),
        click.option(
            "--data-code",
            metavar="FILE.py:FUNCTION",
            help="Data of your own: run this function of this file.",
        ),
        click.option("--data", metavar="NAME", help="The data set, e.g. digits; `bsngraph data` lists them."),
    ):
        command = option(command)
    return command


def data_from(options: dict[str, Any]) -> str | Dataset | None:
    """What `data_options` describe, None where nothing is said; takes them out of
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
        InputError: also where nothing is said.
    """
    found = data_from(options)
    if found is None:
        raise InputError(
            "which data? name it, e.g. --data digits (`bsngraph data` lists them), or --data-code "
            "FILE.py:FUNCTION"
        )
    return found


def cost_options(command: _Command) -> _Command:
    """--cost, --cost-timeout, --latency-batch; `costs_from` reads them."""
    for option in (
        click.option(
            "--latency-batch",
            type=click.IntRange(min=1),
            default=1,
            show_default=True,
            help="Examples at once in a latency.",
        ),
        click.option(
            "--cost-timeout",
            type=float,
            default=10.0,
            show_default=True,
            help="Seconds that a call of your own cost may take.",
        ),
        click.option(
            "--cost",
            "own",
            metavar="NAME=FILE.py:FUNCTION",
            multiple=True,
            help="A cost of your own, a Python function from an architecture to a number. May be repeated.",
        ),
    ):
        command = option(command)
    return command


def costs_from(options: dict[str, Any]) -> CostOptions:
    """What `cost_options` describe; takes them out of `options`."""
    from bsngraph.measure import CostOptions

    return CostOptions(
        own=options.pop("own"),
        timeout_s=options.pop("cost_timeout"),
        latency_batch=options.pop("latency_batch"),
    )


def out_options(command: _Command) -> _Command:
    """--out, --resume, --overwrite."""
    for option in (
        click.option("--overwrite", is_flag=True, help="Replace a run that --out holds."),
        click.option("--resume", is_flag=True, help="Go on with an interrupted run from its last epoch."),
        click.option("--out", type=FILE, required=True, help="The run folder to write."),
    ):
        command = option(command)
    return command


def recipe_options(command: _Command) -> _Command:
    """How weights are trained; the defaults are `Recipe`'s."""
    for option in (
        click.option(
            "--augment/--no-augment", default=None, help="Augment the training data. [default: augment]"
        ),
        click.option(
            "--augmentation",
            metavar="KIND[=AMOUNT],…",
            help="How: shift=PIXELS, flip, crop=SHARE, cutout=PIXELS, mixup=ALPHA. [default: as fits the "
            "data set]",
        ),
        click.option(
            "--class-weights",
            metavar="balanced|W,…",
            help="What the loss of each class counts: by how rare it is, or a number a class.",
        ),
        click.option(
            "--precision",
            type=click.Choice(["float32", "bfloat16"]),
            help="Of training steps; bfloat16 is for GPUs, most CPUs are slower in it. [default: float32]",
        ),
        click.option(
            "--clip", type=float, help="The largest norm of the weights' gradient; inf for any. [default: 5]"
        ),
        click.option(
            "--drops",
            metavar="SHARE,…",
            help="Shares of the epochs at which the rate drops to a tenth. [default: 0.6,0.85]",
        ),
        click.option("--weight-decay", type=float, help="SGD's weight decay. [default: 0.0005]"),
        click.option("--momentum", type=float, help="SGD's momentum. [default: 0.9]"),
        click.option("--learning-rate", type=float, help="SGD's learning rate at the start. [default: 0.1]"),
        click.option("--batch-size", type=int, help="Examples a step. [default: 32]"),
        click.option("--epochs", type=int, help="Passes over the training data. [default: 60]"),
    ):
        command = option(command)
    return command


def recipe_from(options: dict[str, Any]) -> Recipe:
    """The recipe that `recipe_options` describe; takes them out of `options`.

    Raises:
        InputError: a value that no recipe takes.
    """
    given = recipe_given(options)
    from bsngraph.settings import Recipe

    return Recipe(**given)


def recipe_given(options: dict[str, Any]) -> dict[str, Any]:
    """The fields of a recipe that `recipe_options` set; takes them out of `options`.

    Raises:
        InputError: numbers that are none.
    """
    names = (
        "epochs",
        "batch_size",
        "learning_rate",
        "momentum",
        "weight_decay",
        "clip",
        "augment",
        "augmentation",
        "precision",
    )
    given = {name: value for name in names if (value := options.pop(name)) is not None}
    drops, weights = options.pop("drops"), options.pop("class_weights")
    if drops is not None:
        given["drops"] = _numbers("--drops", drops, "0.6,0.85")
    if weights is not None:
        given["class_weights"] = (
            weights if weights == "balanced" else _numbers("--class-weights", weights, "balanced, or 1,1,2.5")
        )
    return given


def _numbers(option: str, text: str, example: str) -> tuple[float, ...]:
    try:
        return tuple(float(number) for number in text.split(",") if number.strip())
    except ValueError:
        raise InputError(f"{option} {text} must be numbers with commas between, e.g. {example}") from None


def open_mode(resume: bool, overwrite: bool) -> OpenMode:
    """What --resume and --overwrite ask for.

    Raises:
        InputError: both.
    """
    if resume and overwrite:
        raise InputError("--resume and --overwrite exclude each other: go on with the run, or replace it")
    return "resume" if resume else "overwrite" if overwrite else "new"


def parse_settings(settings: tuple[str, ...]) -> dict[str, str]:
    """`--set NAME=VALUE` texts as a mapping.

    Raises:
        InputError: one does not read so.
    """
    parsed = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not (name and equals and value):
            raise InputError(f"--set {setting} does not read NAME=VALUE: write e.g. --set channels=32")
        parsed[name] = value
    return parsed


def load_profile(path: Path, settings: tuple[str, ...]) -> FabricProfile:
    """Read a fabric and its shapes, with everything wrong with the file in one error.

    Raises:
        FabricError, InputError: what is wrong.
    """
    from bsngraph.fabric import draft_file
    from bsngraph.profile import profile_draft

    return profile_draft(draft_file(path, parse_settings(settings)))
