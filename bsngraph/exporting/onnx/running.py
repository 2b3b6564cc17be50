"""An ONNX file run by onnxruntime, on the CPU."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import onnx
import onnxruntime
import torch
from google.protobuf.message import DecodeError
from onnx.shape_inference import InferenceError
from onnxruntime.capi import onnxruntime_pybind11_state as states

from bsngraph.errors import InputError
from bsngraph.exporting.engine import Arrays, GraphCounts, RawBatch, check_answer
from bsngraph.exporting.onnx.counting import graph_counts
from bsngraph.exporting.onnx.int8_record import Int8Row, int8_of
from bsngraph.exporting.onnx.writing import MODEL_FILE
from bsngraph.exporting.package import ExportPackage
from bsngraph.exporting.raw_network import RawOutput
from bsngraph.whole_files import check_regular
from bsngraph.wording import printable, shortened

_LONGEST = 200
_FAILURES = (
    states.EPFail,
    states.Fail,
    states.InvalidArgument,
    states.InvalidGraph,
    states.InvalidProtobuf,
    states.ModelLoaded,
    states.NotImplemented,
    states.RuntimeException,
)


class OnnxEngine:
    """model.onnx in onnxruntime, with as many threads as torch has. `outputs` are what
    it must answer, where that is known.

    Raises:
        InputError: the file cannot be read, is no ONNX model, or has parts in other
            files.
    """

    def __init__(self, path: Path, outputs: Sequence[RawOutput] = ()) -> None:
        self.path, self.outputs = path, outputs
        check_regular(path)
        try:
            self.model = onnx.load(path, load_external_data=False)
        except DecodeError as error:
            raise InputError(f"{path}: is no ONNX model ({error}): export the run again") from None
        if any(tensor.data_location == onnx.TensorProto.EXTERNAL for tensor in self.model.graph.initializer):
            raise InputError(f"{path}: has weights in other files, which no export has: export the run again")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.log_severity_level = 4
        try:
            self.session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except _FAILURES as error:
            what = shortened(printable(str(error)), _LONGEST)
            raise InputError(f"{path}: onnxruntime cannot run it ({what}): export the run again") from None
        self.input_names = [each.name for each in self.session.get_inputs()]
        self.output_names = [each.name for each in self.session.get_outputs()]

    @property
    def opset(self) -> int:
        """The version of ONNX's operators that the file asks for."""
        return next(int(each.version) for each in self.model.opset_import if each.domain in ("", "ai.onnx"))

    @property
    def int8(self) -> Int8Row | None:
        """How the model was quantised; None if it is in float.

        Raises:
            InputError: what its metadata say of it is damaged.
        """
        return int8_of({each.key: each.value for each in self.model.metadata_props}, MODEL_FILE)

    def run(self, batch: RawBatch) -> dict[str, Arrays]:
        values = batch if isinstance(batch, Mapping) else {self.input_names[0]: batch}
        try:
            given = self.session.run(self.output_names, dict(values))
        except _FAILURES as error:  # of a file that is not of this network
            what = shortened(printable(str(error)), _LONGEST)
            raise InputError(f"{self.path}: fails to run ({what}): export the run again") from None
        answer = dict(zip(self.output_names, given, strict=True))
        check_answer(answer, self.outputs, self.path)
        return answer

    def counts(self) -> GraphCounts:
        try:
            return graph_counts(self.model)
        except (InferenceError, LookupError, ValueError):  # what a damaged graph gives
            raise InputError(f"{self.path}: its costs cannot be counted: export the run again") from None


def load_onnx(folder: Path, package: ExportPackage, trusted: bool) -> OnnxEngine:
    """The engine of an exported folder; an ONNX file holds no code.

    Raises:
        InputError: as `OnnxEngine`, or the model has other inputs or outputs.
    """
    engine = OnnxEngine(folder / MODEL_FILE, package.network.outputs)
    wanted = [[each.name for each in side] for side in (package.network.inputs, package.network.outputs)]
    if [engine.input_names, engine.output_names] != wanted:
        raise InputError(
            f"{folder / MODEL_FILE}: its inputs or outputs are not those of the run's network: export the "
            "run again"
        )
    return engine
