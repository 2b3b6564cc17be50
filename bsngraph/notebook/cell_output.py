"""A noun → the SVG or the HTML of a notebook's cell, by its kind."""

from __future__ import annotations

from html import escape

from bsngraph.displayed import Displayed
from bsngraph.draw.graphviz import NoGraphvizError, find_graphviz
from bsngraph.errors import BsngraphError
from bsngraph.fabric import Architecture, Fabric
from bsngraph.notebook.fabric_pictures import architecture_svg, fabric_svg
from bsngraph.runs.rows.front import Front


def cell_svg(noun: Displayed) -> str | None:
    """The picture of a fabric, or of an architecture over its fabric; None if it cannot
    be drawn, and of other nouns.
    """
    try:
        if isinstance(noun, Fabric):
            return fabric_svg(noun)
        if isinstance(noun, Architecture) and noun.fabric is not None:
            return architecture_svg(noun.fabric, noun)
    except (BsngraphError, OSError):
        pass  # the cell shows the text instead, and what `cell_html` says
    return None


def cell_html(noun: Displayed) -> str | None:
    """The table of a result or of a front; of a fabric or an architecture, why there is
    no picture of it.
    """
    if isinstance(noun, Front):
        from bsngraph.notebook.front_html import front_html

        return front_html(noun)
    if isinstance(noun, Fabric | Architecture):
        return _instead_of_a_picture(noun)
    from bsngraph.notebook.result_html import result_html
    from bsngraph.searching import Result

    assert isinstance(noun, Result)
    return result_html(noun.run, noun.summary)


def _instead_of_a_picture(noun: Fabric | Architecture) -> str | None:
    if isinstance(noun, Architecture) and noun.fabric is None:
        why = "architecture.over(fabric) is drawn over its fabric"
    elif find_graphviz() is None:
        why = str(NoGraphvizError())
    else:
        return None
    return f"<pre>{escape(repr(noun))}</pre><p>{escape(why)}</p>"
