"""What every engine gives: workers that take tasks, and how a task ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from bsngraph.errors import RunFailedError

_Task = TypeVar("_Task", contravariant=True)
_Answer = TypeVar("_Answer", covariant=True)


class WorkerLostError(RunFailedError):
    """A worker died with its task, which may be begun again."""


class WorkerNotReadyError(RunFailedError):
    """A worker could not take over what all tasks share, so no task has begun in it."""


class WorkerBugError(RuntimeError):
    """What was raised in a worker and is no error of a user's; its text is the
    traceback there.
    """


@dataclass(frozen=True, eq=False)
class TaskEnd(Generic[_Answer]):
    """How the task of that number ended: with what its function gave, or with an error.

    A BsngraphError is the one that was raised. Another error is what was raised itself
    (inline), or a `WorkerBugError` with its traceback.
    """

    number: int
    error: Exception | None
    given: tuple[_Answer, ...] = ()

    @property
    def answer(self) -> _Answer:
        """What the function gave.

        Raises:
            Exception: the task's error.
        """
        if self.error is not None:
            raise self.error
        return self.given[0]


class Workers(Protocol[_Task, _Answer]):
    """Workers that wait for tasks. About `count` of these run at once."""

    @property
    def count(self) -> int: ...

    def start(self, number: int, task: _Task) -> None:
        """Take a task, which runs as soon as a worker is free; the first taken comes
        first.
        """

    def ended(self) -> Iterator[TaskEnd[_Answer]]:
        """The ends of all tasks taken, as they come; more may be started meanwhile."""
