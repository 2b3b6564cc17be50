"""The names of a GraphML file's nodes, and its edges between them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from bsngraph.errors import nearest
from bsngraph.fabric.reading.edge_keys import numbered_keys
from bsngraph.fabric.reading.graphml.document import Document, Item
from bsngraph.fabric.reading.graphml.item_values import ItemValues, item_values
from bsngraph.fabric.reading.graphml.other_programs import OtherProgram, is_counted_edge, is_counted_node
from bsngraph.fabric.reading.problem_list import ProblemList
from bsngraph.fabric.reading.raw import RawEdge
from bsngraph.ops import Value


def node_names(document: Document, values: Mapping[str, ItemValues], program: OtherProgram) -> dict[str, str]:
    """Node id → name, without the groups.

    In yEd and Gephi a person types labels and the program counts ids. There the labels
    are the names, if every id is a counted one and the labels can be told apart.
    """
    ids = [node.id for node in document.nodes.values() if not node.group]
    labels = [values[id_].label or str(values[id_].own.get("label", "")) for id_ in ids]
    told_apart = all(labels) and len(set(labels)) == len(labels)
    if program.counts_ids and told_apart and all(map(is_counted_node, ids)):
        return dict(zip(ids, labels, strict=True))
    return {id_: id_ for id_ in ids}


def named_edges(
    document: Document,
    names: Mapping[str, str],
    inherited: Mapping[str, Value],
    program: OtherProgram,
    problems: ProblemList,
) -> list[RawEdge]:
    """The edges. Their keys are their `key`, or their ids if a person or networkx gave
    these.
    """
    counted = program.counts_ids and _ids_are_counted(document.edges)
    ends: list[tuple[str, str, str | None]] = []
    data: list[tuple[Mapping[str, Value], Mapping[str, Value], int]] = []
    for edge in document.edges:
        values = item_values(edge, document.keys, program, problems)
        for end in (edge.source, edge.target):
            if end not in names:
                _report_end(edge, end, names, document, problems)
        key = str(values.own.pop("key", "")) or ("" if counted else edge.id)
        ends.append((names.get(edge.source, edge.source), names.get(edge.target, edge.target), key or None))
        data.append((values.own, {**inherited, **values.foreign} if values.foreign else inherited, edge.line))
    return [
        RawEdge(source, target, key, *one)
        for (source, target, _), key, one in zip(ends, numbered_keys(ends), data, strict=True)
    ]


def _ids_are_counted(edges: list[Item]) -> bool:
    ids = Counter(edge.id for edge in edges)
    return len(ids) == len(edges) and all(is_counted_edge(edge.id or "0") for edge in edges)


def _report_end(
    edge: Item, end: str, names: Mapping[str, str], document: Document, problems: ProblemList
) -> None:
    """Report that an edge ends where there is no node."""
    if end in document.nodes:
        what, cure = f"an edge ends at the group {end!r}", "let it end at a node"
    else:
        what, cure = f"an edge ends at {end!r}, which is no node", nearest(end, names)
    problems.report(what, f"line {edge.line}", cure)
