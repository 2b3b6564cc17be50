"""Drawings of fabrics and architectures. This package never imports torch."""

from bsngraph.draw.fabric_drawing import fabric_drawing
from bsngraph.draw.graphviz import NoGraphvizError, check_drawable, find_graphviz, render_dot
from bsngraph.draw.render import render

__all__ = ["NoGraphvizError", "check_drawable", "fabric_drawing", "find_graphviz", "render", "render_dot"]
