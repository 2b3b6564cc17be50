"""What is written on a node, and in its tooltip."""

from __future__ import annotations

from bsngraph.draw.parts.label_text import html_escaped
from bsngraph.fabric.model import Node
from bsngraph.fabric.writing.dot_text import Html
from bsngraph.ops import Shape
from bsngraph.wording import shape_text, shortened

NAME_POINTS, SHAPE_POINTS = 13, 10


def node_label(node: Node, shape: Shape | None, *, merges: bool, colour: str, small_colour: str) -> Html:
    """The node's name, below it its shape and, if it `merges` several edges, how."""
    small = [node.merge] if merges and node.merge != "sum" else []
    small += [shape_text(shape)] if shape is not None else []
    name = f'<font color="{colour}"><b>{html_escaped(shortened(node.name))}</b></font>'
    if not small:
        return Html(name)
    below = html_escaped(" · ".join(small))
    return Html(f'{name}<br/><font point-size="{SHAPE_POINTS}" color="{small_colour}">{below}</font>')


def node_tooltip(node: Node, shape: Shape | None) -> str:
    """Name, shape, merge and activation, one a line."""
    does = [f"merge {node.merge}", *([f"then {node.activation}"] if node.activation != "none" else [])]
    return "\n".join([node.name, *([shape_text(shape)] if shape is not None else []), ", ".join(does)])
