"""A search's progress of which only the notes are kept or told."""

from __future__ import annotations

from collections.abc import Callable

from bsngraph.training import Silent


class Noted(Silent):
    """Gives each note to a function, and shows nothing else."""

    def __init__(self, take: Callable[[str], None]) -> None:
        self._take = take

    def note(self, text: str) -> None:
        """Pass the note on."""
        self._take(text)
