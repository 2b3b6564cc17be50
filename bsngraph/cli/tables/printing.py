"""The console that facts are printed on, and texts of its tables' cells."""

from __future__ import annotations

from rich.console import Console


def plain_console(*, stderr: bool = False) -> Console:
    """A console that prints texts as they are: names of nodes, costs and folders may
    read like markup or emoji codes. Style is given by `style` or `Text`.
    """
    return Console(stderr=stderr, highlight=False, markup=False, emoji=False)


def share(value: float, whole: float) -> str:
    """`24.8 %`; nothing for a whole of 0."""
    return f"{100 * value / whole:.1f} %" if whole else ""
