"""Which sub-networks are the same network: two that differ in edges alone may compute
the same function.

A node that one identity leads to, and whose activation changes nothing more, is the
node before it. So whole chains of skips say nothing, and two paths may be one. Networks
that are the same need not be trained twice.
"""

from __future__ import annotations

import hashlib

from bsngraph.fabric import Booleans
from bsngraph.profile import FabricProfile

_IDENTITY = "identity"
# Merges of one input that are this input, and activations f with f(f(x)) = f(x).
_PASSING = frozenset({"sum", "mean", "max", "mul"})
_IDEMPOTENT = frozenset({"none", "relu"})


def structure_of(profile: FabricProfile, live: Booleans) -> bytes:
    """A key that two networks of live edges (edges,) share only if one is the other
    with its nodes named otherwise, identities that change nothing left out.

    Nodes are unfolded into what leads to them. Parameters and MACs, counted once, tell
    one node that is used twice from two that are alike.
    """
    fabric = profile.fabric
    keys: list[bytes] = []
    for index, (node, incoming) in enumerate(zip(fabric.nodes, fabric.incoming, strict=True)):
        inputs = [edge for edge in incoming if live[edge]]
        tails = [fabric.endpoints[edge][0] for edge in inputs]
        if index in fabric.source_indices:
            keys.append(_digest("source", node.name))
        elif len(inputs) == 1 and _changes_nothing(profile, index, inputs[0]):
            keys.append(keys[tails[0]])
        else:
            texts = [
                f"{_operation_text(profile, edge)} {keys[tail].hex()}"
                for edge, tail in zip(inputs, tails, strict=True)
            ]
            if node.merge not in _PASSING:  # the order of its inputs, or what is missing, may matter
                texts = [f"{edge} {text}" for edge, text in zip(inputs, texts, strict=True)]
            keys.append(_digest(node.merge, node.activation, *sorted(texts)))
    counted = f"{live @ profile.params:.0f} {live @ profile.macs:.0f}"
    return _digest(counted, *(keys[target].hex() for target in fabric.target_indices))


def _changes_nothing(profile: FabricProfile, node: int, edge: int) -> bool:
    """Whether a node with this one input is the node that it comes from."""
    fabric = profile.fabric
    before, here = fabric.nodes[fabric.endpoints[edge][0]], fabric.nodes[node]
    again = here.activation == before.activation and here.activation in _IDEMPOTENT
    kept = here.activation == "none" or again
    return fabric.edges[edge].op == _IDENTITY and here.merge in _PASSING and kept


def _operation_text(profile: FabricProfile, edge: int) -> str:
    one = profile.fabric.edges[edge]
    return f"{one.op} {sorted(one.arguments.items())!r}"


def _digest(*texts: str) -> bytes:
    return hashlib.sha256("\n".join(texts).encode("utf-8", "surrogatepass")).digest()
