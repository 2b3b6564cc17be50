"""The words of the file format: what may stand on a graph, a node and an edge beside an
operation's arguments.
"""

from __future__ import annotations

from bsngraph.fabric.binding import graphviz_words
from bsngraph.ops import EDGE_WORDS, OPERATIONS

FORMAT = 1
GRAPH_WORDS = frozenset({"format", "source", "target"})
NODE_WORDS = frozenset({"merge", "activation", "input", "concat_channels", "tensor"})
COST_PREFIX = "cost_"
COMPUTED_COSTS = frozenset({"macs", "flops", "params", "bytes", "memory", "latency", "steps", "makespan"})
COMPUTED_PREFIX = "computed_"


# Graphviz's words are known, but never what somebody meant who misspelt one of ours.
STYLE = graphviz_words.NODE | graphviz_words.EDGE | graphviz_words.GRAPH


def node_style_words() -> frozenset[str]:
    """Attributes of nodes that are Graphviz's alone: a `$` in them is a dollar."""
    return graphviz_words.NODE - NODE_WORDS


def edge_style_words() -> frozenset[str]:
    """Attributes of edges that are Graphviz's alone, and the key, which is a name."""
    ours = EDGE_WORDS | {argument for operation in OPERATIONS.values() for argument in operation.arguments}
    return (graphviz_words.EDGE - ours) | {"key"}
