"""A network as a program of ExecuTorch: model.pte, for phones and boards. What the
XNNPACK library can compute is left to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
from executorch.exir import to_edge_transform_and_lower
from executorch.runtime import Runtime
from torch import Tensor

from bsngraph.errors import BsngraphError, InputError
from bsngraph.exporting.engine import Arrays, GraphCounts, RawBatch, TorchEngine, check_answer
from bsngraph.exporting.options import ExportOptions
from bsngraph.exporting.package import ExportPackage
from bsngraph.exporting.programs.torch_export import traced_program
from bsngraph.exporting.programs.tracing import quietly
from bsngraph.whole_files import check_regular
from bsngraph.wording import printable, shortened

EDGE_FILE = "model.pte"

_MOST_EXAMPLES = 64
_LONGEST = 200


def write_edge_program(package: ExportPackage, folder: Path, options: ExportOptions) -> None:
    """Write model.pte.

    Raises:
        BsngraphError: an operator that torch.export or ExecuTorch cannot hold.
    """
    traced = traced_program(package, "ExecuTorch", most=_MOST_EXAMPLES)
    try:
        with quietly():
            lowered = to_edge_transform_and_lower(traced, partitioner=[XnnpackPartitioner()])
            content = lowered.to_executorch().buffer
    except Exception as error:  # the compiler raises what its parts raise
        what = shortened(printable(str(error)), _LONGEST)
        raise BsngraphError(f"ExecuTorch cannot hold the network ({what}): use another format") from error
    (folder / EDGE_FILE).write_bytes(content)


class EdgeEngine:
    """model.pte in ExecuTorch's runtime.

    Memory for a batch is planned when the program is written, so a larger batch is run
    in parts. The costs are those of the graph that the program was lowered from: a .pte
    keeps no operators to count.
    """

    def __init__(self, path: Path, package: ExportPackage) -> None:
        self.path, self.package = path, package
        try:
            with quietly():
                # the program's memory must outlive the method
                self.program = Runtime.get().load_program(path)
                self.method: Any = self.program.load_method("forward")
                self.most = int(self.method.metadata.input_tensor_meta(0).sizes()[0])
        except Exception as error:  # the runtime raises what its parts raise
            what = shortened(printable(str(error)), _LONGEST)
            raise InputError(f"{path}: is no program of ExecuTorch ({what}): export the run again") from None

    def run(self, batch: RawBatch) -> dict[str, Arrays]:
        inputs = self.package.network.inputs
        values = [batch[each.name] for each in inputs] if isinstance(batch, Mapping) else [batch]
        parts: list[list[Arrays]] = []
        for start in range(0, len(values[0]), self.most):
            some = [torch.from_numpy(value[start : start + self.most]) for value in values]
            parts.append(self._part(some))
        outputs = self.package.network.outputs
        pieces = zip(outputs, zip(*parts, strict=True), strict=True)
        return {each.name: np.concatenate(of_output) for each, of_output in pieces}

    def _part(self, values: list[Tensor]) -> list[Arrays]:
        outputs = self.package.network.outputs
        try:
            given = [value.numpy().copy() for value in self.method.execute(values)]
            named = {each.name: value for each, value in zip(outputs, given, strict=True)}
        except (RuntimeError, ValueError):  # of a file that is not of this network
            raise InputError(f"{self.path}: is not of the run's network: export the run again") from None
        check_answer(named, outputs, self.path)
        return given

    def counts(self) -> GraphCounts:
        return TorchEngine(self.package.network, self.package.network.inputs).counts()


def load_edge_program(folder: Path, package: ExportPackage, trusted: bool) -> EdgeEngine:
    """The engine of an exported folder; such a file holds no code.

    Raises:
        InputError: model.pte cannot be read.
    """
    path = folder / EDGE_FILE
    check_regular(path)
    return EdgeEngine(path, package)
