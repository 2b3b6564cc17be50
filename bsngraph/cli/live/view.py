"""The one view of a run: a bar for each stage, the last epoch's measures, each cost as
a bar against its limit in force, and times. It fits 60 columns and more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.progress_bar import ProgressBar
from rich.table import Column, Table
from rich.text import Text

from bsngraph.cli.live.epoch_texts import (
    TITLES,
    CostReading,
    cost_readings,
    qualities,
    remarks_on_gamma,
)
from bsngraph.cli.live.pace import Pace, StagePace, clock_text
from bsngraph.wording import quantity, shortened

_LONGEST_NAME = 14
_TEXTS = 32  # columns for the text beside a bar
_SHORTEST_BAR, _LONGEST_BAR = 6, 40

CERTIFYING = "certifying"


class RunView:
    """What rich draws of a run, again and again."""

    def __init__(self, pace: Pace, *, whole: bool) -> None:
        self.pace, self.whole = pace, whole
        self.row: Mapping[str, Any] | None = None
        self.closed = self.finished = False

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield self._bars(
            max(_SHORTEST_BAR, min(_LONGEST_BAR, options.max_width - _LONGEST_NAME - _TEXTS - 2))
        )
        if self.row is not None:
            yield Text(_measures(self.row))
        if self.whole:
            yield Text(self._times())

    def _bars(self, width: int) -> Table:
        """A row a stage, and a row a cost with a limit."""
        grid = Table.grid(
            Column(no_wrap=True, min_width=_LONGEST_NAME),
            Column(width=width),
            Column(no_wrap=True, overflow="ellipsis"),
            padding=(0, 1, 0, 0),
        )
        for stage in self.pace.stages:
            title = Text(TITLES.get(stage.name, stage.name))
            grid.add_row(title, self._stage_bar(stage), self._stage_text(stage))
        if self.whole:
            grid.add_row(*self._end())
        for reading in cost_readings(self.row or {}):
            if reading.limit is not None:
                grid.add_row(*_cost(reading, reading.limit))
        return grid

    def _stage_bar(self, stage: StagePace) -> ProgressBar:
        done = stage.epochs if stage.ended else stage.done
        return ProgressBar(total=max(1, stage.epochs), completed=max(done, int(stage.ended)))

    def _stage_text(self, stage: StagePace) -> Text:
        text = Text(f"{stage.done}/{stage.epochs} epochs")
        left = self.pace.stage_left()
        if stage is self.pace.current and left is not None and not stage.ended and not self.closed:
            text.append(f", {clock_text(left)} left", "bold")
        return text

    def _end(self) -> tuple[Text, ProgressBar, Text]:
        """The row of what comes after the last epoch."""
        over = bool(self.pace.stages) and all(stage.ended for stage in self.pace.stages)
        under_way = over and not self.closed
        text = "done" if self.finished else "and measuring on test data …" if under_way else ""
        return Text(CERTIFYING), ProgressBar(total=1, completed=float(self.finished)), Text(text)

    def _times(self) -> str:
        gone, left = clock_text(self.pace.gone()), self.pace.left()
        if self.closed:
            return f"{gone} in all" if self.finished else f"{gone} gone"
        if left is None:
            return f"{gone} gone; time left is known after the first epoch"
        return f"{gone} gone, about {clock_text(left)} left in all"


def _measures(row: Mapping[str, Any]) -> str:
    """What an epoch gave, beside the costs that have a bar."""
    others = [reading.shown() for reading in cost_readings(row) if reading.limit is None]
    return "  ".join([*qualities(row), *others, *remarks_on_gamma(row)])


def _cost(reading: CostReading, limit: float) -> tuple[Text, ProgressBar, Text]:
    """A cost against its limit in force."""
    over = reading.value > limit
    style = "red" if over else "cyan"
    bar = ProgressBar(
        total=limit or 1.0,
        completed=min(reading.value, limit),
        complete_style=style,
        finished_style=style,
    )
    said = f"{quantity(reading.value)} of {quantity(limit)} now"
    return Text(shortened(reading.name, _LONGEST_NAME)), bar, Text(f"{said}, over" if over else said)
