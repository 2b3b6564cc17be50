"""Two fabrics → FabricDifference: what only one of them has, and what both have but
say differently.

Edges are matched by name, `source->target#key`, and so are nodes. Styles, information
for drawings and the fabrics' own names are not compared: they change no network.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bsngraph.fabric.model import Edge, Fabric, Node
from bsngraph.ops import Value

# The words that a decision about an edge changes: in an architecture every edge is
# fixed, and no longer says how likely it was.
_DECISION = frozenset({"fixed", "probability", "gate", "choice", "concat_offset", "concat_channels"})


@dataclass(frozen=True)
class Change:
    """One word that two nodes or edges of the same name say differently. None is
    unset.
    """

    what: str
    before: Value | None
    after: Value | None


@dataclass(frozen=True)
class Changed:
    """A node or edge that both fabrics have, and its changes."""

    name: str
    changes: tuple[Change, ...]

    @property
    def decided(self) -> bool:
        """Whether only the decision about it changed: it is searchable in one fabric
        and fixed in the other.
        """
        words = {change.what for change in self.changes}
        return words <= _DECISION and not words.isdisjoint({"fixed", "concat_channels"})


@dataclass(frozen=True)
class FabricDifference:
    """What changed from fabric A to fabric B. Nodes and edges are in the order of the
    fabric that has them, changed ones in the order of A.
    """

    only_a: tuple[Edge, ...]
    only_b: tuple[Edge, ...]
    changed: tuple[Changed, ...]
    nodes_only_a: tuple[Node, ...]
    nodes_only_b: tuple[Node, ...]
    nodes_changed: tuple[Changed, ...]
    sources: tuple[tuple[str, ...], tuple[str, ...]]
    targets: tuple[tuple[str, ...], tuple[str, ...]]

    @property
    def empty(self) -> bool:
        """Whether the two are the same network."""
        some = (
            self.only_a,
            self.only_b,
            self.changed,
            self.nodes_only_a,
            self.nodes_only_b,
            self.nodes_changed,
        )
        return not any(some) and all(before == after for before, after in (self.sources, self.targets))


def difference(a: Fabric, b: Fabric) -> FabricDifference:
    """What changed from fabric `a` to fabric `b`."""
    edges_a, edges_b = ({edge.name: edge for edge in fabric.edges} for fabric in (a, b))
    nodes_a, nodes_b = ({node.name: node for node in fabric.nodes} for fabric in (a, b))
    return FabricDifference(
        only_a=tuple(edge for name, edge in edges_a.items() if name not in edges_b),
        only_b=tuple(edge for name, edge in edges_b.items() if name not in edges_a),
        changed=_changed(
            {
                name: (_edge_words(edge), _edge_words(edges_b[name]))
                for name, edge in edges_a.items()
                if name in edges_b
            }
        ),
        nodes_only_a=tuple(node for name, node in nodes_a.items() if name not in nodes_b),
        nodes_only_b=tuple(node for name, node in nodes_b.items() if name not in nodes_a),
        nodes_changed=_changed(
            {
                name: (_node_words(node), _node_words(nodes_b[name]))
                for name, node in nodes_a.items()
                if name in nodes_b
            }
        ),
        sources=(a.sources, b.sources),
        targets=(a.targets, b.targets),
    )


_Words = Mapping[str, Value | None]


def _changed(pairs: Mapping[str, tuple[_Words, _Words]]) -> tuple[Changed, ...]:
    changed = []
    for name, (before, after) in pairs.items():
        words = [*before, *(word for word in after if word not in before)]
        changes = [
            Change(word, before.get(word), after.get(word))
            for word in words
            if before.get(word) != after.get(word)
        ]
        if changes:
            changed.append(Changed(name, tuple(changes)))
    return tuple(changed)


def _edge_words(edge: Edge) -> _Words:
    decision = {
        "fixed": edge.fixed,
        "probability": edge.probability,
        "gate": edge.gate,
        "choice": edge.choice,
    }
    costs = {f"cost_{name}": cost for name, cost in edge.costs.items()}
    return {"op": edge.op, **edge.arguments, **decision, **costs, "concat_offset": edge.concat_offset}


def _node_words(node: Node) -> _Words:
    shape = "x".join(map(str, node.input)) if node.input is not None else None
    return {
        "merge": node.merge,
        "activation": node.activation,
        "input": shape,
        "concat_channels": node.concat_channels,
    }
