"""What the exporters of torch need: an example to trace a network by, quiet, and an
error that names the edge whose operation they refuse.
"""

from __future__ import annotations

import io
import logging
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any

import torch
from torch import nn
from torch.export import ExportedProgram
from torch.fx import GraphModule

from bsngraph.errors import BsngraphError
from bsngraph.exporting.package import ExportPackage
from bsngraph.exporting.raw_network import RawNetwork
from bsngraph.supernet.supernet import Inputs
from bsngraph.wording import printable, shortened

_OPERATOR = re.compile(r"op='([\w.]+)'|torch\.ops\.(\w+\.\w+)")
_LONGEST = 200

Attempt = Callable[[nn.Module, Inputs], object]


def example_batch(network: RawNetwork) -> Inputs:
    """A batch of two examples of zeros, by which a network is traced: one example would
    freeze the batch.
    """
    values = {
        each.name: torch.zeros(2, *each.shape, dtype=getattr(torch, each.dtype)) for each in network.inputs
    }
    return values if len(values) > 1 else next(iter(values.values()))


def free_batch(network: RawNetwork, most: int | None = None) -> dict[str, Any]:
    """What says to torch.export that the number of examples is free, up to `most`."""
    batch = torch.export.Dim("batch", min=1, max=most)
    free = {each.name: {0: batch} for each in network.inputs}
    return {"inputs": free if len(free) > 1 else next(iter(free.values()))}


@contextmanager
def quietly() -> Iterator[None]:
    """Keep back what exporters print, log and warn of: what goes wrong is raised, or
    seen in the file.
    """
    level = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), redirect_stderr(io.StringIO()), redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)


def without_paths(program: ExportedProgram) -> ExportedProgram:
    """The program without the places in source files that each node came from: they are
    of this machine.
    """
    for module in program.graph_module.modules():
        for node in module.graph.nodes if isinstance(module, GraphModule) else ():
            node.meta.pop("stack_trace", None)
    return program


def refusal(package: ExportPackage, format_name: str, attempt: Attempt, error: Exception) -> BsngraphError:
    """Why a format cannot hold a network: the first edge whose operation alone it
    refuses too, and the operator.

    `attempt(module, inputs)` exports a part of the network.
    """
    profile = package.profile
    for edge, operation in zip(profile.fabric.edges, package.delivered.net.operations, strict=True):
        source = profile.fabric.node_index[edge.source]
        try:
            attempt(operation.eval(), torch.zeros(2, *profile.node_shapes[source]))
        except Exception as found:  # whatever the exporter's parts raise
            return BsngraphError(
                f"{format_name} cannot hold {_operator(found)} of edge {edge.name} (op={edge.op}): use "
                "another format, or another operation"
            )
    return BsngraphError(f"{format_name} cannot hold the network ({_operator(error)}): use another format")


def _operator(error: BaseException) -> str:
    """The operator that an exporter's first error is about, or what it says first."""
    while error.__cause__ is not None:
        error = error.__cause__
    text = printable(str(error))
    found = _OPERATOR.search(text)
    if found:
        return found[1] or found[2]
    return shortened(text.splitlines()[0] if text else type(error).__name__, _LONGEST)
