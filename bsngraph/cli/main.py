"""The `bsngraph` command: a group of commands, each in a module of its own that is
loaded when it is called.

Exit codes: 0 done; 1 it could not be done (an infeasible budget, a failed run); 2 wrong
usage or bad input; 130 interrupted. A user's mistake ends with a message and one of
these, never with a traceback.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import IO, Any

import click

from bsngraph import __version__
from bsngraph.cli.live.going_on import command_that_resumes, keep_words
from bsngraph.cli.near_misses import meant_command, meant_option, option_without_value
from bsngraph.cli.process import INTERRUPTED, lenient_streams
from bsngraph.errors import BsngraphError
from bsngraph.wording import printable_lines


@dataclass(frozen=True)
class CommandEntry:
    """A command: the module that holds its `command`, and its line in the list."""

    module: str
    help: str


_ROOM = "bsngraph.cli.commands"

#: Every command, in the order in which they are used. To add one, write a module with a
#: click command named `command`, and a line here.
COMMANDS = {
    "search": CommandEntry(f"{_ROOM}.runs.search", "Find the best sub-network of a fabric inside a budget."),
    "sweep": CommandEntry(
        f"{_ROOM}.runs.sweep", "Search once for every combination of budgets, seeds and other values."
    ),
    "check": CommandEntry(
        f"{_ROOM}.fabrics.check", "Validate a fabric; print its shapes, costs and cheapest sub-network."
    ),
    "prune": CommandEntry(
        f"{_ROOM}.runs.prune", "Choose again from a finished search, under another budget."
    ),
    "front": CommandEntry(f"{_ROOM}.runs.front", "List and draw the networks of a range of limits."),
    "train": CommandEntry(
        f"{_ROOM}.runs.train", "Train a fabric's network with every edge kept, from scratch."
    ),
    "evaluate": CommandEntry(f"{_ROOM}.delivered.evaluate", "Measure a run's delivered network again."),
    "predict": CommandEntry(
        f"{_ROOM}.delivered.predict",
        "Say what a run's delivered network makes of images, or of a data set's examples.",
    ),
    "verify": CommandEntry(
        f"{_ROOM}.delivered.verify", "Count again everything that a run's certificate states."
    ),
    "export": CommandEntry(
        f"{_ROOM}.delivered.export",
        "Write a run's network for where bsngraph is not: ONNX, Python source, and more.",
    ),
    "report": CommandEntry(
        f"{_ROOM}.delivered.report", "Write a page about a run, or about several, to send to someone."
    ),
    "explain": CommandEntry(f"{_ROOM}.delivered.explain", "Say which edges spend a run's budgets."),
    "measure": CommandEntry(
        f"{_ROOM}.fabrics.measure",
        "Measure the latency of a fabric's edges here, or write a kit that measures elsewhere.",
    ),
    "render": CommandEntry(f"{_ROOM}.fabrics.render", "Draw a fabric or a run."),
    "diff": CommandEntry(
        f"{_ROOM}.fabrics.diff", "Say and draw what changed between two fabrics or architectures."
    ),
    "log": CommandEntry(f"{_ROOM}.runs.log", "Log a run to TensorBoard or MLflow."),
    "list": CommandEntry(f"{_ROOM}.runs.list", "List the runs in a folder, and what each found."),
    "fabric": CommandEntry(
        f"{_ROOM}.fabrics.fabric",
        "Write a fabric of a known family: resnet, cnf, cells, chain, transformer.",
    ),
    "data": CommandEntry(f"{_ROOM}.listings.data", "List the known data sets, or show one."),
    "ops": CommandEntry(f"{_ROOM}.listings.ops", "List all operations and their arguments."),
    "costs": CommandEntry(f"{_ROOM}.listings.costs", "List all costs, their units and definitions."),
}


class _Shown(click.ClickException):
    """One of our errors as click shows it."""

    def __init__(self, error: BsngraphError) -> None:
        super().__init__(str(error))
        self.exit_code = error.exit_code  # type: ignore[misc]  # click itself reads it from the instance

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(f"Error: {printable_lines(self.message)}", file=file, err=True)


class LazyGroup(click.Group):
    """A group that knows its commands' names and one-line help, and imports a command
    only to run it.
    """

    def main(self, *arguments: Any, **more: Any) -> Any:
        """Run a command line, on streams that take every character."""
        lenient_streams()
        return super().main(*arguments, **more)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep the words of the command line: they tell how to go on with a run."""
        keep_words(ctx, args)
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order in which they are used."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The `command` of its module."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(COMMANDS[cmd_name].module).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; say which one was probably meant."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            ctx.fail(f"No such command {args[0]!r}: {meant_command(args[0], COMMANDS)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; turn our errors and Ctrl-C into messages and exit codes."""
        try:
            return super().invoke(ctx)
        except BsngraphError as error:
            raise _Shown(error) from None
        except click.NoSuchOption as error:
            raise meant_option(error) from None
        except click.BadOptionUsage as error:
            raise option_without_value(error) from None
        except KeyboardInterrupt:
            click.echo(f"\nInterrupted.{_how_to_go_on(ctx)}", err=True)
            ctx.exit(INTERRUPTED)
        except BrokenPipeError:
            raise  # nobody reads on: click ends the program
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            raise _Shown(BsngraphError(f"{where}{error.strerror or error}")) from None


def _how_to_go_on(ctx: click.Context) -> str:
    """The command that resumes the run that was interrupted, if one was."""
    command = command_that_resumes(ctx)
    return f" To go on from the last epoch:\n  {command}" if command else ""


@click.group(
    cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, prog_name="bsngraph")
def cli() -> None:
    """Find the best network that fits a budget.

    A super-network drawn as a graph file (a fabric) goes in; a sub-network inside every
    budget comes out: its weights, its graph, its picture.

    \b
    Example:
      bsngraph check fabrics/digits.dot --budget macs=25%
      bsngraph search fabrics/digits.dot --data digits --budget macs=25% \\
        --out runs/first
    """
