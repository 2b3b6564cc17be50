"""What is measured to price a fabric: its operations by themselves, the joining of
values at its nodes, some sub-networks whole.

In: a profile. Out: `Piece`s, small fabrics to be compiled and timed, each with the
words that its time depends on.
"""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bsngraph.fabric import Architecture, Edge, Fabric, Node, prune_fabric
from bsngraph.fabric.writing.fabric_to_dot import fabric_to_dot
from bsngraph.ops import OPERATIONS, Shape
from bsngraph.profile import FabricProfile
from bsngraph.wording import shape_text


@dataclass(frozen=True)
class Piece:
    """A fabric to be timed.

    `words` say all that its time depends on besides the conditions; None where that
    cannot be known (operations of a notebook).
    """

    fabric: Fabric
    words: Mapping[str, Any] | None


def operation_pieces(profile: FabricProfile) -> list[Piece]:
    """Every edge's operation as a network of its own: (edges,)."""
    return [_operation(edge, profile.node_shapes[source]) for edge, (source, _) in _edges(profile)]


def joining_pieces(profile: FabricProfile) -> list[Piece]:
    """For every edge, two values of its shape merged and activated as at its target:
    (edges,).
    """
    nodes = profile.fabric.nodes
    return [
        _joining(nodes[target], shape)
        for (_, (_, target)), shape in zip(_edges(profile), profile.edge_shapes, strict=True)
    ]


def network_piece(profile: FabricProfile, architecture: Architecture) -> Piece:
    """A sub-network whole."""
    fabric = prune_fabric(profile.fabric, architecture, profile.edge_shapes)
    codes = {edge.op: code_of(edge.op) for edge in fabric.edges}
    words = {"network": hashlib.sha256(fabric_to_dot(fabric).encode()).hexdigest(), "code": codes}
    return Piece(fabric, None if None in codes.values() else words)


def piece_key(piece: Piece, number: int) -> str:
    """Equal for pieces that take the same time; code that has no words takes its
    own.
    """
    return f"{number}" if piece.words is None else json.dumps(piece.words, sort_keys=True)


def code_of(op: str) -> str | None:
    """What tells one version of an operation from another: nothing for ours, a hash of
    its file for a user's, None if it has none.
    """
    entry = OPERATIONS[op]
    if not entry.origin:
        return ""
    try:
        source = inspect.getsourcefile(inspect.unwrap(entry.builder))
        return hashlib.sha256(Path(source or "").read_bytes()).hexdigest()
    except (OSError, TypeError):
        return None


def _edges(profile: FabricProfile) -> Sequence[tuple[Edge, tuple[int, int]]]:
    return list(zip(profile.fabric.edges, profile.fabric.endpoints, strict=True))


def _operation(edge: Edge, shape: Shape) -> Piece:
    code = code_of(edge.op)
    words = {"op": edge.op, "arguments": dict(edge.arguments), "input": shape_text(shape), "code": code}
    return Piece(_bridge(shape, Node("to"), [edge]), None if code is None else words)


def _joining(node: Node, shape: Shape) -> Piece:
    words = {"merge": node.merge, "activation": node.activation, "input": shape_text(shape)}
    through = Edge("from", "to", "0", "identity")
    return Piece(
        _bridge(shape, Node("to", merge=node.merge, activation=node.activation), [through, through]), words
    )


def _bridge(shape: Shape, target: Node, edges: Sequence[Edge]) -> Fabric:
    """A fabric of two nodes and the operations of `edges` between them."""
    source = Node("from", input=shape)
    between = tuple(
        Edge(source.name, target.name, str(key), edge.op, edge.arguments, fixed=True)
        for key, edge in enumerate(edges)
    )
    return Fabric("piece", (source, target), between, (source.name,), (target.name,))
