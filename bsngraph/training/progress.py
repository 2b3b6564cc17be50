"""How a run tells what it does: a protocol of three calls. The command line shows them;
from Python they are silent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class Progress(Protocol):
    """Takes what a run tells of its progress."""

    def stage(self, name: str, epochs: int, done: int) -> None:
        """A stage of `epochs` epochs begins, `done` of which lie behind (after
        resuming).
        """

    def epoch(self, row: Mapping[str, Any]) -> None:
        """An epoch ended; `row` is its line of metrics.jsonl."""

    def note(self, text: str) -> None:
        """A sentence that the user should see."""


class Silent:
    """Takes it all and shows nothing."""

    def stage(self, name: str, epochs: int, done: int) -> None:
        pass

    def epoch(self, row: Mapping[str, Any]) -> None:
        pass

    def note(self, text: str) -> None:
        pass
