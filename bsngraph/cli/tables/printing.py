"""The console that facts are printed on, and texts of its tables' cells."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.text import Text

from bsngraph.wording import printable_lines


class NameSafeConsole(Console):
    """A console whose texts cannot do anything to the terminal: control characters,
    escape sequences and marks of direction are shown as `�`.
    """

    def render_str(self, text: str, **more: Any) -> Text:
        """A text as it is printed, by itself or in a table's cell."""
        return super().render_str(printable_lines(text), **more)


def plain_console(*, stderr: bool = False) -> Console:
    """A console that prints texts as they are: names of nodes, costs and folders may
    read like markup or emoji codes. Style is given by `style` or `Text`.
    """
    return NameSafeConsole(stderr=stderr, highlight=False, markup=False, emoji=False)


def share(value: float, whole: float) -> str:
    """`24.8 %`; nothing for a whole of 0."""
    return f"{100 * value / whole:.1f} %" if whole else ""
