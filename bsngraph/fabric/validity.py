"""What must hold for every Fabric, however it was made.

In: nodes, edges, sources and targets. Out: every problem, each with its place and cure.
Files are checked with their lines while they are bound (`binding/`); these are the
same laws for fabrics that Python code builds or changes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from bsngraph.errors import Problem, nearest
from bsngraph.ops.activations import ACTIVATIONS
from bsngraph.ops.merges import MERGES

if TYPE_CHECKING:
    from bsngraph.fabric.model import Edge, Fabric, Node


def fabric_problems(fabric: Fabric) -> list[Problem]:
    """Everything that is wrong with a fabric's structure; nothing where it is valid."""
    index = {node.name: position for position, node in enumerate(fabric.nodes)}
    problems = [*_repeated([node.name for node in fabric.nodes], "node")]
    problems += _repeated([edge.name for edge in fabric.edges], "edge")
    for node in fabric.nodes:
        problems += _unknown(node, "merge", node.merge, tuple(MERGES))
        problems += _unknown(node, "activation", node.activation, tuple(ACTIVATIONS))
    for edge in fabric.edges:
        problems += _edge_problems(edge, index)
    for word, names in (("source", fabric.sources), ("target", fabric.targets)):
        if not names:
            problems.append(Problem(f"the fabric names no {word}", "fabric", f"name a {word}"))
        problems += _repeated(names, word)
        for name in names:
            if name not in index:
                problems.append(Problem(f"{word} {name!r} is not a node", "fabric", nearest(name, index)))
    return problems


def _repeated(names: tuple[str, ...] | list[str], what: str) -> Iterator[Problem]:
    for name, count in Counter(names).items():
        if count > 1:
            yield Problem(f"{count} bear this name", f"{what} {name}", "give each a name of its own")


def _unknown(node: Node, word: str, value: str, known: tuple[str, ...]) -> Iterator[Problem]:
    if value not in known:
        yield Problem(f"{word}={value} is not known", f"node {node.name}", nearest(value, known))


def _edge_problems(edge: Edge, index: dict[str, int]) -> Iterator[Problem]:
    where = f"edge {edge.name}"
    ends = [index.get(name) for name in (edge.source, edge.target)]
    for name, position in zip((edge.source, edge.target), ends, strict=True):
        if position is None:
            yield Problem(f"{name!r} is not a node", where, nearest(name, index))
    first, second = ends
    if first is not None and second is not None and first >= second:
        cure = "list the nodes in topological order: an edge leads to a later node"
        yield Problem(f"{edge.target!r} stands before {edge.source!r}", where, cure)
    if edge.probability is not None and not 0 <= edge.probability <= 1:
        yield Problem(f"probability={edge.probability} is invalid", where, "give a number from 0 to 1")
    if edge.fixed and (edge.gate is not None or edge.choice is not None):
        yield Problem("a fixed edge has no gate or choice", where, "it is always kept: remove them")
