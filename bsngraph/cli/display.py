"""How a run's progress looks on a terminal, and as plain lines elsewhere: on standard
error, since facts go to standard output.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

import click
from rich.live import Live

from bsngraph.cli.live.epoch_texts import measures, planned_text
from bsngraph.cli.live.pace import Pace, PlannedStage, clock_text
from bsngraph.cli.live.view import RunView
from bsngraph.cli.tables.printing import plain_console
from bsngraph.wording import printable_lines

if TYPE_CHECKING:
    from bsngraph.training import Progress

    class Display(Progress, Protocol):
        """A progress that is shown, until it is closed."""

        def finish(self) -> None:
            """The run came to its end: what is printed next stands below."""


def progress_display(quiet: bool, plan: Sequence[PlannedStage] = ()) -> Display:
    """A display that fits where standard error goes; it ends with the command that asks
    for it, however that ends.

    `plan` are the stages that the run will have: with it the display shows the run as a
    whole, and tells the time of the whole.
    """
    if quiet:
        return QuietDisplay()
    if not sys.stderr.isatty() or plain_console(stderr=True).is_dumb_terminal:
        return PlainDisplay(plan)
    display = LiveDisplay(plan)
    click.get_current_context().call_on_close(display.close)
    return display


class QuietDisplay:
    """Shows nothing."""

    def stage(self, name: str, epochs: int, done: int) -> None:
        pass

    def epoch(self, row: Mapping[str, Any]) -> None:
        pass

    def note(self, text: str) -> None:
        pass

    def finish(self) -> None:
        pass


class PlainDisplay:
    """A line an epoch."""

    def __init__(self, plan: Sequence[PlannedStage] = ()) -> None:
        self.pace, self.whole = Pace(plan), len(plan) > 1

    def stage(self, name: str, epochs: int, done: int) -> None:
        """Begin a stage; before the first one say what is planned."""
        if self.whole and self.pace.current is None:
            self.note(planned_text(self.pace))
        self.pace.begin(name, epochs, done)

    def epoch(self, row: Mapping[str, Any]) -> None:
        """Print an epoch."""
        pace = self.pace
        pace.epoch(row["epoch"])
        stage, left = pace.current, pace.stage_left()
        assert stage is not None
        assert left is not None
        whole = f" here, {clock_text(pace.left() or 0)} in all" if self.whole else ""
        self.note(
            f"{stage.name} {stage.done}/{stage.epochs}  {measures(row)}  left {clock_text(left)}{whole}"
        )

    def note(self, text: str) -> None:
        """Print a note; a stream that takes none does not end the run."""
        with suppress(OSError):
            click.echo(printable_lines(text), err=True)

    def finish(self) -> None:
        """Every line stands there already."""


class LiveDisplay:
    """A view that is drawn again and again: of the whole run if it is planned, else of
    each stage.
    """

    def __init__(self, plan: Sequence[PlannedStage] = ()) -> None:
        self.console = plain_console(stderr=True)
        self.plan = plan
        self.live: Live | None = None
        self.view = self._new_view()

    def stage(self, name: str, epochs: int, done: int) -> None:
        """Begin a stage."""
        if not self.plan:
            self.close()
            self.view = self._new_view()
        self.view.pace.begin(name, epochs, done)
        if self.live is None and (self.plan or done < epochs):
            self.live = Live(self.view, console=self.console, refresh_per_second=5)
            self.live.start()

    def epoch(self, row: Mapping[str, Any]) -> None:
        """Move the bars."""
        self.view.pace.epoch(row["epoch"])
        self.view.row = row
        if not self.plan and all(stage.ended for stage in self.view.pace.stages):
            self.close()

    def finish(self) -> None:
        """Show the whole run as done."""
        self.view.finished = True
        self.close()

    def close(self) -> None:
        """Leave the terminal as it was, its cursor shown."""
        self.view.closed = True
        if self.live is not None:
            self.live.stop()
            self.live = None

    def note(self, text: str) -> None:
        """Print a note above the view."""
        self.console.print(text)

    def _new_view(self) -> RunView:
        return RunView(Pace(self.plan), whole=bool(self.plan))
