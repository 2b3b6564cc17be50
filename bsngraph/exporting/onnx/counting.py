"""What an ONNX graph costs, counted on the graph itself.

MACs are those of convolutions and matrix products on one example, parameters the
numbers that the graph holds of the network: not those of the normalisation around it,
and no running statistics, scales or zero points.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

import onnx
from onnx import ModelProto, NodeProto, TensorProto

from bsngraph.exporting.engine import GraphCounts
from bsngraph.ops import Shape

_NETWORK = "network."
_AROUND = {"mean", "std", "label_mean", "label_std"}
_NUMBERED = re.compile(r"_\d+$")
_QUANTISING = ("_scale", "_zero_point")
_NUMBERS = {
    TensorProto.FLOAT,
    TensorProto.FLOAT16,
    TensorProto.DOUBLE,
    TensorProto.INT8,
    TensorProto.UINT8,
    TensorProto.INT32,
}
_NO_WEIGHTS = {"BatchNormalization": slice(3, 5), "Resize": slice(1, None), "Pad": slice(1, None)}
"""Inputs of an operator that are no parameters: running statistics, sizes."""


def graph_counts(model: ModelProto) -> GraphCounts:
    """Count a model whose batch is free."""
    return GraphCounts(_macs(model), _params(model))


def _macs(model: ModelProto) -> int:
    shapes = _shapes(_of_one_example(model))
    total = 0
    for node in model.graph.node:
        if node.op_type in _MACS:
            total += _MACS[node.op_type](node, shapes)
    return total


def _params(model: ModelProto) -> int:
    apart = {
        name
        for node in model.graph.node
        if node.op_type in _NO_WEIGHTS
        for name in node.input[_NO_WEIGHTS[node.op_type]]
    }
    return sum(
        math.prod(tensor.dims)
        for tensor in model.graph.initializer
        if tensor.data_type in _NUMBERS
        and tensor.name not in apart
        and _NUMBERED.sub("", tensor.name) not in _AROUND
        and not tensor.name.endswith(_QUANTISING)
        # what the exporter moves into a constant of its own loses its name; a single
        # number is a factor that it made
        and (tensor.name.startswith(_NETWORK) or math.prod(tensor.dims) > 1)
    )


def _of_one_example(model: ModelProto) -> ModelProto:
    """The model for one example, every shape known."""
    fixed = ModelProto()
    fixed.CopyFrom(model)
    del fixed.graph.value_info[:]
    for value in fixed.graph.input:
        value.type.tensor_type.shape.dim[0].dim_value = 1
    for value in fixed.graph.output:
        value.type.tensor_type.ClearField("shape")
    return onnx.shape_inference.infer_shapes(fixed, data_prop=True)


def _shapes(model: ModelProto) -> dict[str, Shape]:
    graph = model.graph
    found = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    for value in (*graph.input, *graph.value_info, *graph.output):
        found[value.name] = tuple(dim.dim_value for dim in value.type.tensor_type.shape.dim)
    return found


# --- MACs of a node: (node, shapes by name) → a number


def _convolution(node: NodeProto, shapes: dict[str, Shape]) -> int:
    """Of each value that comes out: input channels of a group times kernel."""
    return math.prod(shapes[node.output[0]]) * math.prod(shapes[node.input[1]][1:])


def _transposed(node: NodeProto, shapes: dict[str, Shape]) -> int:
    """Of each value that goes in: output channels of a group times kernel."""
    return math.prod(shapes[node.input[0]]) * math.prod(shapes[node.input[1]][1:])


def _gemm(node: NodeProto, shapes: dict[str, Shape]) -> int:
    flipped = any(attribute.name == "transA" and attribute.i for attribute in node.attribute)
    return math.prod(shapes[node.output[0]]) * shapes[node.input[0]][0 if flipped else 1]


def _product(node: NodeProto, shapes: dict[str, Shape]) -> int:
    return math.prod(shapes[node.output[0]]) * shapes[node.input[0]][-1]


def _sum_of_products(node: NodeProto, shapes: dict[str, Shape]) -> int:
    """Of Einsum: every letter of its equation once, of products of two."""
    (equation,) = (attribute.s.decode() for attribute in node.attribute if attribute.name == "equation")
    letters: dict[str, int] = {}
    terms: Sequence[str] = equation.replace(" ", "").split("->")[0].split(",")
    for term, name in zip(terms, node.input, strict=True):
        letters |= dict(zip(term, shapes[name], strict=True))
    return math.prod(letters.values()) if len(terms) > 1 else 0


_MACS: dict[str, Callable[[NodeProto, dict[str, Any]], int]] = {
    "Conv": _convolution,
    "ConvTranspose": _transposed,
    "Gemm": _gemm,
    "MatMul": _product,
    "Einsum": _sum_of_products,
}
