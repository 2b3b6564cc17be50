"""What an export weighs, how long it takes to make, and how fast it is beside the
network it was made of.

A search of fabrics/digits.dot under 25 % of its MACs, or a run that is given. Each way
answers raw test images of the digits, all ways in turn in every round, so that a slow
moment meets all. With one thread its processor time is taken, which other processes
change little.

    python -m benchmarks exports [--quick] [--run RUN] [--threads 1] [--repeats 400]
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import numpy as np
import torch

from benchmarks.shared.keeping import keep
from benchmarks.shared.measuring import in_turn, milliseconds, processor_seconds
from benchmarks.shared.options import quick_option
from benchmarks.shared.rows import Row
from benchmarks.shared.tables import last_table
from bsngraph import InputError, Recipe, SearchSettings, read_fabric, search
from bsngraph.delivered.answering import Answering, answering_of_net
from bsngraph.exporting import ExportOptions, export
from bsngraph.exporting.asking.engine_answers import answering_of_engine
from bsngraph.exporting.opening import engine_of_export, package_of_export, read_record
from bsngraph.exporting.package import ExportPackage, pack
from bsngraph.measure import find_hardware
from bsngraph.supernet import SuperNet, compile_fabric, deploy

FABRIC = Path(__file__).parents[2] / "fabrics" / "digits.dot"
BATCHES = (1, 64)
#: What is exported: the words of the table, the format, its options.
EXPORTS = (
    ("python", "python", ExportOptions()),
    ("onnx", "onnx", ExportOptions()),
    ("onnx, 8 bits", "onnx", ExportOptions(int8=True, int8_loss=100.0)),
)
MODELS = {"python": "model.safetensors", "onnx": "model.onnx"}
TABLES = {"exports": last_table()}


def searched(out: Path, *, quick: bool) -> Path:
    """The run to export."""
    recipe = Recipe(epochs=2) if quick else Recipe()
    settings = SearchSettings(finalists=0, finetune_epochs=0) if quick else SearchSettings()
    search(read_fabric(FABRIC), "digits", ["macs=25%"], out=out, recipe=recipe, settings=settings, threads=1)
    return out


def size(net: SuperNet) -> int:
    """Bytes of the weights."""
    return sum(tensor.numel() * tensor.element_size() for tensor in net.state_dict().values())


def ways_of(package: ExportPackage, run: Path, folder: Path) -> Iterator[tuple[Row, Answering]]:
    """Each row so far, and what answers."""
    dataset, net = package.dataset, package.delivered.net
    assert dataset is not None
    whole = compile_fabric(read_fabric(package.run.file("fabric.dot")), seed=0).eval()
    yield {"network": "super-network, every edge", "bytes": size(whole)}, answering_of_net(whole, dataset)
    yield {"network": "delivered, as the search has it", "bytes": size(net)}, answering_of_net(net, dataset)
    deployed = deploy(net)
    row: Row = {"network": "deployed, plain torch", "bytes": size(deployed)}
    yield row, lambda raw: deployed(dataset.normalised(raw))
    for words, name, options in EXPORTS:
        out = folder / words.replace(" ", "")
        started = time.perf_counter()
        try:
            export(run, name, out, options=options)
        except InputError as error:
            click.echo(f"{words}: {error}")
            continue
        seconds = time.perf_counter() - started
        record = read_record(out)
        made = package_of_export(out, record)
        answering = answering_of_engine(engine_of_export(out, record, made, trusted=True), made, dataset)
        row = {"network": words, "bytes": (out / MODELS[name]).stat().st_size, "seconds to export": seconds}
        yield row, answering


def accuracy(answering: Answering, package: ExportPackage) -> float:
    """Percent of the test images."""
    assert package.dataset is not None
    test = package.dataset.test
    with torch.inference_mode():
        said = answering(test.inputs)
    assert isinstance(said, torch.Tensor)
    return 100 * float(np.mean(said.argmax(dim=1).numpy() == test.labels.numpy()))


@click.command("exports")
@quick_option
@click.option(
    "--run", type=click.Path(path_type=Path, exists=True), help="A finished run, in place of a search."
)
@click.option("--threads", type=click.IntRange(min=1), default=1, show_default=True, help="Of the processor.")
@click.option("--repeats", type=click.IntRange(min=1), help="Calls of each way; 400, and 5 in a quick run.")
def command(quick: bool, run: Path | None, threads: int, repeats: int | None) -> None:
    """Export a network, and measure it beside the one it was made of.

    Example: python -m benchmarks exports --quick
    """
    with tempfile.TemporaryDirectory() as folder, find_hardware("cpu", threads).in_use():
        made = run or searched(Path(folder) / "run", quick=quick)
        package = pack(made)
        assert package.dataset is not None
        rows, ways = zip(*ways_of(package, made, Path(folder)), strict=True)
        for batch in BATCHES:
            raw = package.dataset.test.inputs[:batch]

            def call(answering: Answering, raw: torch.Tensor = raw) -> Callable[[], object]:
                return lambda: answering(raw)

            with torch.inference_mode():
                rounds, clock = repeats or (5 if quick else 400), processor_seconds if threads == 1 else None
                times = in_turn([call(way) for way in ways], rounds, clock=clock, warm=5)
            for row, taken in zip(rows, times, strict=True):
                row[f"ms, batch {batch}"] = milliseconds(taken)
        for row, way in zip(rows[1:], ways[1:], strict=True):
            row["test accuracy %"] = accuracy(way, package)
        keep("exports", rows, quick=quick)
