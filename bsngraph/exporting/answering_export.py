"""An exported folder put to use as a run is: measured on its run's test data, asked.

In: a run folder, or a folder that `export` made, and an engine. Out: what
`evaluate_run` and `predict` give, of what was exported.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bsngraph.data import Dataset
from bsngraph.data.dataset import channel_shape
from bsngraph.delivered import Evaluation, Prediction, evaluate_run, predict
from bsngraph.delivered.answering import Answering, AnsweringOf
from bsngraph.errors import InputError
from bsngraph.exporting.engine import Engine, batch_of_examples
from bsngraph.exporting.exported_folder import is_export
from bsngraph.exporting.opening import engine_of_export, package_of_export, read_record, run_of_export
from bsngraph.exporting.package import ExportPackage
from bsngraph.exporting.proof.measuring import answer_tensors, target_outputs
from bsngraph.measure import find_hardware
from bsngraph.tasks import Outputs

ENGINES = ("torch", "onnx")


def evaluate_folder(
    path: str | Path,
    *,
    engine: str | None = None,
    trusted: bool = False,
    device: str = "auto",
    threads: int | None = None,
    **more: Any,
) -> Evaluation:
    """Measure a run's network, or what was exported of it, on the run's test examples.

    `engine` is torch or onnx; what the folder holds where none is given. An exported
    ONNX folder measured by torch is the network of the run that it carries. `more` is
    as `evaluate_run` takes it; the code of a `trusted` folder may run.

    Raises:
        InputError: the engine does not run what the folder holds, or its files are
            damaged; and as `evaluate_run`.
    """
    with _opened(Path(path), engine, device, threads, trusted=trusted) as (run, answering, where):
        return evaluate_run(run, answering=answering, device=where, threads=threads, **more)


def predict_folder(
    path: str | Path,
    *,
    engine: str | None = None,
    trusted: bool = False,
    device: str = "auto",
    threads: int | None = None,
    **more: Any,
) -> Prediction:
    """What a run's network, or what was exported of it, says of images or examples:
    `more` is as `predict` takes it, everything else as `evaluate_folder` has it.

    Raises:
        InputError: as `evaluate_folder` and `predict`.
    """
    with _opened(Path(path), engine, device, threads, trusted=trusted) as (run, answering, where):
        return predict(run, answering=answering, device=where, threads=threads, **more)


@contextmanager
def _opened(
    path: Path, engine: str | None, device: str, threads: int | None, *, trusted: bool
) -> Iterator[tuple[Path, AnsweringOf | None, str]]:
    """The run, what answers in its network's place, and the device; the exported
    network is loaded with so many threads.
    """
    if not is_export(path):
        if engine == "onnx":
            raise InputError(
                f"{path} is a run, which torch runs: write `bsngraph export {path} --format onnx -o DIR`, "
                "and give that DIR"
            )
        yield path, None, device
        return
    record, run = read_record(path), run_of_export(path).path
    holds = "onnx" if record.format == "onnx" else "torch"
    if engine == "onnx" and holds == "torch":
        raise InputError(
            f"{path} holds an export to {record.format}, which torch runs: export its run by --format onnx"
        )
    if engine == "torch" and holds == "onnx":
        yield run, None, device
        return
    if device not in ("auto", "cpu"):
        raise InputError(f"an exported network runs on the CPU here, not on {device!r}: leave out --device")
    with find_hardware("cpu", threads).in_use():
        package = package_of_export(path, record)
        found = engine_of_export(path, record, package, trusted=trusted)
        yield run, partial(answering_of_engine, found, package), "cpu"


def answering_of_engine(engine: Engine, package: ExportPackage, dataset: Dataset) -> Answering:
    """What an engine answers to examples of a data set, turned back into outputs that
    losses and metrics take.
    """
    network, task = package.network, package.facts.bound_task(torch.device("cpu"))
    taken = _Units(package, dataset)
    targets = list(dict.fromkeys(each.target for each in network.outputs))

    def answer(raw: Tensor) -> Outputs:
        answered = answer_tensors(engine.run(batch_of_examples(network.inputs, taken(raw))))
        outputs = {target: target_outputs(answered, network, task, target) for target in targets}
        return outputs if len(outputs) > 1 else outputs[targets[0]]

    return answer


class _Units:
    """Raw examples of a data set in the units and the number type that an exported
    network takes, by the normalisation of both.
    """

    def __init__(self, package: ExportPackage, dataset: Dataset) -> None:
        (self.dtype,) = {np.dtype(each.dtype) for each in package.network.inputs}
        shape = channel_shape(len(dataset.input_shape) + 1)
        facts = package.facts
        self.same = (dataset.mean, dataset.std) == (facts.mean, facts.std)
        self.of_data, self.of_export = (
            tuple(np.array(values, dtype=np.float64).reshape(shape) for values in pair)
            for pair in ((dataset.mean, dataset.std), (facts.mean, facts.std))
        )

    def __call__(self, raw: Tensor) -> Tensor:
        """Examples (batch, …) as the network takes them.

        Raises:
            InputError: it takes whole numbers, and these are others or too large.
        """
        values = raw.cpu().numpy()
        if not self.same:
            (mean, std), (new_mean, new_std) = self.of_data, self.of_export
            values = (values - mean) / std * new_std + new_mean
        if self.dtype.kind == "f" or values.dtype == self.dtype:
            return torch.from_numpy(values.astype(self.dtype))
        with np.errstate(invalid="ignore"):  # of what is no number
            taken = np.rint(values).astype(self.dtype)
        if not np.allclose(taken, values, rtol=0, atol=1e-6):
            raise InputError(
                f"the exported network takes whole numbers ({self.dtype.name}) in the units of its data, and "
                "these examples are others: use the run instead, or export it from data of such examples"
            )
        return torch.from_numpy(taken)
