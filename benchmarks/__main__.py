"""The command line of the benchmarks: `python -m benchmarks NAME [options]`."""

from __future__ import annotations

import subprocess
import sys
import time

import click

from benchmarks.catalogue import BENCHMARKS, TOPICS, every_table, load
from benchmarks.shared.page import renew
from bsngraph.errors import BsngraphError

# Those that `all` runs one after the other; the rest takes hours, or is asked by name.
QUICK = ("startup", "sampling", "memory", "execution", "hand-written", "floors")
FULL = (*QUICK, "reading")


class Benchmarks(click.Group):
    """Loads a benchmark to run it; its help lists all of them by topic."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, by topic."""
        return [*BENCHMARKS, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The `command` of the module of that name."""
        if cmd_name in BENCHMARKS:
            found: click.Command = load(cmd_name).command
            return found
        return super().get_command(ctx, cmd_name)

    def invoke(self, ctx: click.Context) -> object:
        """Run a benchmark; what is wrong with its input is told without a traceback."""
        try:
            return super().invoke(ctx)
        except BsngraphError as error:
            raise click.ClickException(str(error)) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """A line each."""
        for topic, benchmarks in TOPICS.items():
            with formatter.section(topic):
                formatter.write_dl([(name, benchmark.about) for name, benchmark in benchmarks.items()])
        with formatter.section("All of them"):
            formatter.write_dl(
                [(name, command.get_short_help_str(80)) for name, command in self.commands.items()]
            )


@click.group(cls=Benchmarks)
def cli() -> None:
    """Measure bsngraph.

    Rows are kept in benchmarks/results, one JSON object a line. Tables are made from
    them into benchmarks/RESULTS.md.

    Example: python -m benchmarks execution --quick
    """


@cli.command("all")
@click.option("--quick", is_flag=True, help="Run fewer cases, keep no rows: under 3 minutes.")
def run_all(quick: bool) -> None:
    """Run the speed benchmarks, then renew RESULTS.md."""
    started = time.perf_counter()
    for name in QUICK if quick else FULL:
        click.echo(f"\n# {name}")
        subprocess.run([sys.executable, "-m", "benchmarks", name, *["--quick"] * quick], check=True)
    if not quick:
        renew(every_table())
    click.echo(f"\n{time.perf_counter() - started:.0f} s")


@cli.command("tables")
def renew_tables() -> None:
    """Make the tables of RESULTS.md from the kept rows."""
    click.echo(", ".join(renew(every_table())))


if __name__ == "__main__":
    cli(prog_name="python -m benchmarks")
