"""How far a run has come, and how long it takes: stages and their epochs in, seconds
out.

The stages of a run are planned before it begins, so that the time of the whole can be
told from its first epochs. A stage that is not planned is added where it begins.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bsngraph.settings import Recipe, SearchSettings

# An epoch of one network takes about this share of an epoch of the search: a guess, for
# as long as none was measured.
_SHARE_OF_SEARCH = 0.5

SEARCH_STAGE = "search"


@dataclass(frozen=True)
class PlannedStage:
    """A stage by its name in metrics.jsonl, and its epochs."""

    name: str
    epochs: int


@dataclass
class StagePace:
    """A stage: `done` of its epochs are done, `measured` of them in this process, for
    which it took `seconds`.
    """

    name: str
    epochs: int
    done: int = 0
    measured: int = 0
    seconds: float = 0.0
    ended: bool = False

    @property
    def epochs_left(self) -> int:
        """Epochs to come; none of a stage that ended early."""
        return 0 if self.ended else self.epochs - self.done

    @property
    def seconds_each(self) -> float | None:
        """Of an epoch, once one was measured."""
        return self.seconds / self.measured if self.measured else None


class Pace:
    """The stages of a run, and what time they take."""

    def __init__(
        self, plan: Sequence[PlannedStage] = (), clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self.stages = [StagePace(each.name, each.epochs) for each in plan if each.epochs]
        self.clock, self.started = clock, clock()
        self.current: StagePace | None = None
        self._last = self.started

    def begin(self, name: str, epochs: int, done: int) -> None:
        """A stage begins, and those before it have ended. It has so many epochs,
        whatever was planned.
        """
        stage = next((each for each in self.stages if each.name == name), None)
        if stage is None:
            stage = StagePace(name, epochs)
            self.stages.insert(self._place(), stage)
        stage.epochs, stage.done = epochs, done
        for earlier in self.stages[: self.stages.index(stage)]:
            earlier.ended = True
        stage.ended = done >= epochs
        self.current, self._last = stage, self.clock()

    def epoch(self, number: int) -> None:
        """Epoch `number` of the current stage ended, the first being 1."""
        stage, now = self.current, self.clock()
        assert stage is not None
        stage.measured += number - stage.done
        stage.seconds += now - self._last
        stage.done, stage.ended = number, number >= stage.epochs
        self._last = now

    def gone(self) -> float:
        """Seconds since the start."""
        return self.clock() - self.started

    def stage_left(self) -> float | None:
        """Seconds that the current stage still takes, once one of its epochs was
        measured.
        """
        stage = self.current
        if stage is None or stage.seconds_each is None:
            return None
        return stage.epochs_left * stage.seconds_each

    def left(self) -> float | None:
        """Seconds that all stages still take, once an epoch was measured. An epoch of a
        stage that has not begun is taken for as long as those of the stage before.
        """
        each, seconds = None, 0.0
        for stage in self.stages:
            if stage.seconds_each is not None:
                each = stage.seconds_each
            if stage.epochs_left and each is None:
                return None
            seconds += stage.epochs_left * (each or 0.0)
            if stage.name == SEARCH_STAGE and each is not None:
                each *= _SHARE_OF_SEARCH
        return seconds if each is not None else None

    def _place(self) -> int:
        """Where a stage stands that was not planned: behind the current one."""
        return 0 if self.current is None else self.stages.index(self.current) + 1


def plan_of_search(recipe: Recipe, settings: SearchSettings, networks: int = 1) -> list[PlannedStage]:
    """The stages of a search that delivers so many networks, or fewer."""
    finalists = settings.finalists if settings.finalists > 1 else 0
    return [
        PlannedStage(SEARCH_STAGE, recipe.epochs),
        PlannedStage("finalists", finalists * settings.finalist_epochs),
        PlannedStage("finetune", networks * settings.finetune_epochs),
    ]


def clock_text(seconds: float) -> str:
    """`0:52`, `1:05:00`."""
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minutes}:{second:02d}"
