"""Tasks in this process, one after the other."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

from bsngraph.parallel.child import Assignment
from bsngraph.parallel.workers import TaskEnd


class InlineWorkers:
    """One worker: this process. Nothing is copied."""

    count = 1

    def __init__(self, assignment: Assignment) -> None:
        self._assignment = assignment
        self._waiting: deque[tuple[int, Any]] = deque()
        if assignment.setup is not None:
            assignment.setup(assignment.shared)

    def start(self, number: int, task: Any) -> None:
        """Take a task."""
        self._waiting.append((number, task))

    def ended(self) -> Iterator[TaskEnd[Any]]:
        """Run the tasks taken."""
        while self._waiting:
            number, task = self._waiting.popleft()
            try:
                given = self._assignment.function(self._assignment.shared, task)
            except Exception as error:
                yield TaskEnd(number, error)
            else:
                yield TaskEnd(number, None, (given,))
