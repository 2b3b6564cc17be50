"""A delivered net → the lines of its layers and its forward pass, and its weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from bsngraph.exporting.python.source.edge_calls import EdgeCall, edge_attributes, edge_calls
from bsngraph.exporting.python.source.operations.block_source import block_lines
from bsngraph.exporting.python.source.text.expressions import (
    Call,
    Expression,
    Infix,
    Listing,
    Word,
    one_line,
    substituted,
)
from bsngraph.exporting.python.source.text.python_names import PythonNames
from bsngraph.exporting.python.source.text.statements import LINE, assignment_lines
from bsngraph.exporting.python.source.text.traced import called, traced
from bsngraph.exporting.python.user_operations import CopiedOperations
from bsngraph.ops.activations import activation_function
from bsngraph.ops.merges import MERGES, Merge, MergePart, Place
from bsngraph.supernet import SuperNet

_INDENT = 8
_DEEPEST = _INDENT + 8


@dataclass(frozen=True)
class NetworkSource:
    """The parts of a source.

    `variables` are the nodes' by index. `blocks` are classes, `layers` the lines of
    `__init__`, `passes` those of `forward`, `weights` by their names in the class.
    """

    variables: tuple[str, ...]
    blocks: tuple[tuple[str, ...], ...]
    layers: tuple[str, ...]
    passes: tuple[str, ...]
    weights: Mapping[str, Tensor]


def network_source(
    net: SuperNet, classes: PythonNames, buffers: Sequence[str], copied: CopiedOperations
) -> NetworkSource:
    """The parts of the source for a net whose edges are all fixed.

    `classes` are the names of classes that are taken; `buffers` those that the network
    holds beside its edges. The sources' variables hold what comes in when `passes`
    begin.

    Raises:
        InputError: an operation cannot be written.
    """
    fabric, names = net.fabric, PythonNames()
    variables = tuple(names.variable(node.name) for node in fabric.nodes)
    held = PythonNames([*dir(nn.Module()), *buffers, "push_to_hub"], longest=40)
    calls, blocks = edge_calls(net, edge_attributes(fabric, variables, held), classes, copied)
    passes: list[str] = []
    for index, (node, incoming) in enumerate(zip(fabric.nodes, fabric.incoming, strict=True)):
        shape = ", ".join(["batch", *map(str, net.profile.node_shapes[index])])
        value: Expression = Word(variables[index])
        if incoming:
            parts = {edge: _value(calls[edge], variables[fabric.endpoints[edge][0]]) for edge in incoming}
            if MERGES[node.merge].slots:
                parts = _in_slots(net, index, parts)
            passes += _hoisted(variables[index], parts, calls, names)
            value = _merged(MERGES[node.merge], [*parts.values()])
        activation = activation_function(node.activation)
        if activation is not None:
            value = called(activation, value)
        if incoming or activation is not None:
            passes += assignment_lines(variables[index], value, _INDENT, f"({shape})")
    return NetworkSource(
        variables,
        tuple(tuple(block_lines(block)) for block in blocks),
        tuple(line for call in calls for line in call.lines),
        tuple(passes),
        {name: tensor for call in calls for name, tensor in call.weights.items()},
    )


def _value(call: EdgeCall, variable: str) -> Expression:
    return substituted(call.result, {"x": Word(variable)}, {})


def _hoisted(
    variable: str, parts: dict[int, Expression], calls: Sequence[EdgeCall], names: PythonNames
) -> list[str]:
    """Give a variable to each part of a node that is too long for a line among
    others.
    """
    lines: list[str] = []
    for place, (edge, value) in enumerate(parts.items()):
        if len(parts) > 1 and len(one_line(value)) > _room(variable, [*parts.values()], place):
            name = names.variable(calls[edge].attribute)
            lines += assignment_lines(name, value, _INDENT)
            parts[edge] = Word(name)
    return lines


def _room(variable: str, parts: Sequence[Expression], place: int) -> int:
    """How long a part may be: a line has several of them, or one of many, or what came
    before and this.
    """
    among_many = LINE - _DEEPEST - len(",")
    whole = f"{variable} = {' + '.join(map(one_line, parts))}"
    if len(parts) > 2 or place == 0 or _INDENT + len(whole) <= LINE:
        return among_many
    return min(among_many, LINE - _INDENT - len(f"{variable} = {variable} + "))


def _in_slots(net: SuperNet, index: int, parts: Mapping[int, Expression]) -> dict[int, Expression]:
    """The parts in the order of their slots, with zeros for slots without a part."""
    channels, *size = net.profile.node_shapes[index]
    ordered = sorted(parts, key=net.concat_offsets.__getitem__)
    pieces, filled = dict(parts), 0
    for edge in ordered:
        start, width = net.concat_offsets[edge], net.profile.edge_shapes[edge][0]
        after = channels - start - width if edge == ordered[-1] else 0
        around = (*[0, 0] * len(size), start - filled, after)
        if any(around):
            pieces[edge] = Call("functional.pad", (parts[edge], Word(str(around))))
        filled = start + width
    return {edge: pieces[edge] for edge in ordered}


def _merged(merge: Merge, parts: list[Expression]) -> Expression:
    if merge.slots:
        joined = Call("torch.cat", (Listing(tuple(parts)),), (("dim", Word("1")),))
        return joined if len(parts) > 1 else parts[0]
    place = Place(1, None, 0)
    value = traced(lambda values: merge.function([MergePart(each, None) for each in values], place), parts)
    match value:
        case Infix("/", (first, Word("1"))):  # the mean of one
            return first
    return value
