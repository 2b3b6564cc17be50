"""The statements of a DOT graph, walked once in file order with the scope they are in.

In: the syntax tree of a list of statements. Out: the nodes, edges and attributes that
they make, in a `GraphSoFar`.
"""

from __future__ import annotations

from collections.abc import Collection
from itertools import pairwise

from lark import Token, Tree

from bsngraph.errors import FabricError, Problem
from bsngraph.fabric.reading.bounds import MAX_DEPTH
from bsngraph.fabric.reading.dot.graph_so_far import GraphSoFar
from bsngraph.fabric.reading.dot.scopes import Scope
from bsngraph.fabric.reading.dot.syntax_tree import SyntaxTree, as_tree, attributes_in, id_in, line_of


def read_statements(tree: SyntaxTree, graph: GraphSoFar, scope: Scope, depth: int = 0) -> None:
    """Read the statements of a graph (`depth` 0) or of a subgraph in it.

    Raises:
        FabricError: subgraphs nest too deep, an edge is undirected, or the graph passes
            a bound.
    """
    if depth > MAX_DEPTH:
        cure = "fabrics need no subgraphs inside subgraphs to this depth: flatten the file"
        what = f"subgraphs nest deeper than {MAX_DEPTH}"
        raise FabricError(graph.origin, [Problem(what, f"line {line_of(tree)}", cure)])
    for statement in map(as_tree, tree.children):
        if statement.data == "assignment":
            name, value = map(str, statement.children)
            if depth == 0:
                graph.attributes[name] = value
        elif statement.data == "defaults":
            _read_defaults(statement, graph, scope, depth)
        else:
            _read_chain(statement, graph, scope, depth)


def _read_defaults(statement: SyntaxTree, graph: GraphSoFar, scope: Scope, depth: int) -> None:
    """`graph [...]`, `node [...]` or `edge [...]`."""
    kind = str(statement.children[0]).lower()
    attributes = attributes_in(statement.children)
    if kind != "graph":
        graph.state_defaults(kind, attributes, scope, line_of(statement))
    elif depth == 0:
        graph.attributes.update(attributes)


def _read_chain(statement: SyntaxTree, graph: GraphSoFar, scope: Scope, depth: int) -> None:
    """Nodes, a subgraph, or the edges of `a -> b -> {c d}`."""
    ends = [child for child in statement.children if isinstance(child, Tree)]
    arrows = [child for child in statement.children if isinstance(child, Token)]
    attributes = attributes_in(statement.children)
    for arrow in arrows:
        if arrow == "--":
            where = f"line {arrow.line}, column {arrow.column}"
            cure = "write `->`: an edge has a direction"
            raise FabricError(graph.origin, [Problem("an undirected edge `--`", where, cure)])
    line = line_of(statement)
    groups = [_read_end(end, graph, scope, depth) for end in ends]
    if not arrows and ends[0].data == "nodes":
        graph.set_attributes(list(groups[0]), attributes, line)
    for sources, targets in pairwise(groups):
        for source in sources:
            for target in targets:
                graph.draw_edge(source, target, attributes, scope, line)


def _read_end(tree: SyntaxTree, graph: GraphSoFar, scope: Scope, depth: int) -> Collection[str]:
    """The nodes at one end of an edge. Those of a named subgraph may still become more
    within the statement.
    """
    line = line_of(tree)
    if tree.data == "nodes":
        names = [str(as_tree(node).children[0]) for node in tree.children]
        graph.mention_nodes(names, scope, line)
        return names
    *head, statements = tree.children
    inner = scope.inner(id_in(head))
    read_statements(as_tree(statements), graph, inner, depth + 1)
    graph.meter.spend(len(inner.members), f"line {line}")
    scope.members.update(inner.members)
    return inner.members
