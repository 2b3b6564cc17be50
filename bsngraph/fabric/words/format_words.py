"""The words of the file format: what may stand on a graph, a node and an edge beside an
operation's arguments.
"""

from __future__ import annotations

from bsngraph.fabric.words import graphviz_words
from bsngraph.ops import EDGE_WORDS, OPERATIONS

FORMAT = 1
GRAPH_WORDS = frozenset({"format", "source", "target"})
NODE_WORDS = frozenset({"merge", "activation", "input", "concat_channels", "tensor"})
COST_PREFIX = "cost_"
COMPUTED_COSTS = frozenset({"macs", "flops", "params", "bytes", "memory", "latency", "steps", "makespan"})
COMPUTED_PREFIX = "computed_"

# Graphviz's words are known, but they are never offered as the cure for a misspelt
# word of ours.
STYLE = graphviz_words.NODE | graphviz_words.EDGE | graphviz_words.GRAPH


def argument_words() -> frozenset[str]:
    """The names of all operations' arguments."""
    return frozenset(argument for operation in OPERATIONS.values() for argument in operation.arguments)


def node_style_words() -> frozenset[str]:
    """Attributes of nodes that only Graphviz reads: a `$` in them is a dollar."""
    return graphviz_words.NODE - NODE_WORDS


def edge_style_words() -> frozenset[str]:
    """Attributes of edges that only Graphviz reads, and the key, which is a name."""
    return (graphviz_words.EDGE - EDGE_WORDS - argument_words()) | {"key"}
