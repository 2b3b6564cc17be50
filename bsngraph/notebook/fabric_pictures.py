"""A Fabric, or an Architecture over its fabric → an SVG."""

from __future__ import annotations

from bsngraph.draw.fabric_drawing import fabric_drawing
from bsngraph.draw.graphviz import svg_drawing
from bsngraph.draw.render import fabric_source
from bsngraph.fabric import Architecture, Fabric
from bsngraph.wording import quantity

_COST = "macs"


def fabric_svg(fabric: Fabric) -> str:
    """All of a fabric, as `render` draws it.

    Raises:
        NoGraphvizError: no Graphviz is installed.
        BsngraphError: Graphviz failed, or took too long.
    """
    return svg_drawing(fabric_source(fabric, fabric.name or "fabric")).decode("utf-8")


def architecture_svg(fabric: Fabric, architecture: Architecture) -> str:
    """An architecture over the fabric that it came from.

    Raises:
        NoGraphvizError, BsngraphError: as `fabric_svg`.
    """
    kept = sum(not fabric.edges[edge].fixed for edge in architecture.live)
    caption = [f"{fabric.name or 'fabric'}: {kept} of {len(fabric.searchable)} searchable edges live"]
    costs = [edge.computed[_COST] for edge in fabric.edges if _COST in edge.computed]
    if len(costs) == len(fabric.edges) and any(costs):
        whole, live = sum(costs), sum(costs[edge] for edge in architecture.live)
        caption.append(f"{_COST}: {quantity(live)} of {quantity(whole)} ({100 * live / whole:.1f} %)")
    return svg_drawing(fabric_drawing(fabric, kept=architecture.live, caption=caption)).decode("utf-8")
