"""Workers of trainings that end their tasks in another order than they began them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from bsngraph.parallel import TaskEnd, TaskEngine
from bsngraph.training.side_by_side import TrainingGround, train_epoch


class Shuffled:
    """Workers that end their tasks in a random order, in this process."""

    def __init__(self, count: int, ground: TrainingGround) -> None:
        self.count, self.ground = count, ground
        self.rng = np.random.default_rng(count)
        self.tasks: list[tuple[int, Any]] = []

    def start(self, number: int, task: Any) -> None:
        self.tasks.append((number, task))
        assert len(self.tasks) <= self.count

    def ended(self) -> Iterator[TaskEnd[Any]]:
        while self.tasks:
            number, task = self.tasks.pop(int(self.rng.integers(len(self.tasks))))
            yield TaskEnd(number, None, (train_epoch(self.ground, task),))


def shuffle(
    monkeypatch: pytest.MonkeyPatch, stage: ModuleType, count: int, kind: type[Shuffled] = Shuffled
) -> None:
    """A stage has `count` workers of that kind."""

    class Opened:
        def __init__(self, ground: TrainingGround, engine: TaskEngine, ops: Iterable[str]) -> None:
            self.workers = kind(count, ground)

        def __enter__(self) -> Shuffled:
            return self.workers

        def __exit__(self, *raised: object) -> None:
            pass

    monkeypatch.setattr(stage, "open_trainers", Opened)
