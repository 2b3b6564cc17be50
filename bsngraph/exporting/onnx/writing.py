"""A network as one ONNX file: its names, a free batch, the opset as asked, and what it
is for in its metadata.
"""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Any

import torch
from onnx.defs import onnx_opset_version
from torch import Tensor, nn

from bsngraph.errors import BsngraphError
from bsngraph.exporting.options import ExportOptions
from bsngraph.exporting.package import ExportPackage
from bsngraph.exporting.programs.tracing import example_batch, free_batch, quietly, refusal

MODEL_FILE = "model.onnx"

_LARGEST = 2**31 - 2**20
"""Bytes of a protobuf message, less room for the graph."""


def write_onnx(package: ExportPackage, folder: Path, options: ExportOptions) -> None:
    """Write model.onnx.

    Raises:
        BsngraphError: an operator that ONNX cannot hold, an opset that the exporter
            does not give, more than 2 GB of weights, or 8 bits that lose too much.
    """
    size = sum(tensor.numel() * tensor.element_size() for tensor in package.network.state_dict().values())
    if size > _LARGEST:
        raise BsngraphError(
            f"an ONNX file holds at most 2 GB, and the weights are {size / 1e9:.1f} GB: use another format"
        )
    newest = onnx_opset_version()
    if options.opset is not None and options.opset > newest:
        raise BsngraphError(f"there is no opset {options.opset}: the newest that is known here is {newest}")
    program = _exported(package, options.opset)
    given = program.model.opset_imports[""]
    if options.opset not in (None, given):
        raise BsngraphError(
            f"the exporter gives opset {given} where {options.opset} is asked for: ask for {given}, or "
            "leave out --opset"
        )
    graph = program.model.graph
    _name_inputs(graph, [each.name for each in package.network.inputs])
    for node in graph.all_nodes():
        node.metadata_props.clear()  # places in source files of this machine
    graph.metadata_props.clear()
    program.model.metadata_props.update(package.metadata())
    graph.name = package.name
    with quietly():
        program.save(folder / MODEL_FILE, external_data=False)
    if options.int8:
        from bsngraph.exporting.onnx.int8 import quantise

        quantise(package, folder / MODEL_FILE, options.int8_loss)


def _exported(package: ExportPackage, opset: int | None) -> Any:
    network = package.network
    output_names = [each.name for each in network.outputs]

    def export(module: nn.Module, inputs: Any, **more: Any) -> Any:
        # a mapping at the end of its positional arguments is taken for keywords
        values: Any = {"args": (inputs,)} if isinstance(inputs, Tensor) else {"kwargs": {"inputs": inputs}}
        with quietly():
            return torch.onnx.export(
                module, **values, dynamo=True, verbose=False, opset_version=opset, **more
            )

    try:
        return export(
            network, example_batch(network), dynamic_shapes=free_batch(network), output_names=output_names
        )
    except Exception as error:  # the exporter raises what its parts raise
        raise refusal(package, "ONNX", export, error) from error


def _name_inputs(graph: Any, names: list[str]) -> None:
    """Call the inputs as the fabric calls its sources, and what has such a name inside
    something else: a source may be called `relu`.
    """
    inner = [value for node in graph.all_nodes() for value in node.outputs]
    values = [*graph.inputs, *inner, *graph.initializers.values()]
    taken = {value.name for value in values} | set(names)
    for value in values:
        if value.name in names:
            fresh = next(name for number in count(1) if (name := f"{value.name}_{number}") not in taken)
            taken.add(fresh)
            value.name = fresh
    for value, name in zip(graph.inputs, names, strict=True):
        value.name = name
