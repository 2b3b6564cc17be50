"""GraphML, as networkx, yEd and Gephi write it → RawGraph.

A key's default holds for every node or edge without a value of its own. A group is read
as what it holds. What only yEd or Gephi read is passed over. Gephi's files say nothing
of the graph as a whole: in them the nodes with an `input` are the sources, and the
nodes that no edge leaves are the targets.

networkx reads GraphML too, but it merges edges of one id, makes up nodes, and names no
line. So it only writes here, and tests compare what is read with what it reads.
"""

from __future__ import annotations

from collections.abc import Mapping

from bsngraph.fabric.reading.graphml.document import Document, Item
from bsngraph.fabric.reading.graphml.item_values import default_keys, default_values, item_values
from bsngraph.fabric.reading.graphml.named_edges import named_edges, node_names
from bsngraph.fabric.reading.graphml.other_programs import OtherProgram, other_program
from bsngraph.fabric.reading.graphml.parsing import parse_graphml
from bsngraph.fabric.reading.problem_list import ProblemList
from bsngraph.fabric.reading.raw import RawDefault, RawEdge, RawGraph, RawNode
from bsngraph.fabric.words import graphviz_words
from bsngraph.fabric.words.name_lists import join_names
from bsngraph.ops import Value

_MAX_PROBLEMS = 100


def graphml_to_raw(content: bytes, origin: str) -> RawGraph:
    """Read one GraphML digraph.

    Raises:
        FabricError: it is not XML or not GraphML, holds what no fabric has (undirected
            edges, hyperedges, ports), declares a document type, or passes a bound of
            `bounds.py`.
    """
    document = parse_graphml(content, origin)
    program = other_program(document)
    problems = ProblemList(origin, _MAX_PROBLEMS)
    attributes = _graph_attributes(document, program, problems)
    nodes, names = _nodes(document, program, problems)
    edges = named_edges(document, names, _inherited(document, "edge", program), program, problems)
    problems.raise_if_any()
    if program.gephi and not {"source", "target"} & set(attributes):
        attributes |= _terminals(nodes, edges)
    name = str(attributes.pop("name", ""))
    stated = default_keys(document.keys, program, "node", "edge")
    defaults = tuple(RawDefault(key.scope, key.name, key.line) for key in stated)
    return RawGraph(origin, name, attributes, tuple(nodes), tuple(edges), defaults)


def _graph_attributes(document: Document, program: OtherProgram, problems: ProblemList) -> dict[str, Value]:
    """The attributes of the graph. networkx makes `id` the element's own id, so ours is
    written as `@id`.
    """
    assert document.graph is not None
    attributes = default_values(document.keys, program, "graph")
    attributes |= item_values(document.graph, document.keys, program, problems).own
    if "@id" in attributes:
        attributes["id"] = attributes.pop("@id")
    return attributes


def _nodes(
    document: Document, program: OtherProgram, problems: ProblemList
) -> tuple[list[RawNode], dict[str, str]]:
    """The nodes, and the name of each id."""
    values = {
        id_: item_values(node, document.keys, program, problems) for id_, node in document.nodes.items()
    }
    names = node_names(document, values, program)
    inherited = _inherited(document, "node", program)
    nodes = []
    for id_, node in document.nodes.items():
        if node.group:
            _check_group(node, values[id_].own, problems)
        else:
            nodes.append(RawNode(names[id_], values[id_].own, inherited, node.line))
    return nodes, names


def _inherited(document: Document, scope: str, program: OtherProgram) -> dict[str, Value]:
    return default_values(document.keys, program, "all") | default_values(document.keys, program, scope)


def _check_group(group: Item, own: Mapping[str, Value], problems: ProblemList) -> None:
    for name in own:
        if name not in graphviz_words.NODE | graphviz_words.GRAPH:
            cure = "give it to the nodes in the group"
            problems.report(f"a group has no attribute {name!r}", f"line {group.line}", cure)


def _terminals(nodes: list[RawNode], edges: list[RawEdge]) -> dict[str, Value]:
    """Sources and targets of a graph that does not name them."""
    left = {edge.source for edge in edges}
    sources = [node.name for node in nodes if node.own.get("input") not in (None, "")]
    return {
        "source": join_names(sources),
        "target": join_names(node.name for node in nodes if node.name not in left),
    }
