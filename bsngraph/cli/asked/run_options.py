"""--out, --resume, --overwrite and --config: where a run is written, and what it takes
from a file instead of the command line.

`--resume RUN` alone goes on with a run: its config.json has the rest. `--resume` with
all other options goes on with the run in --out.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from bsngraph.cli.asked.option_values import option_values, take_defaults
from bsngraph.cli.help_groups import option
from bsngraph.cli.shared_options import FILE, remember_out
from bsngraph.errors import InputError
from bsngraph.wording import printable

_ParameterSource = click.core.ParameterSource
_Command = TypeVar("_Command", bound=Callable[..., Any])

# Under these names the context keeps the run whose config.json is taken, and the words
# behind --config and --resume.
_RECORDED, _CONFIG, _RUN, _FABRIC = (f"{__name__}.{name}" for name in ("recorded", "config", "run", "fabric"))

# What --resume without a folder stands for.
_IN_OUT = ""

_OTHER_MACHINE = ("//", "\\\\")  # how paths begin that name a machine


def run_options(command: _Command) -> _Command:
    """--out, --resume, --overwrite and --config, for commands with a FABRIC."""
    for one in (
        option("--overwrite", is_flag=True, help="Replace a run that --out holds."),
        option(
            "--config",
            metavar="FILE",
            type=FILE,
            is_eager=True,
            expose_value=False,
            callback=_take_config,
            help="Take options from a TOML file, whose keys are their names, or from the config.json of a "
            "run, to repeat it. What the command line says goes before them.",
        ),
        option(
            "--resume",
            metavar="[RUN]",
            is_flag=False,
            flag_value=_IN_OUT,
            is_eager=True,
            callback=_take_resumed,
            help="Go on with an interrupted run from its last epoch. With RUN nothing else is needed but "
            "code of your own; without it the run is the one in --out.",
        ),
        option("--out", type=FILE, required=True, callback=_keep_out, help="The run folder to write."),
    ):
        command = one(command)
    return command


def check_given(fabric: Path, options: dict[str, Any]) -> None:
    """Check what is given beside --resume RUN and --config, and name the data of the
    run in `options` if no data are given.

    Raises:
        InputError: FABRIC is given twice; or the run needs what only the command line
            may give, its data among it.
    """
    context = click.get_current_context()
    twice = context.meta.get(_FABRIC)
    if twice is not None and context.get_parameter_source("fabric") is _ParameterSource.COMMANDLINE:
        raise InputError(f"--resume {twice} is no run: it is a file, and the fabric is {fabric}")
    run = context.meta.get(_RECORDED)
    if run is None:
        return
    from bsngraph.cli.asked.recorded_options import code_to_name

    missing = code_to_name(run.read_config(), options)
    if missing:
        raise InputError(
            f"{run.path}: its config.json does not run or open these by itself: give {' '.join(missing)}"
        )
    if options["data"] is None and options["data_code"] is None:
        from bsngraph.delivered.named_data import named_data

        options["data"] = named_data(run)
    start = options.get("warm_start")
    if start is not None and context.get_parameter_source("warm_start") is not _ParameterSource.COMMANDLINE:
        _say_start(run.path, str(start))


def _say_start(run: Path, start: str) -> None:
    """Say what is read because a config.json names it: the run that it starts from.

    Raises:
        InputError: it would be read from another machine.
    """
    origin = f"{run}: its config.json starts from the run {printable(start)}"
    if start.startswith(_OTHER_MACHINE):
        raise InputError(
            f"{origin}, on another machine: name it yourself if you trust that, --warm-start RUN"
        )
    click.echo(f"{origin}; reading it", err=True)


def chosen_by_user(name: str) -> bool:
    """Whether the user gave an option of the command, by a word or in a file of
    settings.
    """
    context = click.get_current_context()
    given = [_ParameterSource.COMMANDLINE]
    if _RECORDED not in context.meta:
        given.append(_ParameterSource.DEFAULT_MAP)
    return context.get_parameter_source(name) in given


def _take_config(context: click.Context, parameter: click.Parameter, path: Path | None) -> None:
    """Options from a file, or from a run folder or its config.json."""
    if path is None or context.resilient_parsing:
        return
    context.meta[_CONFIG] = path
    _refuse_both(context)
    if path.name == "config.json" or path.is_dir():
        _take_recorded(context, path if path.is_dir() else path.parent)
        return
    from bsngraph.cli.asked.settings_file import read_settings

    take_defaults(context, option_values(context, read_settings(path), str(path)))


def _take_resumed(context: click.Context, parameter: click.Parameter, word: str | None) -> bool:
    """Whether a run goes on; what stands behind --resume may also be the FABRIC."""
    if word and Path(word).is_file():
        context.meta[_FABRIC] = word
        take_defaults(context, {"fabric": word})
    elif word and not context.resilient_parsing:
        context.meta[_RUN] = Path(word)
        _refuse_both(context)
        _take_recorded(context, Path(word))
        take_defaults(context, {"out": word})
    return word is not None


def _refuse_both(context: click.Context) -> None:
    if _CONFIG in context.meta and _RUN in context.meta:
        raise InputError(
            f"--config and --resume {context.meta[_RUN]} exclude each other: the run has its own config"
        )


def _take_recorded(context: click.Context, folder: Path) -> None:
    from bsngraph.cli.asked.recorded_options import recorded_options
    from bsngraph.runs import RunFolder

    run = RunFolder(folder)
    if not run.file("config.json").exists():
        raise InputError(f"{folder} holds no run: there is no config.json in it")
    said = recorded_options(run, str(context.info_name))
    take_defaults(context, option_values(context, said, str(run.file("config.json"))))
    context.meta[_RECORDED] = run


def _keep_out(context: click.Context, parameter: click.Parameter, out: Path) -> Path:
    """Remember what --out held, and hold it against --resume RUN."""
    run = context.meta.get(_RUN)
    if run is not None and out.resolve() != run.resolve():
        raise InputError(f"--resume {run} goes on in that folder: leave out --out {out}")
    return remember_out(context, parameter, out)
