"""What draws itself in a notebook, and who draws it.

Jupyter asks an object for `_repr_svg_` and `_repr_html_`. Pictures are made from nouns
and lie above them, so a noun cannot call what draws it: the package names the drawers
here when it is imported.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

Shown = Callable[[Any], str | None]


class Displayed:
    """A noun that a notebook shows as a picture or a table, and as text if it cannot be
    drawn.
    """

    _svg: ClassVar[Shown | None] = None
    _html: ClassVar[Shown | None] = None

    @staticmethod
    def draw_by(svg: Shown, html: Shown) -> None:
        """Name what gives the SVG of a noun, and its HTML; None for one that has
        none.
        """
        Displayed._svg, Displayed._html = staticmethod(svg), staticmethod(html)

    def _repr_svg_(self) -> str | None:
        return Displayed._svg(self) if Displayed._svg else None

    def _repr_html_(self) -> str | None:
        return Displayed._html(self) if Displayed._html else None
