"""Options that several commands share."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from bsngraph.cli.help_groups import option
from bsngraph.errors import InputError

_Command = TypeVar("_Command", bound=Callable[..., Any])

_OUT = f"{__name__}.out"


class _FilePath(click.Path):
    """A path, which an empty text is not: it would mean the working directory."""

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> str | bytes | os.PathLike[str]:
        if not os.fspath(value):
            self.fail("the path is empty: name a file or a folder, or . for this one", param, ctx)
        return super().convert(value, param, ctx)


FILE = _FilePath(path_type=Path)

set_option = option(
    "--set",
    "parameters",
    metavar="NAME=VALUE",
    multiple=True,
    help="Set a parameter of the fabric ($NAME in its file). May be repeated.",
)


def _load_operations(context: click.Context, parameter: click.Parameter, codes: tuple[str, ...]) -> None:
    """Load the user's operations before a command reads any fabric."""
    from bsngraph.ops import load_operations

    for code in () if context.resilient_parsing else codes:  # completing a line runs nobody's code
        load_operations(code)


ops_option = option(
    "--ops",
    metavar="FILE.py|MODULE",
    multiple=True,
    callback=_load_operations,
    expose_value=False,
    help="Run this Python file, or import this installed module, for operations of your own. May be "
    "repeated.",
)
budget_option = option(
    "--budget",
    "budgets",
    metavar="NAME=LIMIT",
    multiple=True,
    group="budgets",
    help="A limit on a cost: macs=25%, params=40k, bytes=50MB, latency=100ms, steps:4=12, one of your own; "
    "NAME~=LIMIT for as close as possible; one may be a range of limits, macs=10%..60%. May be repeated.",
)
latencies_option = option(
    "--latencies",
    metavar="FILE",
    type=FILE,
    group="budgets",
    help="Latencies of another device, as `bsngraph measure -o` or a kit's measure.py wrote them: what "
    "--budget latency=LIMIT then counts with.",
)
weights_option = option(
    "--weights",
    metavar="FILE",
    type=FILE,
    group="learning",
    help="Begin every training with weights from a file of safetensors, by edge name, finalists too: a run's "
    "model.safetensors, for its fabric or a larger one. Edges that it does not have begin fresh, and are "
    "named.",
)
seed_option = option("--seed", type=int, default=0, show_default=True, help="The seed of everything random.")
format_option = option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How to print facts.",
)
task_option = option(
    "--task",
    metavar="NAME",
    group="data",
    help="Use the labels for another task than the data's own, e.g. regression.  [default: as the data says]",
)
device_option = option(
    "--device",
    default="auto",
    show_default=True,
    group="hardware",
    help="Where to compute: cpu, cuda, cuda:1 …; auto takes CUDA where there is one.",
)
threads_option = option(
    "--threads",
    type=click.IntRange(min=1),
    group="hardware",
    help="How many CPU threads compute.  [default: torch's own choice]",
)
workers_option = option(
    "--workers",
    type=click.IntRange(min=1),
    group="hardware",
    help="How many processes train finalists, and the networks of a range, side by side, each in one thread; "
    "the results are the same. A GPU trains them one after another.  [default: one for each thread, if there "
    "is work enough]",
)
engine_option = option(
    "--engine",
    type=click.Choice(["torch", "onnx"]),
    group="hardware",
    help="What runs the network: onnx, for onnxruntime, needs a folder of `bsngraph export --format onnx`.  "
    "[default: what RUN holds]",
)
trust_option = option(
    "--trust",
    is_flag=True,
    help="RUN is an exported folder that you made: its Python source or program may run.",
)
quiet_option = option("--quiet", is_flag=True, help="Show no progress.")


def out_options(command: _Command) -> _Command:
    """--out, --resume, --overwrite; `open_mode` reads the last two."""
    for one in (
        option("--overwrite", is_flag=True, help="Replace a run that --out holds."),
        option("--resume", is_flag=True, help="Go on with an interrupted run from its last epoch."),
        option("--out", type=FILE, required=True, callback=remember_out, help="The run folder to write."),
    ):
        command = one(command)
    return command


def remember_out(context: click.Context, parameter: click.Parameter, out: Path) -> Path:
    """Keep which run --out held before the command."""
    context.meta[_OUT] = (out, _stamp(out))
    return out


def run_written(context: click.Context) -> Path | None:
    """The --out of the command, if it has one."""
    out: Path | None = context.meta.get(_OUT, (None, None))[0]
    return out


def written_since(context: click.Context) -> bool:
    """Whether the command has begun a run in its --out."""
    out, before = context.meta.get(_OUT, (None, None))
    return out is not None and _stamp(out) != before


def _stamp(out: Path) -> int | None:
    """When the folder's run was begun, in nanoseconds; None if it holds none."""
    try:
        return os.stat(out / "config.json").st_mtime_ns
    except OSError:
        return None


def moved_option(old: str, new: str) -> Callable[[_Command], _Command]:
    """An option that became a command: it says so, and stands in no help."""

    def refuse(context: click.Context, parameter: click.Parameter, given: bool) -> None:
        if given:
            raise InputError(f"{context.info_name} {old} is a command of its own now: use {new}")

    return option(old, is_flag=True, is_eager=True, hidden=True, expose_value=False, callback=refuse)
