"""Edges → what the network holds for them, and how its forward pass calls them."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from bsngraph.errors import InputError
from bsngraph.exporting.python.source.operations.block_source import layer_lines
from bsngraph.exporting.python.source.operations.blocks import Block, BlockUse, find_blocks
from bsngraph.exporting.python.source.operations.layers import MadeLayer
from bsngraph.exporting.python.source.operations.sketch import Sketch, sketch_of
from bsngraph.exporting.python.source.text.expressions import Call, Expression, Word, substituted
from bsngraph.exporting.python.source.text.python_names import PythonNames
from bsngraph.exporting.python.source.text.statements import call_lines
from bsngraph.exporting.python.user_operations import CopiedOperations
from bsngraph.fabric import Fabric
from bsngraph.ops import OPERATIONS
from bsngraph.supernet import SuperNet
from bsngraph.supernet.deployed import folded


@dataclass(frozen=True)
class EdgeCall:
    """An edge in the source.

    `attribute` is what the network calls its layer. `result` is what it gives for `x`.
    `lines` make the layer. `weights` are its tensors by their names in the network.
    """

    attribute: str
    result: Expression
    lines: tuple[str, ...] = ()
    weights: Mapping[str, Tensor] = field(default_factory=dict)


def edge_attributes(fabric: Fabric, variables: tuple[str, ...], names: PythonNames) -> list[str]:
    """A name for each edge: `a_to_b`, with the key if there are others beside it."""
    found = []
    for edge, ends in zip(fabric.edges, fabric.endpoints, strict=True):
        words = [variables[ends[0]], "to", variables[ends[1]]]
        if fabric.endpoints.count(ends) > 1:
            words.append(edge.key)
        found.append(names.variable("_".join(words), "edge"))
    return found


def edge_calls(
    net: SuperNet, attributes: list[str], classes: PythonNames, copied: CopiedOperations
) -> tuple[list[EdgeCall], list[Block]]:
    """Every edge of a net, and the classes of those that hold several layers.

    Raises:
        InputError: an operation of the user's that is not copied, or one that there is
            no way to write.
    """
    calls: dict[int, EdgeCall] = {}
    uses = []
    for index, edge in enumerate(net.fabric.edges):
        if OPERATIONS[edge.op].origin:
            calls[index] = _foreign_call(net, index, attributes[index], copied)
            continue
        sketch = _sketch(net, index)
        if sketch.simple:
            calls[index] = _inline_call(sketch, attributes[index])
        else:
            uses.append(BlockUse(index, edge.op, sketch))
    blocks = find_blocks(uses, classes)
    for block in blocks:
        for use in block.uses:
            calls[use.edge] = _block_call(block, use, attributes[use.edge])
    return [calls[index] for index in range(len(net.fabric.edges))], blocks


def _sketch(net: SuperNet, index: int) -> Sketch:
    edge, (source, _) = net.fabric.edges[index], net.fabric.endpoints[index]
    module = folded(copy.deepcopy(net.operations[index]).eval())
    try:
        return sketch_of(module, net.profile.node_shapes[source])
    except KeyError as error:
        raise InputError(
            f"edge {edge.name}: the formats python and hf cannot write op={edge.op} "
            f"({error.args[0]}): export to another format"
        ) from None


def _inline_call(sketch: Sketch, attribute: str) -> EdgeCall:
    if not sketch.layers:
        return EdgeCall(attribute, sketch.result)
    ((name, made),) = sketch.layers
    called = f"self.{attribute}"
    result = substituted(sketch.result, {f"self.{name}": Word(called)}, {f"self.{name}": called})
    return EdgeCall(attribute, result, tuple(layer_lines(attribute, made.layer)), _named(attribute, made))


def _block_call(block: Block, use: BlockUse, attribute: str) -> EdgeCall:
    lines = call_lines(f"self.{attribute} = {block.name}", block.argument_texts(use), 8)
    weights: dict[str, Tensor] = {}
    for name, made in use.sketch.layers:
        weights |= _named(f"{attribute}.{name}", made)
    return EdgeCall(attribute, _called(attribute), tuple(lines), weights)


def _foreign_call(net: SuperNet, index: int, attribute: str, copied: CopiedOperations) -> EdgeCall:
    """The user's builder, called as the net called it; its weights are not folded."""
    edge, (source, _) = net.fabric.edges[index], net.fabric.endpoints[index]
    function, arguments = copied.call(edge, net.profile.node_shapes[source])
    lines = call_lines(f"self.{attribute} = {function}", arguments, 8)
    weights = {f"{attribute}.{name}": tensor for name, tensor in net.operations[index].state_dict().items()}
    return EdgeCall(attribute, _called(attribute), tuple(lines), weights)


def _called(attribute: str) -> Expression:
    return Call(f"self.{attribute}", (Word("x"),))


def _named(prefix: str, made: MadeLayer) -> dict[str, Tensor]:
    return {f"{prefix}.{name}".rstrip("."): tensor.detach() for name, tensor in made.weights.items()}
