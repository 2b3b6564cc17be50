"""A pruned net → the network to deliver: plain torch in the order it runs.

It has no routes, samples or rows.

In: a SuperNet whose edges are all fixed. Out: a `torch.fx.GraphModule` in evaluation
mode with copies of the weights. Its code is the lines that one writes by hand
(`print(deploy(net).code)`): the operations into a node, its merge, its activation, each
value dropped after its last use. Convolutions take in the BatchNorm behind them.
"""

from __future__ import annotations

import copy
import operator
from collections import OrderedDict
from collections.abc import Sequence
from functools import reduce
from typing import Any

import torch
from torch import nn
from torch.fx import Graph, GraphModule, Node, Proxy
from torch.fx.proxy import GraphAppendingTracer
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from bsngraph.ops.activations import activation_function
from bsngraph.ops.merges import MERGES, Merge, MergePart, Place
from bsngraph.supernet.supernet import SuperNet

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
_BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


def deploy(net: SuperNet, *, fold: bool = True) -> GraphModule:
    """The net as plain torch in evaluation mode; device, number type and layout stay.

    It is called as the net is, without a sample: (batch, …) for one source, a mapping
    from names for several; gives (batch, …) for one target, a mapping for several.
    `fold` puts each BatchNorm that stands right behind a convolution into its weights:
    same values to rounding, less to do. Training it further makes no sense then.

    Raises:
        ValueError: an edge is still searchable; `prune_net` first.
    """
    fabric = net.fabric
    if fabric.searchable:
        raise ValueError(
            f"edge {fabric.edges[fabric.searchable[0]].name} is not fixed: prune the net before deploying it"
        )
    operations = copy.deepcopy(net.operations).eval()
    if fold:
        operations = nn.ModuleList(folded(operation) for operation in operations)
    root = nn.Module()
    root.operations = operations
    return GraphModule(root, _graph(net, operations), class_name="Deployed").eval()


def _graph(net: SuperNet, operations: nn.ModuleList) -> Graph:
    fabric, graph = net.fabric, Graph()
    inputs = graph.placeholder("inputs")
    values: dict[int, Node] = {}
    for name, source in zip(fabric.sources, fabric.source_indices, strict=True):
        values[source] = (
            inputs if len(fabric.sources) == 1 else graph.call_function(operator.getitem, (inputs, name))
        )
    for index, (node, incoming) in enumerate(zip(fabric.nodes, fabric.incoming, strict=True)):
        if incoming:
            parts = {
                edge: _run(graph, f"operations.{edge}", operations[edge], values[fabric.endpoints[edge][0]])
                for edge in incoming
            }
            values[index] = (
                _concat(graph, net, index, parts)
                if MERGES[node.merge].slots
                else _merged(graph, MERGES[node.merge], [*parts.values()])
            )
        activation = activation_function(node.activation)
        if activation is not None:
            values[index] = graph.call_function(activation, (values[index],))
    outputs = {name: values[node] for name, node in zip(fabric.targets, fabric.target_indices, strict=True)}
    graph.output(outputs if len(outputs) > 1 else next(iter(outputs.values())))
    return graph


def _run(graph: Graph, name: str, module: nn.Module, value: Node) -> Node:
    """Call a module, or the parts of a plain sequence one by one.

    Each call of a module costs a few microseconds.
    """
    if type(module) is nn.Identity:
        return value
    if type(module) is nn.Sequential:
        return reduce(
            lambda so_far, part: _run(graph, f"{name}.{part[0]}", part[1], so_far),
            module.named_children(),
            value,
        )
    return graph.call_module(name, (value,))


def _merged(graph: Graph, merge: Merge, parts: Sequence[Node]) -> Node:
    """The merge's own function, traced: what it does to whole batches."""
    tracer = GraphAppendingTracer(graph)
    inputs: list[Any] = [Proxy(part, tracer) for part in parts]  # each stands for a tensor
    traced: Any = merge.function([MergePart(value, None) for value in inputs], Place(1, None, 0))
    merged: Node = traced.node
    return merged


def _concat(graph: Graph, net: SuperNet, node: int, parts: dict[int, Node]) -> Node:
    """The parts in the order of their slots; slots without a part are zeros."""
    channels, *size = net.profile.node_shapes[node]
    ordered = sorted(parts, key=net.concat_offsets.__getitem__)
    pieces, filled = [], 0
    for edge in ordered:
        start, width = net.concat_offsets[edge], net.profile.edge_shapes[edge][0]
        after = channels - start - width if edge == ordered[-1] else 0
        around = [*[0, 0] * len(size), start - filled, after]
        pieces.append(
            graph.call_function(functional.pad, (parts[edge], around)) if any(around) else parts[edge]
        )
        filled = start + width
    return pieces[0] if len(pieces) == 1 else graph.call_function(torch.cat, (pieces, 1))


def folded(module: nn.Module) -> nn.Module:
    """The module with each convolution and the BatchNorm behind it made one."""
    children: list[tuple[str, nn.Module]] = []
    for name, child in module.named_children():
        last = children[-1][1] if children else None
        if (
            type(module) is nn.Sequential
            and isinstance(last, _CONVOLUTIONS)
            and isinstance(child, _BATCH_NORMS)
            and _fits(last, child)
        ):
            children[-1] = children[-1][0], fuse_conv_bn_eval(last, child, transpose=last.transposed)
        else:
            children.append((name, folded(child)))
    if type(module) is nn.Sequential:
        return nn.Sequential(OrderedDict(children))
    for name, child in children:
        setattr(module, name, child)
    return module


def _fits(conv: Any, norm: Any) -> bool:
    """Whether a norm can be folded into a convolution.

    It cannot without running statistics, nor behind a transposed convolution of groups,
    whose weights hold channels in another order.
    """
    return norm.running_mean is not None and not (conv.transposed and conv.groups > 1)
