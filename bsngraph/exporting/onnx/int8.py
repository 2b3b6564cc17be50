"""An ONNX file in 8 bits: weights and activations of the network, by onnxruntime's
static quantisation (QDQ), calibrated on training data.

    model.onnx → one quantised file for each granularity → the better one on validation

In: the float file and its package. Out: the quantised file in its place, or an error
with the figures where both lose too much. Normalisation and the answer stay in float.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
import torch
from onnx import ModelProto
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from bsngraph.data import Split
from bsngraph.errors import BsngraphError
from bsngraph.exporting.engine import Arrays, batch_of_examples
from bsngraph.exporting.onnx.int8_record import GRANULARITIES, INT8, Granularity, Int8Row
from bsngraph.exporting.onnx.running import OnnxEngine
from bsngraph.exporting.package import ExportPackage
from bsngraph.exporting.programs.tracing import quietly
from bsngraph.exporting.proof.measuring import metrics_of
from bsngraph.tasks import TASKS, Metric
from bsngraph.wording import shortened

CALIBRATED_ON = 512
"""Training examples, spread evenly over the split."""

_BATCH = 64
_LONGEST = 200

# What onnxruntime has integer kernels for. Softmax and norms stay in float.
_OPERATORS = (
    *("Conv", "ConvTranspose", "Gemm", "MatMul", "Add", "Mul", "Relu", "LeakyRelu", "Clip"),
    *("MaxPool", "AveragePool", "GlobalAveragePool", "Concat", "Resize", "Pad", "Slice"),
    *("Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze"),
)
# What scores are: in 8 bits, classes would often tie.
_FLOAT_OUTPUTS = ("Gemm", "MatMul")
# On x86 onnxruntime turns signed ones into unsigned ones; where a value is used twice,
# as beside a skip, its convolutions then stay in float: four times as long.
_ACTIVATIONS = QuantType.QUInt8
# Constants of what a RawNetwork does around the network.
_AROUND = frozenset({"mean", "std", "label_mean", "label_std"})


@dataclass(frozen=True)
class _Tried:
    """A quantised file and the task's metric on validation data."""

    granularity: Granularity
    path: Path
    metric: float


def quantise(package: ExportPackage, path: Path, most_lost: float) -> None:
    """Replace the float model at `path` by the better quantised one.

    `most_lost`: how many points of the task's metric on validation data it may lose;
    of an error like RMSE, a point is one per cent of that of the float network.

    Raises:
        BsngraphError: both granularities lose more, or nothing of the network can be
            quantised.
    """
    dataset, metric = package.dataset, TASKS[package.facts.task].headline
    assert dataset is not None, "what is exported was packed with its data"
    before = _metric(package, path, metric)
    with TemporaryDirectory() as folder:
        tried = [
            _quantised(package, path, Path(folder) / f"{name}.onnx", name, metric) for name in GRANULARITIES
        ]
        best = min(tried, key=lambda each: points_lost(metric, before, each.metric))  # per tensor of equals
        if not points_lost(metric, before, best.metric) <= most_lost:  # NaN loses everything
            raise BsngraphError(_refusal(metric, before, tried, most_lost))
        row = Int8Row(
            granularity=best.granularity,
            calibrated_on=min(CALIBRATED_ON, len(dataset.train)),
            metric=metric.name,
            before=before,
            after={each.granularity: each.metric for each in tried},
        )
        model = onnx.load(best.path)
    said = {each.key: each.value for each in onnx.load(path).metadata_props}
    onnx.helper.set_model_props(model, said | {INT8: row.text()})
    model.graph.name = package.name
    onnx.save(model, path)


def points_lost(metric: Metric, before: float, after: float) -> float:
    """How many points of a metric are lost: of its per cents, or of an error like RMSE
    as many per cent as it grew; below 0 where it got better.
    """
    if metric.percent:
        return 100 * (before - after if metric.higher_is_better else after - before)
    change = after - before if not metric.higher_is_better else before - after
    return 100 * change / abs(before) if before else 100 * change


def _quantised(
    package: ExportPackage, path: Path, out: Path, granularity: Granularity, metric: Metric
) -> _Tried:
    assert package.dataset is not None
    model = onnx.load(path)
    try:
        with quietly():
            quantize_static(
                model,
                out,
                _Examples(package, package.dataset.train),
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=list(_OPERATORS),
                per_channel=granularity == "per channel",
                activation_type=_ACTIVATIONS,
                weight_type=QuantType.QInt8,
                nodes_to_exclude=_around(model),
                extra_options={"OpTypesToExcludeOutputQuantization": list(_FLOAT_OUTPUTS)},
            )
    except Exception as error:  # onnxruntime's tools raise what their parts raise
        what = shortened(" ".join(str(error).split()), _LONGEST)
        raise BsngraphError(f"onnxruntime cannot quantise this network ({what}): leave out --int8") from error
    if not any(node.op_type == "QuantizeLinear" for node in onnx.load(out).graph.node):
        raise BsngraphError("nothing of this network can be quantised: leave out --int8")
    return _Tried(granularity, out, _metric(package, out, metric))


def _around(model: ModelProto) -> list[str]:
    """The nodes that normalise inputs, and those that make amounts of outputs."""
    return [node.name for node in model.graph.node if not _AROUND.isdisjoint(node.input)]


def _metric(package: ExportPackage, path: Path, metric: Metric) -> float:
    assert package.dataset is not None
    engine = OnnxEngine(path)
    found = metrics_of(engine, package.network, package.facts, package.dataset.validation)
    return float(found.metrics[metric.name])


def _refusal(metric: Metric, before: float, tried: list[_Tried], most_lost: float) -> str:
    points = "point" if most_lost == 1 else "points"
    figures = ", ".join(f"{each.granularity} {metric.value(each.metric)}" for each in tried)
    return (
        f"in 8 bits the network loses more than {most_lost:g} {points} of {metric.shown(before)} on "
        f"validation data: {figures}; leave out --int8, or allow more by --int8-loss"
    )


class _Examples(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime has no types
    """Raw training examples, as the float model takes them."""

    def __init__(self, package: ExportPackage, train: Split) -> None:
        count = min(CALIBRATED_ON, len(train))
        rows = torch.from_numpy(np.linspace(0, len(train) - 1, count).round().astype(np.int64))
        self.batches = self._batches(package, train, rows)

    def _batches(
        self, package: ExportPackage, train: Split, rows: torch.Tensor
    ) -> Iterator[dict[str, Arrays]]:
        inputs = package.network.inputs
        for values, _ in train.batches(torch.split(rows, _BATCH)):
            batch = batch_of_examples(inputs, values.cpu())
            yield dict(batch) if isinstance(batch, Mapping) else {inputs[0].name: batch}

    def get_next(self) -> dict[str, Any] | None:
        return next(self.batches, None)
