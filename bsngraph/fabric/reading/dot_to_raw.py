"""DOT text → RawGraph, meaning what it means to Graphviz.

A default statement holds for what is created after it in its scope. A subgraph starts
with the defaults of the graph around it; a named one that is opened again goes on where
it stopped. `a -> b -> {c d}` is every edge of the chain. An edge with a key that is
written twice is one edge. Ports are dropped.
"""

from __future__ import annotations

from lark import Token

from bsngraph.errors import FabricError, Problem
from bsngraph.fabric.reading.dot.graph_so_far import GraphSoFar
from bsngraph.fabric.reading.dot.scopes import Scope
from bsngraph.fabric.reading.dot.statements import read_statements
from bsngraph.fabric.reading.dot.syntax_tree import SyntaxTree, as_tree, id_in, line_of, syntax_tree
from bsngraph.fabric.reading.raw import RawGraph


def dot_to_raw(text: str, origin: str) -> RawGraph:
    """Read one DOT digraph.

    Raises:
        FabricError: the text is not DOT, holds an undirected graph, or passes a bound
            of `bounds.py`. The problem has its line, and its column where the syntax is
            wrong.
    """
    tree = syntax_tree(text, origin)
    graph = GraphSoFar(origin, strict="strict" in _graph_words(tree, origin))
    read_statements(as_tree(tree.children[-1]), graph, Scope())
    return RawGraph(
        origin=origin,
        name=id_in(tree.children) or "",
        attributes=graph.attributes,
        nodes=graph.raw_nodes(),
        edges=graph.raw_edges(),
        defaults=tuple(graph.defaults),
    )


def _graph_words(tree: SyntaxTree, origin: str) -> set[str]:
    """The words before the graph's name: `digraph`, maybe `strict`."""
    words = {str(child).lower() for child in tree.children if isinstance(child, Token) and child.type != "ID"}
    if "graph" in words:
        cure = "write `digraph` and `->`: an edge of a fabric has a direction"
        raise FabricError(origin, [Problem("the graph is undirected", f"line {line_of(tree)}", cure)])
    return words
