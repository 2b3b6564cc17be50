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

from bsngraph.delivered import Evaluation, Prediction, evaluate_run, predict
from bsngraph.delivered.answering import AnsweringOf
from bsngraph.errors import InputError
from bsngraph.exporting.asking.engine_answers import answering_of_engine
from bsngraph.exporting.exported_folder import is_export
from bsngraph.exporting.opening import engine_of_export, package_of_export, read_record, run_of_export
from bsngraph.measure import find_hardware

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
