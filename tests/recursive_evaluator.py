"""The slow, obvious reference of a compiled net: one example, one node, one edge at a
time, from the target backwards.

    evaluate(net, inputs, kept)  → like net(inputs, kept), for a net whose operations do
                                   not look at the other examples of the batch
                                   (evaluation mode, or no BatchNorm)

The value of a node for one example is activation(merge(operation(value of the source)
for its live edges)); which edges are live is found by walking every path. Nothing of
bsngraph.supernet is used but the operations (weights) themselves.
"""

from __future__ import annotations

from functools import reduce

import numpy as np
import torch
from random_fabrics import edge_shapes, live_by_paths
from torch import Tensor
from torch.nn import functional

from bsngraph.fabric import Fabric, Node

_ACTIVATIONS = {
    "none": lambda x: x,
    "relu": lambda x: torch.where(x > 0, x, torch.zeros_like(x)),
    "gelu": functional.gelu,
    "silu": lambda x: x * torch.sigmoid(x),
    "hardswish": lambda x: x * (x + 3).clamp(0, 6) / 6,
    "tanh": torch.tanh,
    "sigmoid": lambda x: 1 / (1 + torch.exp(-x)),
}


def evaluate(net, inputs: dict[str, Tensor], kept: np.ndarray) -> dict[str, Tensor]:
    """Every target's values (batch, …) under the sample `kept` (batch, edges), by
    name.
    """
    shapes = edge_shapes(net.fabric)
    rows = []
    for number, choice in enumerate(kept):
        example = {name: value[number : number + 1] for name, value in inputs.items()}
        rows.append(_one_example(net, example, live_by_paths(net.fabric, choice), shapes))
    return {name: torch.cat([row[name] for row in rows]) for name in net.fabric.targets}


def _one_example(net, example: dict[str, Tensor], live: set[int], shapes) -> dict[str, Tensor]:
    fabric, memo = net.fabric, {}

    def value(name: str) -> Tensor:
        if name not in memo:
            node = next(node for node in fabric.nodes if node.name == name)
            memo[name] = _ACTIVATIONS[node.activation](example[name] if name in example else merged(node))
        return memo[name]

    def merged(node: Node) -> Tensor:
        edges = [
            index for index, edge in enumerate(fabric.edges) if edge.target == node.name and index in live
        ]
        results = {index: net.operations[index](value(fabric.edges[index].source)) for index in edges}
        if node.merge == "sum":
            return reduce(torch.add, results.values())
        if node.merge == "mean":
            return reduce(torch.add, results.values()) / len(results)
        if node.merge == "max":
            return reduce(torch.maximum, results.values())
        if node.merge == "mul":
            return reduce(torch.mul, results.values())
        return _concatenated(fabric, node, results, shapes)

    like = next(iter(example.values()))
    reached = {fabric.edges[index].target for index in live}
    return {
        name: value(name) if name in reached else like.new_zeros(1, *node_shape(fabric, name, shapes))
        for name in fabric.targets
    }


def _concatenated(fabric: Fabric, node: Node, results: dict[int, Tensor], shapes) -> Tensor:
    """Every slot in order, zeros for what is absent; a pruned node's edges say where
    their slots begin.
    """
    like = next(iter(results.values()))
    whole = torch.zeros(1, *node_shape(fabric, node.name, shapes), dtype=like.dtype)
    begin = 0
    for index, edge in enumerate(fabric.edges):
        if edge.target == node.name:
            start = begin if edge.concat_offset is None else edge.concat_offset
            if index in results:
                whole[:, start : start + shapes[index][0]] = results[index]
            begin += shapes[index][0]
    return whole


def node_shape(fabric: Fabric, name: str, shapes) -> tuple[int, ...]:
    """The shape of one example at a node, from the outgoing shapes of the edges."""
    node = next(node for node in fabric.nodes if node.name == name)
    incoming = [shapes[index] for index, edge in enumerate(fabric.edges) if edge.target == name]
    if not incoming:
        return node.input
    if node.merge == "concat":
        return (node.concat_channels or sum(shape[0] for shape in incoming), *incoming[0][1:])
    return incoming[0]
