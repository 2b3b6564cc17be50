"""Words that are known, but stand in a wrong place: `kernel` on a node, `input` on the
graph. The cure says where such a word belongs.
"""

from __future__ import annotations

from bsngraph.fabric.binding.cures.spelling import Spelling
from bsngraph.fabric.words.format_words import GRAPH_WORDS, NODE_WORDS, argument_words
from bsngraph.ops import EDGE_WORDS


def place_of_word(name: str, value: object, bearer: str, spelling: Spelling) -> str:
    """The cure for a word that `bearer` does not take and something else does; empty if
    nothing does.
    """
    text = str(value)
    if name in NODE_WORDS and bearer != "node":
        what = "the source node" if name == "input" else "a node"
        return f"{name} is a word of nodes: write {spelling.on_item(name, text)} on {what}"
    if name in GRAPH_WORDS and bearer != "graph":
        return f"{name} is a word of the graph: write {spelling.on_graph(name, text)}"
    if name in EDGE_WORDS or (name in argument_words() and bearer == "node"):
        default = spelling.as_default("edge", name, text)
        return f"{name} is a word of edges: write {spelling.on_item(name, text)} on an edge, or {default}"
    return ""
